"""The beginning of a game day's postmortem in Markdown: what is known is filled in, what people know is asked for."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from chaos_runner.gameday.day import Day, DayRun
from chaos_runner.journal.reader import JournalUnreadable, read
from chaos_runner.recovery.unfinished import JOURNAL
from chaos_runner.report import postmortem, times
from chaos_runner.report.day_telling import told
from chaos_runner.report.markdown import escaped
from chaos_runner.report.postmortem import TODO
from chaos_runner.run.events import Verdict

LINES_MOST: Final = 500
_ASKED: Final = ("What went well", "What went wrong", "Where we were lucky", "Who noticed what first, and from what")


def text(day: Day, reports: Path) -> str:
    """The whole document: the day first, then each run that did not pass, as `chaos-runner postmortem` begins it."""
    return "\n".join([*_day(day), *_runs(day, reports)]) + "\n"


def _day(day: Day) -> Iterator[str]:
    began = day.began
    yield f"# Game day: {escaped(began.title)}\n"
    yield f"Day {escaped(began.day)} · {_utc(day, 0.0, '%d %b %Y %H:%M UTC')} · played by {escaped(began.by)}  "
    yield f"Roles: {escaped(_roles(day)) or TODO} · Status: draft\n"
    yield from _section("Summary", [escaped(day.ended.sentence) if day.ended else "the day is not over", TODO])
    yield "## Timeline\n\n| UTC | since the start | who | what |\n|---|---|---|---|"
    happened = sorted({(event.t, said): None for event in day.happened if (said := told(day, event))}, key=_when)
    for t, (who, words) in happened[:LINES_MOST]:
        yield f"| {_utc(day, t)} | {times.elapsed(t, 0)} | {escaped(who)} | {escaped(words)} |"
    if len(happened) > LINES_MOST:
        yield f"| | | | and {len(happened) - LINES_MOST} more: the day's journal has all of them |"
    yield ""
    for title in _ASKED:
        yield from _section(title, [TODO])
    yield "## Action items\n\n| what | kind (prevent, detect, mitigate) | owner | ticket |\n|---|---|---|---|"
    for note in day.notes:
        if note.action:
            yield f"| {escaped(note.text)} | {TODO} | {escaped(note.owner) or TODO} | {TODO} |"
    yield f"| {TODO} | {TODO} | {TODO} | {TODO} |\n"


def _when(one: tuple[float, object]) -> float:
    return one[0]


def _roles(day: Day) -> str:
    return ", ".join(f"{role}{f' ({name})' if name else ''}" for role, name in day.began.roles.items())


def _section(title: str, points: Sequence[str]) -> Iterator[str]:
    yield f"## {title}\n"
    yield from (f"- {point}" for point in points)
    yield ""


def _utc(day: Day, t: float, form: str = "%H:%M:%S") -> str:
    return f"{datetime.fromisoformat(day.began.started).astimezone(UTC) + timedelta(seconds=t):{form}}"


def _runs(day: Day, reports: Path) -> Iterator[str]:
    for number, run in day.runs:
        if run.over and run.over.verdict != Verdict.PASSED and day.tells(number):
            yield from _run(run, reports)


def _run(run: DayRun, reports: Path) -> Iterator[str]:
    """The run's own beginning of a postmortem, one heading deeper."""
    journal = reports / "runs" / run.run / JOURNAL
    try:
        begun = postmortem.text(*read(journal))
    except JournalUnreadable:
        return
    yield "---\n"
    yield from (f"#{line}" if line.startswith("#") else line for line in begun.splitlines())
