"""What a game day says on the console. Everything from outside is escaped; what is sealed is never named."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

import click

from chaos_runner.cli.ink import Ink, err_ink
from chaos_runner.cli.moment import clock
from chaos_runner.cli.wrapping import brief, width_of, wrapped
from chaos_runner.experiment.complaints import escaped
from chaos_runner.gameday.day import Day
from chaos_runner.gameday.decide import room_words
from chaos_runner.gameday.events import Committed, Planned
from chaos_runner.gameday.model import Kind
from chaos_runner.units import spoken_seconds

KINDS: Final = {Kind.EXPERIMENT: "run", Kind.MANUAL: "do", Kind.ASK: "ask", Kind.NOTE: "note"}
_AGENDA: Final = len("    1  note ")
_NAME_MOST: Final = 60
_STAMP: Final = len("12:00:00 ")


class Screen:
    """Standard error, where a day talks."""

    def __init__(self) -> None:
        self.ink: Ink = err_ink()

    def say(self, text: str) -> None:
        """A line with the time of day. What is given has no control characters in it any more."""
        stamp = self.ink.dim(f"{datetime.now(UTC):%H:%M:%S}")
        self.plain(f"{stamp} {wrapped(text, width_of(sys.stderr), _STAMP)}")

    def warn(self, text: str) -> None:
        """Something that should be known."""
        self.plain(f"{self.ink.yellow('warning')}: {wrapped(escaped(brief(text)), width_of(sys.stderr), _STAMP)}")

    def plain(self, text: str) -> None:
        """A line as it is. A terminal that is gone keeps nobody from ending the day."""
        with suppress(OSError, ValueError):
            click.echo(text, err=True, color=self.ink.on)

    def prompt(self, text: str) -> None:
        """Asks, on a line that is then typed on."""
        with suppress(OSError, ValueError):
            click.echo(f"{self.ink.bold(escaped(brief(text)))} > ", nl=False, err=True, color=self.ink.on)


def overture(day: Day) -> Iterator[str]:
    """What is planned, by whom, and what is committed to."""
    began = day.began
    ink, width = err_ink(), width_of(sys.stderr)
    yield f"{ink.bold('Game day')}  {escaped(brief(began.title))}  {ink.dim(began.day)}"
    if began.description:
        yield f"  {wrapped(escaped(brief(began.description)), width, 2)}"
    if began.roles:
        told = ", ".join(f"{role}{f' ({name})' if name else ''}" for role, name in began.roles.items())
        yield f"  roles     {escaped(brief(told))}"
    yield from (f"  {number:>3}  {KINDS[item.kind]:<4} {wrapped(item_words(day, number - 1), width, _AGENDA)}"
                for number, item in enumerate(began.agenda, start=1))
    yield "  committed to, by SHA-256:"
    yield from (f"    {one.digest}  {_committed_name(one)}" for one in began.committed)


def _committed_name(one: Committed) -> str:
    return escaped(one.name) if one.item is None else f"item {one.item + 1}, {escaped(one.name)}"


def item_words(day: Day, number: int) -> str:
    """An item in a line: what, who, how long."""
    planned = day.planned(number)
    more = [_who(day, planned), room_words(day, number), "" if not planned.observe_s else
            f"then {spoken_seconds(planned.observe_s)} to look on"]
    return escaped(", ".join([brief(planned.text, 300), *filter(None, more)]))


def _who(day: Day, planned: Planned) -> str:
    if planned.kind is Kind.ASK:
        return f"go from {', '.join(planned.of)}"
    if not planned.role:
        return ""
    name = day.began.roles.get(planned.role, "")
    return f"{planned.role} ({name})" if name else planned.role


def where(day: Day, number: int) -> str:
    """Where the day is: "item 2 of 6, run: …", and what comes next."""
    planned = day.planned(number)
    following = next((one for one in range(number + 1, len(day.items)) if day.items[one].open), None)
    after = "the end" if following is None else f"{KINDS[day.planned(following).kind]}: {_name(day, following)}"
    return (f"item {number + 1} of {len(day.items)} · {KINDS[planned.kind]}: {item_words(day, number)} · "
            f"T+{clock(day.t)} · next: {escaped(after)}")


def _name(day: Day, number: int) -> str:
    text = day.planned(number).text
    return text if len(text) <= _NAME_MOST else f"{text[:_NAME_MOST - 1]}…"


def clock_at(day: Day, t: float) -> str:
    """The time of day at `t`."""
    return f"{datetime.fromisoformat(day.began.started) + timedelta(seconds=t):%H:%M:%S}"


def indented(lines: Sequence[str]) -> str:
    """Lines of others, set in."""
    return "\n".join(f"  {line}" for line in lines)
