"""Every event of a game day in words: who, and what."""

from collections.abc import Callable
from typing import Any, Final

from chaos_runner.gameday import events as ev
from chaos_runner.gameday.day import Day
from chaos_runner.gameday.model import Kind
from chaos_runner.units import spoken_seconds

Words = tuple[str, str]


def told(day: Day, event: ev.DayEvent) -> Words | None:
    """Who did what; None for what is no news."""
    say = _WORDS.get(type(event))
    return say(day, event) if say else None


def _because(why: str) -> str:
    return f": {why}" if why else ""


def _item(day: Day, event: ev.ItemBegan) -> Words | None:
    is_note = day.planned(event.item).kind is Kind.NOTE
    return None if is_note else ("", f"item {event.item + 1}: {day.name(event.item)}")


def _ended(_: Day, event: ev.DayEnded) -> Words | None:
    return (event.by, f"aborted the day{_because(event.why)}") if event.aborted else None


_WORDS: Final[dict[type[ev.DayEvent], Callable[[Day, Any], Words | None]]] = {
    ev.ItemBegan: _item,
    ev.Answered: lambda _, event: (
        event.by, f"{'go' if event.go else 'no-go'} for {event.role}{_because(event.why)}"),
    ev.RunBegan: lambda _, event: (event.by, f"run {event.run} of item {event.item + 1} begins"),
    ev.RunOver: lambda _, event: ("", f"run {event.run}: {event.verdict}, {event.restored}"),
    ev.Held: lambda _, event: (event.by, f"hold{_because(event.why)}"),
    ev.WentOn: lambda _, event: (event.by, "went on"),
    ev.Extended: lambda _, event: (event.by, f"{spoken_seconds(event.more_s)} more for item {event.item + 1}"),
    ev.ItemSkipped: lambda _, event: (event.by, f"item {event.item + 1} skipped{_because(event.why)}"),
    ev.Retried: lambda _, event: (event.by, f"item {event.item + 1} once more"),
    ev.Noted: lambda _, event: (event.by, f"{'to do: ' if event.action else ''}{event.text}"),
    ev.DayLeft: lambda _, event: ("", f"the day was left{_because(event.why)}"),
    ev.DayResumed: lambda _, event: (event.by, "took the day up again"),
    ev.DayEnded: _ended,
}
