"""From what was asked on a command line to a run that happens: every object is made and joined here."""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from chaos_runner import shelf
from chaos_runner.clock import SystemClock
from chaos_runner.engine.hands import Hands, Orders
from chaos_runner.engine.shell import Loop, run_on_main
from chaos_runner.engine.signals import REQUEST
from chaos_runner.engine.watching import Watcher
from chaos_runner.engine.world import Elapsed, RealWorld
from chaos_runner.errors import NotDurable, UsageError
from chaos_runner.experiment.loading import Loaded
from chaos_runner.experiment.model import Experiment, StepKind
from chaos_runner.experiment.toolkit import load_values, with_variables
from chaos_runner.experiment.values import Values
from chaos_runner.experiment.written_out import written_out
from chaos_runner.journal.lock import RunLock, hold
from chaos_runner.journal.reader import JournalUnreadable, read, read_run, run_of
from chaos_runner.journal.writer import Journal
from chaos_runner.mark import KEY_VARIABLE
from chaos_runner.plan.build import Wishes, plan_for, refuse_secrets_in_undo
from chaos_runner.plan.model import Plan
from chaos_runner.recovery.leftovers import end_processes_of
from chaos_runner.recovery.unfinished import JOURNAL, is_over
from chaos_runner.recovery.watchdog import Watchdog, arm
from chaos_runner.redaction import Redactor
from chaos_runner.run.events import RunnerDied, RunStarted
from chaos_runner.run.outcome import Outcome, outcome
from chaos_runner.run.run import Run

REPORTS_VARIABLE: Final = "CHAOS_RUNNER_REPORTS"
RECOVERER_WAITS_S: Final = 30.0
"""How long a second recoverer waits for the first, whose work it then finds done."""


class Request(Struct, frozen=True, kw_only=True):
    """One run as it was asked for."""

    experiment: Experiment
    reports: Path
    variables: Sequence[str] = ()
    wishes: Wishes = Wishes()


class Ended(Struct, frozen=True, kw_only=True):
    """A run that is over: its outcome, and the folder that tells of it. `problem` is why the folder is not complete."""

    outcome: Outcome
    run: Run
    folder: Path
    problem: str = ""


class _Parts(NamedTuple):
    """What a run is made of, whether it begins or is resumed."""

    world: RealWorld
    loop: Loop
    journal: Journal
    hands: Hands


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

    When a step cannot be cut, `finish` is the last thing that happens in this process: it then leaves by itself, and
    the watchdog undoes once more. Raises UsageError, Refused and NotDurable while nothing has been touched.
    """
    clock = SystemClock()
    started = clock.now()
    plan, values = planned(request, started)
    folder = new_folder(request.reports.absolute(), plan.run)
    lock = _held(folder)
    parts = _parts(plan, values, Journal.create(folder / JOURNAL, started), Elapsed(clock))
    watchdog = _armed(plan, folder)
    ended: list[Ended] = []

    def over(last: Run) -> None:
        try:
            ended.append(_closed(last, parts, folder))
            left = any(step.abandoned for step in last.steps.values())
            if watchdog and not left:
                watchdog.dismiss()
            if not left:
                lock.release()
            finish(ended[0])
        finally:
            if parts.world.busy and last.ended:
                os._exit(last.ended.exit)

    for watcher in watchers:
        parts.loop.watch(watcher)
    parts.world.request = folder / REQUEST
    run_on_main(parts.world, lambda: parts.loop.execute(RunStarted(t=0.0, plan=plan)), over)
    return ended[0]


def planned(request: Request, started: datetime) -> tuple[Plan, Values]:
    """What will be done, and what `${name}` stands for in it. Touches nothing. Raises UsageError and Refused."""
    experiment = with_variables(request.experiment, request.variables)
    values = load_values(experiment)
    refuse_secrets_in_undo(experiment, Redactor(values.sensitive()))
    return plan_for(experiment, values, request.wishes, shelf.fault, started), values


def _closed(last: Run, parts: "_Parts", folder: Path) -> Ended:
    """Nothing of the run is left running, and its folder is complete."""
    parts.hands.end_processes()
    parts.loop.hear_out()
    parts.journal.close()
    return Ended(outcome=outcome(last), run=last, folder=folder, problem=record(last, folder))


def recover(folder: Path, by: str, watchers: Sequence[Watcher]) -> Ended | None:
    """Undoes what a dead runner left, verifies it, and completes the run's folder. None when somebody else holds it.

    Safe to call at any time, twice, and by several at once. Raises JournalUnreadable, NotDurable and UsageError.
    """
    lock = hold(folder, within_s=RECOVERER_WAITS_S)
    if lock is None:
        return None
    run = read_run(folder / JOURNAL)
    if is_over(folder):
        lock.release()
        return Ended(outcome=outcome(run), run=run, folder=folder)
    values = load_values(run.plan.experiment)
    end_processes_of(run)
    age_s = max(run.t, (datetime.now(UTC) - datetime.fromisoformat(run.plan.started)).total_seconds())
    elapsed_s = Elapsed(SystemClock(), age_s)
    parts = _parts(run.plan, values, Journal.resume(folder / JOURNAL), elapsed_s)
    ended: list[Ended] = []

    def over(last: Run) -> None:
        ended.append(_closed(last, parts, folder))

    for watcher in watchers:
        parts.loop.watch(watcher)
    run_on_main(parts.world, lambda: parts.loop.resume(run, RunnerDied(t=elapsed_s(), by=by, over=run.over)), over)
    lock.release()
    return ended[0]


def _parts(plan: Plan, values: Values, journal: Journal, elapsed_s: Elapsed) -> _Parts:
    redactor = Redactor([*values.sensitive(), *written_out(plan.experiment), os.environ.get(KEY_VARIABLE, "")])
    hands = Hands(Orders(plan, values, shelf, elapsed_s, redactor))
    world = RealWorld(plan, hands, elapsed_s)
    return _Parts(world, Loop(world, journal, redactor), journal, hands)


def _held(folder: Path) -> RunLock:
    try:
        lock = hold(folder)
    except OSError as problem:
        raise NotDurable(f"the folder {folder} cannot be locked ({problem.strerror})") from problem
    if lock is None:
        raise NotDurable(f"the folder {folder} is held by another process")
    return lock


def _armed(plan: Plan, folder: Path) -> Watchdog | None:
    """A watchdog, unless nothing can be left behind. Without one no fault is injected."""
    if plan.hypothesis_only or not any(step.kind is StepKind.ACTION for step in plan.experiment.method):
        return None
    try:
        return arm(folder)
    except OSError as problem:
        raise NotDurable(f"the watchdog cannot be started ({problem.strerror})") from problem


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


def record(last: Run, folder: Path) -> str:
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


def write_reports(folder: Path, to: Path | None = None, formats: Sequence[str] = ()) -> list[Path]:
    """Writes the reports of a run from its journal alone, all of them unless told which.

    Raises OSError and JournalUnreadable.
    """
    from chaos_runner.report.write import FORMATS, write_all

    records = read(folder / JOURNAL)
    return write_all(run_of(records, folder / JOURNAL), records, to or folder, formats or FORMATS)


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file so that others see the old one or the whole new one. Raises OSError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
