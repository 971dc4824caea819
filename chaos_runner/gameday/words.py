"""What people type in a game day: a command stands alone, or before a colon; everything else is a note."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from chaos_runner.experiment.suggest import did_you_mean
from chaos_runner.units import NoUnit, seconds

TEXT_MOST: Final = 4000
"""Characters of one line that are kept."""
EXTEND_S_MAX: Final = 86_400.0


class GoOn(Struct, frozen=True):
    """Enter, next, done: on with it."""


class Go(Struct, frozen=True):
    """Go. `by` is who says so, where that was typed: "go: Anna"."""

    by: str = ""


class NoGo(Struct, frozen=True):
    """No-go, and why."""

    why: str = ""


class Hold(Struct, frozen=True):
    """Nothing begins until somebody says so."""

    why: str = ""


class Extend(Struct, frozen=True):
    """So much more time."""

    more_s: float


class Skip(Struct, frozen=True):
    """Leave this out."""

    why: str = ""


class Retry(Struct, frozen=True):
    """Once more."""


class Abort(Struct, frozen=True):
    """End the day: what runs is stopped and undone."""

    why: str = ""


class Help(Struct, frozen=True):
    """What may be typed."""


class Note(Struct, frozen=True):
    """What somebody saw, or with `action` what is to be done; that has to be asked where the text is empty. `by` is
    whoever is named before it.
    """

    text: str
    by: str = ""
    action: bool = False
    owner: str = ""


class Unclear(Struct, frozen=True):
    """One word that is nearly a command, or one with a value that is none: better asked than kept as a note."""

    text: str


Word = GoOn | Go | NoGo | Hold | Extend | Skip | Retry | Abort | Help | Note | Unclear
HELP: Final = ("Enter (or next) goes on · go / no-go: why · hold: why · extend 5m · skip: why · retry · abort: why",
               "anything else is a note with its time, `Ben: …` one of Ben's; `action: … @ben` an action item")
_COMMANDS: Final = ("next", "done", "continue", "go", "no-go", "nogo", "hold", "skip", "retry", "abort", "help",
                    "extend", "action")
_HEAD: Final = re.compile(r"\s*([A-Za-z][A-Za-z-]*)\s*(?::\s*(.*))?\s*", re.DOTALL)
_EXTEND: Final = re.compile(r"\s*(?:extend\s*:?|\+)\s*(\S.*?)\s*", re.IGNORECASE | re.DOTALL)
_ACTION: Final = re.compile(r"\s*(?:a|action)\s*:\s*(\S.*)", re.IGNORECASE | re.DOTALL)
_OWNER: Final = re.compile(r"(?:^|\s)@([\w.-]+)")
_NAMED: Final = re.compile(r"\s*([^:]{1,60}?)\s*:\s*(\S.*)", re.DOTALL)


def word(line: str, people: Mapping[str, str] | None = None) -> Word:
    """What a typed line means. `people` are roles and who plays them: a line may begin with one of their names."""
    text = " ".join(line[:TEXT_MOST].split())
    if not text:
        return GoOn()
    if more := _EXTEND.fullmatch(text):
        return _extend(more[1], text)
    if action := _ACTION.fullmatch(text):
        return _action(action[1])
    head = _HEAD.fullmatch(text)
    if head and (head[2] is None or head[1].lower() in (*_PLAIN, "note")):
        known = _command(head[1].lower(), head[2] or "")
        if known:
            return known
    return _note(text, people or {})


def is_name(line: str) -> bool:
    """Whether a line can be who somebody is: it is none of the words that mean something else."""
    return isinstance(word(line), Note | Unclear)


def _extend(value: str, text: str) -> Word:
    try:
        more_s = seconds(value)
    except NoUnit as problem:
        return Note(text=text) if text.startswith("+") else Unclear(f"extend by how much? {problem}")
    if not 0 < more_s <= EXTEND_S_MAX:
        return Unclear("extend by more than nothing, and no more than a day")
    return Extend(more_s)


def _action(text: str) -> Word:
    owner = _OWNER.search(text)
    said = " ".join(_OWNER.sub(" ", text, count=1).split())
    return Note(text=said or text, action=True, owner=owner[1] if owner else "")


def _command(name: str, rest: str) -> Word | None:
    if name in _PLAIN:
        return _PLAIN[name](rest)
    if name == "note" and rest:
        return Note(text=rest)
    close = did_you_mean(name, _COMMANDS) if not rest else None
    return Unclear(f'did you mean "{close}"? (as a note: `note: {name}`)') if close else None


def _plain() -> Mapping[str, Callable[[str], Word]]:
    meant: dict[tuple[str, ...], Callable[[str], Word]] = {
        ("next", "done", "continue"): lambda _: GoOn(), ("go", "yes", "y"): Go, ("no-go", "nogo", "no", "n"): NoGo,
        ("hold", "h"): Hold, ("skip",): Skip, ("retry",): lambda _: Retry(), ("abort",): Abort,
        ("help",): lambda _: Help(), ("a", "action"): lambda rest: Note(text=rest, action=True)}
    return {name: make for names, make in meant.items() for name in names}


_PLAIN: Final = _plain()


def _note(text: str, people: Mapping[str, str]) -> Note:
    named = _NAMED.fullmatch(text)
    known = {name.casefold(): name for pair in people.items() for name in pair if name}
    if named and named[1].casefold() in known:
        return Note(text=named[2], by=known[named[1].casefold()])
    return Note(text=text)
