"""Slack, by an incoming webhook. Its address is all that it takes to write there: it is a secret."""

from typing import Any, ClassVar, Final

import msgspec
from msgspec import Struct

from chaos_runner.notify.channel import Way
from chaos_runner.notify.elsewhere import Hidden, read
from chaos_runner.notify.notice import Kind, Notice
from chaos_runner.notify.posting import Post, post
from chaos_runner.notify.reports import link

_CHARACTERS_MAX: Final = 2000
"""Of a text, before it is escaped. Slack takes 3000 in a block."""
_FIELD_MAX: Final = 200
_SIGNS: Final = {Kind.BREACH: "🔴", Kind.STOPPED: "🛑", Kind.MISSED: "⚠️", Kind.NOT_RESTORED: "🚨", Kind.RECOVERED: "🩹",
                 Kind.PAUSED: "⏸️"}
_ABOUT: Final = ("schedule", "environment", "run", "verdict", "restored", "host")


class Settings(Struct, frozen=True, kw_only=True, rename="kebab"):
    """Where the webhook's address is kept, and where reports can be read."""

    slack: Hidden
    report_url: str = ""


class Slack(Way[Settings]):
    """Writes the sentence, with what it is about below it."""

    settings: ClassVar = Settings
    secret: ClassVar = frozenset({"slack"})

    def send(self, settings: Settings, notice: Notice) -> str:
        message = msgspec.json.encode(message_of(notice, link(settings.report_url, notice)))
        return post(Post(url=read(settings.slack), body=message))


def message_of(notice: Notice, report: str = "") -> dict[str, Any]:
    """The message: blocks, and a text for where those cannot be shown."""
    said = escaped(notice.sentence, _CHARACTERS_MAX)
    sign = f"{_SIGNS[notice.kind]} " if notice.kind in _SIGNS else ""
    shown = f"{sign}*{notice.kind}*  {said}" + (f"\n<{escaped(report)}|Report>" if report else "")
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": shown}}]
    return {"text": f"{notice.kind}: {said}", "blocks": [*blocks, *_about(notice)], "unfurl_links": False}


def escaped(text: str, most: int = _CHARACTERS_MAX) -> str:
    """Text in which Slack finds no link, no mention and no command: those all begin with `<`."""
    cut = text if len(text) <= most else f"{text[:most - 1]}…"
    seen = "".join(character if character.isprintable() else " " for character in cut)
    return seen.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _about(notice: Notice) -> list[dict[str, Any]]:
    told = [f"{name}: {escaped(value, _FIELD_MAX)}" for name in _ABOUT if (value := getattr(notice, name))]
    if not told:
        return []
    return [{"type": "context", "elements": [{"type": "plain_text", "text": "  ·  ".join(told), "emoji": False}]}]
