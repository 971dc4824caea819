"""What the pages about many runs share: a run as a line, and the frame around all of it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Final

from msgspec import Struct

from chaos_runner import __version__
from chaos_runner.history.rows import RunRow
from chaos_runner.report import marks, text
from chaos_runner.report.marks import Mark
from chaos_runner.report.rendering import piece
from chaos_runner.run.events import RestoredState, Verdict
from chaos_runner.units import spoken_seconds

BETTER: Final = Mark("better", "check", "good")
WORSE: Final = Mark("worse", "cross", "bad")
CHANGED: Final = Mark("changed", "info", "quiet")
_STRANGE: Final = Mark("Unknown", "question", "warn")
_QUIET: Final = (RestoredState.RESTORED, RestoredState.NOTHING)
_HEIGHTS: Final = {"good": 8, "bad": 22, "warn": 15, "quiet": 4}
"""A passed run is low and a deviated one high, so that the strip is read without its colours."""


class Frame(Struct, frozen=True, kw_only=True):
    """What surrounds a page about many runs."""

    title: str
    above: str
    about: str
    version: str = __version__


class Line(Struct, frozen=True, kw_only=True):
    """One run. `kinds` are what filters go by; `answers` are both of its answers as they are drawn."""

    kinds: str
    mark: Mark
    answers: str
    title: str
    href: str
    sentence: str
    when: str
    took: str
    where: str
    run: str


class Bars(Struct, frozen=True, kw_only=True):
    """The last runs of an experiment as upright strokes, one path a tone."""

    paths: list[tuple[str, str]]
    words: str
    width: int


def line(row: RunRow, to_reports: str, kinds: str = "") -> Line:
    """A run as a line. `to_reports` leads from the page to the folder of reports."""
    return Line(
        kinds=kinds, mark=mark(row), answers=_answers(row.verdict, row.restored), title=text.short(row.title),
        href=f"{to_reports}runs/{row.run}/report.html", sentence=text.short(row.sentence, 240),
        when=when(row.started), took=spoken_seconds(row.took_s), where=text.short(row.environment, 40), run=row.run)


def mark(row: RunRow) -> Mark:
    """The verdict of a run."""
    return _VERDICTS.get(row.verdict, _STRANGE)


def when(started: str) -> str:
    """Day and minute: "20 Nov 2026 11:02"."""
    at = _moment(started)
    return f"{at.day} {at:%b %Y %H:%M}" if at else started[:16]


def bars(rows: Sequence[RunRow]) -> Bars:
    """Strokes for these runs, oldest first."""
    paths: dict[str, list[str]] = {}
    for number, row in enumerate(rows):
        tone = mark(row).tone
        paths.setdefault(tone, []).append(f"M{number * 7 + 3} 24v-{_HEIGHTS[tone]}")
    passed = sum(row.verdict == Verdict.PASSED for row in rows)
    return Bars(paths=[(tone, "".join(found)) for tone, found in paths.items()], width=len(rows) * 7,
                words=f"{passed} of the last {len(rows)} passed" if len(rows) > 1 else mark(rows[0]).word.lower())


@cache
def _answers(verdict: str, restored: str) -> str:
    """Drawn once for all runs that have them. Restored stands only where it is not as it ought to be."""
    found = [_VERDICTS.get(verdict, _STRANGE)]
    if restored not in _QUIET:
        found.append(_RESTORED.get(restored, _STRANGE))
    return piece("answers.html", answers=found)


def _moment(started: str) -> datetime | None:
    try:
        return datetime.fromisoformat(started).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


_VERDICTS: Final = {str(verdict): found for verdict, found in marks.VERDICTS.items()}
_RESTORED: Final = {str(state): found for state, found in marks.RESTORED.items()}
