"""Notices and channels to try things with."""

from typing import Any

from msgspec import structs

from chaos_runner.notify.channel import Channel
from chaos_runner.notify.notice import Kind, Notice
from chaos_runner.notify.ways.webhook import Settings

NOTICE = Notice(notice="weekly/2026-11-20T11:00:00.000Z/R1/ended", kind=Kind.ENDED, at="2026-11-20T11:02:10.123Z",
                sentence="weekly (due 2026-11-20T11:00:00.000Z) deviated, restored", schedule="weekly", run="R1")


def notice(number: int = 1, **more: Any) -> Notice:
    """A notice of its own."""
    return structs.replace(NOTICE, notice=f"weekly/{number}", **more)


def hook(url: str, key: str = "project/webhook-1", **more: Any) -> Channel:
    """A webhook."""
    return Channel(key=key, way="webhook", settings=Settings(webhook=url, **more))
