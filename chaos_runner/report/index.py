"""reports/index.html: every experiment and its last runs, worst first. Filters are links, so they need no script."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from chaos_runner.history.asking import History, Wanted
from chaos_runner.history.rows import NOT_RESTORED_BELOW, RunRow
from chaos_runner.history.tables import Other
from chaos_runner.report import many, text
from chaos_runner.report.many import Bars, Frame, Line
from chaos_runner.report.marks import RESTORED, VERDICTS, Mark
from chaos_runner.report.rendering import rendered
from chaos_runner.report.trend import page_of
from chaos_runner.report.writing import write
from chaos_runner.run.events import RestoredState
from chaos_runner.run.merge import ORDER

NAME: Final = "index.html"
RUNS_MOST: Final = 1000
"""Runs in the page, the newest; `history` lists all of them."""
EXPERIMENTS_MOST: Final = 100
STRIP: Final = 20
OTHERS_MOST: Final = 20
_LEFT: Final = "left"


class Filter(Struct, frozen=True, kw_only=True):
    """A link that leaves only the runs of one kind."""

    kind: str
    mark: Mark
    count: int


class Group(Struct, frozen=True, kw_only=True):
    """One experiment. `trend` is the page of its trend, where somebody has made one."""

    kind: str
    title: str
    mark: Mark
    when: str
    count: int
    bars: Bars
    trend: str


class View(Struct, frozen=True, kw_only=True):
    """The page. `left_out` are older runs, `others` folders without an outcome."""

    filters: list[Filter]
    groups: list[Group]
    more_groups: int
    lines: list[Line]
    left_out: int
    others: list[Other]


def write_index(history: History, reports: Path) -> Path:
    """Writes the page. Raises OSError."""
    write(reports / NAME, html(history, reports))
    return reports / NAME


def html(history: History, reports: Path) -> str:
    """The page of all runs in a folder of reports."""
    found = view(history, reports)
    about = "Worst first: what is not restored, then what deviated."
    frame = Frame(title="Chaos experiments", above="all runs", about=about)
    return rendered("index.html", frame=frame, view=found)


def view(history: History, reports: Path) -> View:
    """What stands in the page: the newest runs, and whatever is not restored, however old."""
    newest = history.runs(Wanted(limit=RUNS_MOST))
    known = {row.run for row in newest}
    rows = newest + [row for row in history.left(RUNS_MOST) if row.run not in known]
    groups = _groups(rows)
    kinds = {title: f"x-{number}" for number, title in enumerate(list(groups)[:EXPERIMENTS_MOST])}
    return View(
        filters=_filters(rows), groups=[_group(title, kind, groups[title], reports) for title, kind in kinds.items()],
        more_groups=len(groups) - len(kinds),
        lines=[many.line(row, "", _kinds(row, kinds)) for row in sorted(rows, key=_worst_first)],
        left_out=history.count() - len(rows), others=history.others()[:OTHERS_MOST])


def _worst_first(row: RunRow) -> int:
    """What comes newest first stays so among equals."""
    return row.rank


def _filters(rows: Sequence[RunRow]) -> list[Filter]:
    counts = Counter(row.verdict for row in rows)
    not_restored = sum(row.rank < NOT_RESTORED_BELOW for row in rows)
    left = [Filter(kind=_LEFT, mark=RESTORED[RestoredState.NOT_RESTORED], count=not_restored)] if not_restored else []
    return left + [Filter(kind=verdict, mark=VERDICTS[verdict], count=counts[verdict])
                   for verdict in ORDER if verdict in counts]


def _groups(newest: Sequence[RunRow]) -> dict[str, list[RunRow]]:
    """Runs by their title, the experiment whose last run was worst first."""
    groups: dict[str, list[RunRow]] = {}
    for row in newest:
        groups.setdefault(row.title, []).append(row)
    return dict(sorted(groups.items(), key=lambda item: item[1][0].rank))


def _group(title: str, kind: str, rows: Sequence[RunRow], reports: Path) -> Group:
    page = page_of(title)
    return Group(kind=kind, title=text.short(title), mark=many.mark(rows[0]), when=many.when(rows[0].started),
                 count=len(rows), bars=many.bars(rows[:STRIP][::-1]),
                 trend=page.as_posix() if (reports / page).is_file() else "")


def _kinds(row: RunRow, experiments: dict[str, str]) -> str:
    left = _LEFT if row.rank < NOT_RESTORED_BELOW else ""
    return " ".join(filter(None, (row.verdict, experiments.get(row.title), left)))
