"""The other runs there are: those that live, and those that died and left something; and what they share with ours.

What is not known counts as shared: a run that has not said yet whom it hits, one with an action that may hit anything.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from chaos_runner.contracts import Nearness, Neighbour, NoData
from chaos_runner.journal.lock import holder
from chaos_runner.journal.reader import JournalUnreadable, read_run
from chaos_runner.plan.beside import Families, families, may_run_beside
from chaos_runner.recovery.unfinished import JOURNAL, is_over
from chaos_runner.run.run import Run

LABELS_MOST = 3
_NOBODY: Families = frozenset()


def neighbours(own: Path, others: Sequence[Path]) -> list[Neighbour]:
    """The runs beside the one in the folder `own`: in the same reports, and in these others.

    Raises NoData when it cannot be found out. Of our own folder only the journal is opened: to open and close the lock
    would let go of it.
    """
    mine, here = _read(own), own.resolve()
    if mine is None:
        raise NoData(f"the journal of this run cannot be read: {own / JOURNAL}")
    return [found for folder in _folders(own.parent.parent, others) if folder != here
            and (found := _neighbour(mine, folder))]


def _folders(reports: Path, others: Sequence[Path]) -> Iterator[Path]:
    for place in others:
        if not place.is_dir():
            raise NoData(f"{place}: there is no such folder of reports")
    for place in dict.fromkeys(path.resolve() for path in (reports, *others)):
        try:
            yield from sorted((place / "runs").iterdir()) if (place / "runs").is_dir() else ()
        except OSError as problem:
            raise NoData(f"{place / 'runs'}: {problem.strerror}") from problem


def _neighbour(mine: Run, folder: Path) -> Neighbour | None:
    """None for one that is over, or that died before it had touched anything."""
    journal = folder / JOURNAL
    if journal.exists() and not os.access(journal, os.R_OK):
        raise NoData(f"{journal}: it cannot be read")
    held = holder(folder)
    if held is None and is_over(folder):
        return None
    run = _read(folder)
    if held is None and (run is None or not run.acted):
        return None
    if run is None:
        return Neighbour(run=folder.name, title="", nearness=Nearness.TARGETS, why="whom it hits cannot be read")
    nearness, why = _shared(mine, run)
    title = run.plan.experiment.title
    return Neighbour(run=folder.name, title=title, nearness=nearness, why=why, left=held is None)


def _read(folder: Path) -> Run | None:
    try:
        return read_run(folder / JOURNAL)
    except JournalUnreadable:
        return None


def _shared(mine: Run, other: Run) -> tuple[Nearness, str]:
    one, two = _families(mine), _families(other)
    if may_run_beside(one, two):
        return Nearness.NOTHING, ""
    ours, theirs = _targets(mine), _targets(other)
    if one is None or two is None or ours is None or theirs is None:
        return Nearness.TARGETS, "whom it hits is not known"
    both = sorted({label for family, label in ours & theirs})
    if both:
        more = f" and {len(both) - LABELS_MOST} more" if len(both) > LABELS_MOST else ""
        return Nearness.TARGETS, f"{', '.join(both[:LABELS_MOST])}{more}"
    return Nearness.FAMILY, f"{', '.join(sorted(one & two))}, other targets"


def _families(run: Run) -> Families:
    """Nothing is hit where only the hypothesis is measured."""
    return _NOBODY if run.plan.hypothesis_only else families(run.plan.experiment)


def _targets(run: Run) -> set[tuple[str, str]] | None:
    """The targets and the groups that they are chosen from, by family; None as long as a fault has not looked."""
    steps = [step.key for step in run.plan.experiment.method if step.is_fault]
    if not all(key in run.checked for key in steps):
        return None
    aims = [aim for found in (run.checked, run.hit) for key in steps for aim in found.get(key, [])]
    return {(aim.family, name) for aim in aims for name in (aim.label, aim.group.name if aim.group else aim.label)}
