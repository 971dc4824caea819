"""Everything that happened, as the journal has it: every event, and of the samples those that turned."""


from msgspec import Struct

from chaos_runner.journal.record import Record
from chaos_runner.report import telling, text, times
from chaos_runner.report.story import Story
from chaos_runner.run.run import Run

MOST = 250
"""Rows in the page: the first half and the last half of them."""


class Row(Struct, frozen=True, kw_only=True):
    """One event. `seconds` is its moment as links say it; `anchor` is empty for all but the first of a moment."""

    number: int
    at: str
    seconds: str
    anchor: str
    t: str
    kind: str
    text: str


class View(Struct, frozen=True, kw_only=True):
    """The first rows, how many are left out, and the last rows."""

    first: list[Row]
    left_out: int
    last: list[Row]
    events: str
    samples: str


def view(story: Story) -> View:
    """Events as rows, at most MOST."""
    run = story.run
    told = story.turns
    first, last = (told, []) if len(told) <= MOST else (told[:MOST // 2], told[-MOST // 2:])
    seen: set[str] = set()
    return View(first=[_row(run, record, seen) for record in first], last=[_row(run, record, seen) for record in last],
                left_out=len(told) - len(first) - len(last), events=text.count(len(story.records), "event"),
                samples=f"{story.count:,}")


def _row(run: Run, record: Record, seen: set[str]) -> Row:
    kind, words = telling.told(run, record.event)
    seconds = f"{record.event.t:.3f}".rstrip("0").rstrip(".")
    anchor = "" if seconds in seen else f"t={seconds}"
    seen.add(seconds)
    return Row(number=record.n, at=record.at[11:23], seconds=seconds, anchor=anchor,
               t=times.elapsed(record.event.t), kind=kind, text=text.short(words, 300))
