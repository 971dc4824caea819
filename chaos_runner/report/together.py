"""reports/ci.html: many experiments that were run for one build, worst first, and how they do beside a baseline."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from chaos_runner.history.baseline import Beside, Measured
from chaos_runner.history.reading import OutcomeUnreadable, read_outcome
from chaos_runner.history.rows import NOT_RESTORED_BELOW, run_row
from chaos_runner.report import many, marks, text
from chaos_runner.report.many import Frame, Line
from chaos_runner.report.marks import Mark
from chaos_runner.report.notices import NoRun
from chaos_runner.report.rendering import rendered
from chaos_runner.report.writing import write
from chaos_runner.run.events import RestoredState, Verdict
from chaos_runner.run.merge import ORDER

NAME: Final = "ci.html"


class Result(Struct, frozen=True, kw_only=True):
    """All of them together: the verdict, the exit code, and how they do beside a baseline, where there is one."""

    verdict: Verdict
    exit: int
    measured: Measured | None = None


class Missing(Struct, frozen=True, kw_only=True):
    """An experiment that never became a run."""

    mark: Mark
    file: str
    why: str


class Turned(Struct, frozen=True, kw_only=True):
    """What an experiment does otherwise than in the baseline, and how it turned."""

    title: str
    mark: Mark
    lines: list[str]


class View(Struct, frozen=True, kw_only=True):
    """The page."""

    mark: Mark
    summary: str
    missing: list[Missing]
    lines: list[Line]
    baseline: str
    turned: list[Turned]
    notes: list[str]


def write_together(runs: Sequence[Path | NoRun], result: Result, reports: Path) -> Path:
    """Writes the page into the folder of reports. Raises OSError."""
    file = reports / NAME
    write(file, html(view(runs, result, reports)))
    return file


def html(found: View) -> str:
    """The page."""
    frame = Frame(title="Experiments of this build", above="chaos-runner ci", about="Worst first.")
    return rendered("together.html", frame=frame, view=found)


def view(runs: Sequence[Path | NoRun], result: Result, reports: Path) -> View:
    """What stands in the page. A folder whose outcome cannot be read is an experiment without a run."""
    rows, missing = [], [one for one in runs if isinstance(one, NoRun)]
    for folder in (one for one in runs if isinstance(one, Path)):
        try:
            rows.append((run_row(read_outcome(folder)), _way(reports, folder)))
        except OutcomeUnreadable as problem:
            missing.append(NoRun(file=folder.name, exit=problem.exit_code, text=str(problem)))
    rows.sort(key=lambda row: row[0].rank)
    left = any(row.rank < NOT_RESTORED_BELOW for row, _ in rows)
    return View(
        mark=marks.RESTORED[RestoredState.NOT_RESTORED] if left else _mark(result),
        summary=_summary([*(row.verdict for row, _ in rows), *(str(one.verdict) for one in missing)], result),
        missing=[Missing(mark=marks.VERDICTS[one.verdict], file=text.short(one.name),
                         why=text.short(one.text, text.NOTE_MOST) or _findings(one)) for one in missing],
        lines=[many.line(row, way) for row, way in rows], baseline=result.measured.name if result.measured else "",
        turned=_turned(result.measured) if result.measured else [],
        notes=_notes(result.measured) if result.measured else [])


def _mark(result: Result) -> Mark:
    """The verdict; a build that fails although all passed fails for what got worse."""
    return many.WORSE if result.verdict is Verdict.PASSED and result.exit else marks.VERDICTS[result.verdict]


def _way(reports: Path, folder: Path) -> str:
    """What leads from the page to the folder of reports that a run is in."""
    way = Path(os.path.relpath(folder.parent.parent.absolute(), reports.absolute())).as_posix()
    return "" if way == "." else f"{way}/"


def _findings(none: NoRun) -> str:
    return "; ".join(f"{one.code} {text.short(one.message)}" for one in none.findings[:3])


def _summary(verdicts: Sequence[str], result: Result) -> str:
    """How many ended how: "1 deviated, 3 passed; exit code 1"."""
    counted = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in ORDER if verdict in verdicts)
    worse = len(result.measured.worse) if result.measured else 0
    said = f"; {worse} worse than {text.short(result.measured.name)}" if result.measured and worse else ""
    return f"{counted}{said}; exit code {result.exit}."


def _turned(measured: Measured) -> list[Turned]:
    ordered = sorted(measured.changed, key=lambda one: not one.worse)
    return [turned for one in ordered for turned in _turns(one)]


def _turns(one: Beside) -> list[Turned]:
    found = ((many.WORSE, one.worse), (many.BETTER, one.better))
    return [Turned(title=text.short(one.title or one.file), mark=mark,
                   lines=[text.short(line, text.NOTE_MOST) for line in lines]) for mark, lines in found if lines]


def _notes(measured: Measured) -> list[str]:
    return [*(f"{text.short(file)} is new: the baseline has no run of it" for file in measured.new),
            *(f"{text.short(file)} stands in the baseline and was not run" for file in measured.gone)]
