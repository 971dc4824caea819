"""From what was asked on a command line to a run that happens: every object is made and joined here."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from chaos_runner import shelf
from chaos_runner.clock import SystemClock
from chaos_runner.engine.hands import Hands, Orders
from chaos_runner.engine.shell import Loop, Watcher, run_on_main
from chaos_runner.engine.world import Elapsed, RealWorld
from chaos_runner.errors import NotDurable, UsageError
from chaos_runner.experiment.loading import Loaded
from chaos_runner.experiment.model import Experiment
from chaos_runner.experiment.toolkit import load_values
from chaos_runner.journal.reader import JournalUnreadable, read
from chaos_runner.journal.writer import Journal
from chaos_runner.plan.build import Wishes, plan_for
from chaos_runner.redaction import Redactor
from chaos_runner.run.events import RunStarted
from chaos_runner.run.outcome import Outcome, outcome
from chaos_runner.run.run import Run

REPORTS_VARIABLE: Final = "CHAOS_RUNNER_REPORTS"


class Request(Struct, frozen=True, kw_only=True):
    """One run as it was asked for."""

    experiment: Experiment
    reports: Path
    variables: Sequence[str] = ()
    wishes: Wishes = Wishes()


class Ended(Struct, frozen=True, kw_only=True):
    """A run that is over: its outcome, and the folder that tells of it. `problem` is why the folder is not complete."""

    outcome: Outcome
    folder: Path
    problem: str
    abandoned: bool


def reports_folder(option: Path | None) -> Path:
    """Where runs are written: the option, else the environment's word, else ./reports."""
    return option or Path(os.environ.get(REPORTS_VARIABLE) or "reports")


def request_for(loaded: Loaded, reports: Path, variables: Sequence[str], wishes: Wishes) -> Request:
    """The request to run what was loaded. Raises UsageError when nothing could be."""
    if loaded.experiment is None:
        raise UsageError(f"{loaded.file} is not a valid experiment")
    return Request(experiment=loaded.experiment, reports=reports, variables=variables, wishes=wishes)


def run(request: Request, watchers: Sequence[Watcher], finish: Callable[[Ended], None]) -> Ended:
    """Runs it to the end, writes everything, calls `finish`, and returns.

    When a step cannot be cut, `finish` is the last thing that happens in this process: it then leaves by itself.
    Raises UsageError, Refused and NotDurable while nothing has been touched.
    """
    clock = SystemClock()
    started = clock.now()
    values = load_values(request.experiment, request.variables)
    plan = plan_for(request.experiment, values, request.wishes, shelf.fault, started)
    folder = new_folder(request.reports, plan.run)
    journal = Journal(folder / "journal.ndjson", started)
    elapsed_s = Elapsed(clock)
    world = RealWorld(plan, Hands(Orders(plan, values, shelf, elapsed_s)), elapsed_s)
    redactor = Redactor(values.sensitive())
    loop = Loop(world, journal, redactor)
    for watcher in watchers:
        loop.watch(watcher)
    ended: list[Ended] = []

    def over(last: Run) -> None:
        journal.close()
        ended.append(Ended(outcome=outcome(last), folder=folder, problem=_record(last, folder), abandoned=world.busy))
        finish(ended[0])
        if world.busy:
            os._exit(ended[0].outcome.exit)

    run_on_main(world, loop, RunStarted(t=0.0, plan=plan), over)
    return ended[0]


def new_folder(reports: Path, run_id: str) -> Path:
    """The folder of one run. Raises NotDurable when it cannot be made."""
    folder = reports / "runs" / run_id
    try:
        folder.mkdir(parents=True)
        point_latest(reports, folder)
    except OSError as problem:
        raise NotDurable(f"the folder {folder} cannot be written ({problem.strerror}), and a run that cannot be "
                         "recorded is not started; choose another with --reports") from problem
    return folder


def point_latest(reports: Path, folder: Path) -> None:
    """Lets reports/latest lead to this run."""
    link = reports / f".latest-{folder.name}"
    link.symlink_to(Path("runs") / folder.name)
    link.replace(reports / "latest")


def _record(last: Run, folder: Path) -> str:
    """Writes what others read of the run. Says why it could not: the verdict stands, whatever the disk does."""
    try:
        write_outcome(last, folder)
        write_reports(folder)
    except (OSError, JournalUnreadable) as problem:
        return f"the reports in {folder} could not be written: {problem}"
    return ""


def write_outcome(last: Run, folder: Path) -> None:
    """Writes outcome.json, atomically. Raises OSError."""
    found = msgspec.json.format(msgspec.json.encode(outcome(last)), indent=2)
    write_atomically(folder / "outcome.json", found + b"\n")


def write_reports(folder: Path) -> list[Path]:
    """Writes every report of a run from its journal alone."""
    from chaos_runner.report.write import write_all
    from chaos_runner.run.run import fold

    records = read(folder / "journal.ndjson")
    write_all(fold(record.event for record in records), records, folder)
    return [folder / name for name in ("report.html", "report.md", "junit.xml", "journal.json")]


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file so that others see the old one or the whole new one. Raises OSError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
