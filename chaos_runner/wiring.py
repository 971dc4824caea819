"""From what was asked on a command line to a run that happens: every object is made and joined here."""

import os
import shlex
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

import msgspec
from msgspec import Struct, structs

from chaos_runner import sharing, shelf
from chaos_runner.clock import SystemClock
from chaos_runner.engine.attending import Attendants
from chaos_runner.engine.dynamic import resolved, written_down
from chaos_runner.engine.hands import Hands, Orders
from chaos_runner.engine.shell import Loop, run_on_main
from chaos_runner.engine.signals import REQUEST, cut_main_thread
from chaos_runner.engine.watching import Watcher
from chaos_runner.engine.workers import within
from chaos_runner.engine.world import Elapsed, RealWorld
from chaos_runner.errors import NotDurable, Refused, UsageError
from chaos_runner.experiment.loading import Loaded
from chaos_runner.experiment.model import Experiment
from chaos_runner.experiment.toolkit import Overrides, load_values, with_overrides, with_variables
from chaos_runner.experiment.values import Values
from chaos_runner.experiment.written_out import written_out
from chaos_runner.guests import Guests, attendants, tell_of_end, tell_of_start
from chaos_runner.journal.lock import RunLock, hold
from chaos_runner.journal.reader import JournalUnreadable, read_run
from chaos_runner.journal.writer import Journal
from chaos_runner.mark import KEY_VARIABLE
from chaos_runner.plan.build import Wishes, plan_for, refuse_secrets_in_undo
from chaos_runner.plan.model import Plan
from chaos_runner.recovery.leftovers import end_processes_of
from chaos_runner.recovery.neighbours import neighbours
from chaos_runner.recovery.unfinished import JOURNAL, is_over
from chaos_runner.recovery.watchdog import Watchdog, arm
from chaos_runner.redaction import Redactor
from chaos_runner.report.folders import write_reports
from chaos_runner.report.writing import check_writable, write
from chaos_runner.run.events import RestoredState, RunnerDied, RunStarted
from chaos_runner.run.outcome import Outcome, outcome
from chaos_runner.run.run import Run
from chaos_runner.run.verdict import NOT_RESTORED_EXIT, judge

if TYPE_CHECKING:
    from chaos_runner.plan.survey import Survey

BY_HAND_S: Final = 1.0
"""How long a process that leaves waits for the commands that would finish its undo."""
RECOVERER_WAITS_S: Final = 30.0
"""How long a second recoverer waits for the first, whose work it then finds done."""


class Request(Struct, frozen=True, kw_only=True):
    """One run as it was asked for."""

    experiment: Experiment
    reports: Path
    variables: Sequence[str] = ()
    wishes: Wishes = Wishes()
    overrides: Overrides = Overrides()
    guests: Guests = Guests()
    journal_path: Path | None = None
    alone: bool = False
    """Whether nobody is at a terminal, who would have been asked: then what failed in production is held back."""
    in_process: bool = False
    """Whether the process is not ours to end, whatever step is still busy when the run is over."""


class Ended(Struct, frozen=True, kw_only=True):
    """A run that is over: its outcome, and the folder that tells of it. `problem` is why the folder is not complete."""

    outcome: Outcome
    run: Run
    folder: Path
    problem: str = ""
    left: bool = False
    """Whether the process leaves before the end, as a third signal asked: the watchdog goes on, and then the folder
    tells of it. Until then the outcome is what is known just now.
    """
    live: dict[str, Any] | None = None
    """Chaos Toolkit's journal as controls and event handlers had it; None where nobody attended the run."""


class _Parts(NamedTuple):
    """What a run is made of, whether it begins or is resumed."""

    world: RealWorld
    loop: Loop
    journal: Journal
    hands: Hands
    attendants: Attendants | None


def request_for(loaded: Loaded, reports: Path, variables: Sequence[str], wishes: Wishes) -> Request:
    """The request to run what was loaded. Raises UsageError when nothing could be."""
    if loaded.experiment is None:
        raise UsageError(f"{loaded.file} is not a valid experiment")
    return Request(experiment=loaded.experiment, reports=reports, variables=variables, wishes=wishes)


def run(request: Request, watchers: Sequence[Watcher], finish: Callable[[Ended], None]) -> Ended:
    """Runs it to the end, writes everything, calls `finish`, and returns.

    When a step cannot be cut, or a third signal wants to leave, `finish` is the last thing that happens in this
    process: it then leaves by itself, and the watchdog undoes (once more). Raises UsageError, Refused and NotDurable
    while nothing has been touched.
    """
    clock = SystemClock()
    started = clock.now()
    check_writable(request.journal_path)
    plan, values = planned(request, started)
    if request.alone and (latched := held_back(plan, request.reports.absolute())):
        raise Refused(latched)
    with sharing.taken(plan):
        folder = new_folder(request.reports.absolute(), plan.run)
        lock = _held(folder)
        parts = _parts(plan, values, Journal.create(folder / JOURNAL, started), Elapsed(clock), request.guests)
        watchdog = _armed(plan, folder)
    ended: list[Ended] = []
    tell_of_start(request.guests, plan.experiment, Redactor(values.sensitive()))

    def over(last: Run) -> None:
        if not last.over:
            _leave_to_the_watchdog(last, parts, folder, finish)
        try:
            ended.append(_unlocked(_told(_closed(last, parts, folder), request)))
            left = any(step.abandoned for step in last.steps.values())
            if not left:
                _let_go(watchdog, lock)
            finish(ended[0])
        finally:
            if parts.world.busy and last.ended:
                _leave(request, last.ended.exit)

    for watcher in watchers:
        parts.loop.watch(watcher)
    parts.world.request = folder / REQUEST
    parts.loop.may_leave = lambda: not request.in_process and watchdog is not None and watchdog.alive
    run_on_main(parts.world, lambda: parts.loop.execute(RunStarted(t=0.0, plan=plan)), over)
    if any(step.abandoned for step in ended[0].run.steps.values()):
        _let_go(watchdog, lock)  # what was left behind has been cut, or has come back
    return ended[0]


def planned(request: Request, started: datetime) -> tuple[Plan, Values]:
    """What will be done, and what `${name}` stands for in it. Touches nothing. Raises UsageError and Refused."""
    there = Overrides(request.wishes.surroundings.environment.configuration)
    given = with_overrides(with_overrides(request.experiment, there), request.overrides)
    experiment = with_variables(given, request.variables)
    values = resolved(load_values(experiment, request.overrides.secrets))
    experiment = written_down(experiment, values)
    refuse_secrets_in_undo(experiment, Redactor(values.sensitive()))
    return plan_for(experiment, values, _attended(request, experiment), shelf.fault, started), values


def held_back(plan: Plan, reports: Path) -> str:
    """Why it does not run on its own: its last failure in production was acknowledged by nobody; "" where it does."""
    from chaos_runner.history.latch import latched_by
    from chaos_runner.history.store import ask

    if not plan.production or plan.hypothesis_only:
        return ""
    experiment = (plan.experiment.title, plan.experiment.file)
    row = ask(reports, lambda history: latched_by(history, experiment, plan.environment, reports), lambda _: None)
    return "" if row is None else (
        f"run {row.run} of it in {plan.environment} was {row.verdict} ({row.sentence}), and in production nothing that "
        f"failed runs again on its own: look at it (chaos-runner show {row.run}), then say "
        f'chaos-runner ack {shlex.quote(plan.experiment.file)} --why "…"')


def may_ask(request: Request) -> bool:
    """Whether somebody may have to say yes before this run: then it is looked at first."""
    surroundings = request.wishes.surroundings
    held = request.experiment.safeguards.and_also(surroundings.safeguards)
    return bool(held.confirm_above) or surroundings.environment.production


def surveyed(request: Request) -> "Survey":
    """Whom a run would hit at this moment. Touches no target. Raises UsageError and Refused."""
    from chaos_runner.plan.survey import survey

    plan, values = planned(request, SystemClock().now())
    found = survey(plan, values, shelf.fault)
    return structs.replace(found, latched=held_back(plan, request.reports.absolute()))


def _leave_to_the_watchdog(last: Run, parts: _Parts, folder: Path, finish: Callable[[Ended], None]) -> NoReturn:
    """Says what is open and ends the process: that is what wakes the watchdog."""
    exit_code = NOT_RESTORED_EXIT
    try:
        parts.loop.hear_out()
        known = _with_commands(last, parts.hands)
        now = known.after(judge(known))
        exit_code = outcome(now).exit
        finish(Ended(outcome=outcome(now), run=now, folder=folder, left=True))
    finally:
        os._exit(exit_code)


def _with_commands(last: Run, hands: Hands) -> Run:
    """The run, in which every entry that is open knows the command that finishes its undo; as far as that is known
    soon: a fault's own code says it.
    """
    entries = dict(last.entries)

    def ask() -> None:
        for key, entry in last.entries.items():
            if entry.reversible and not entry.is_back:
                entries[key] = structs.replace(entry, by_hand=hands.by_hand(entry) or entry.by_hand)

    within(BY_HAND_S, ask)
    return structs.replace(last, entries=dict(entries))


def _let_go(watchdog: Watchdog | None, lock: RunLock) -> None:
    if watchdog:
        watchdog.dismiss()
    lock.release()


def _leave(request: Request, exit_code: int) -> None:
    if not request.in_process:
        os._exit(exit_code)
    cut_main_thread()


def _unlocked(ended: Ended) -> Ended:
    """The locks that machines share are let go of, unless something is left: then they stay until they end."""
    if ended.outcome.restored in (RestoredState.NOT_RESTORED, RestoredState.UNKNOWN):
        return ended
    problem = sharing.let_go(ended.run.plan)
    return structs.replace(ended, problem=ended.problem or problem)


def _attended(request: Request, experiment: Experiment) -> Wishes:
    """The wishes, which know whether controls or event handlers are to be called."""
    manner = structs.replace(request.wishes.manner, attended=request.guests.attend(experiment))
    return structs.replace(request.wishes, manner=manner)


def _told(ended: Ended, request: Request) -> Ended:
    """What is written and told beside the run's folder, once that is complete."""
    if request.journal_path is None and not request.guests.settings.get("notifications"):
        return ended
    try:
        journal = (ended.folder / "journal.json").read_bytes()
        if request.journal_path:
            write(request.journal_path, journal)
        tell_of_end(request.guests, msgspec.json.decode(journal))
    except (OSError, msgspec.DecodeError) as problem:
        said = f"Chaos Toolkit's journal could not be written: {problem}"
        return structs.replace(ended, problem=ended.problem or said)
    return ended


def _closed(last: Run, parts: "_Parts", folder: Path) -> Ended:
    """Nothing of the run is left running, and its folder is complete."""
    parts.hands.end_processes()
    parts.loop.hear_out()
    parts.journal.close()
    live = parts.attendants.journal if parts.attendants else None
    return Ended(outcome=outcome(last), run=last, folder=folder, problem=record(last, folder), live=live)


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
    values = _known_to_recovery(run.plan.experiment)
    end_processes_of(run)
    age_s = max(run.t, (datetime.now(UTC) - datetime.fromisoformat(run.plan.started)).total_seconds())
    elapsed_s = Elapsed(SystemClock(), age_s)
    parts = _parts(run.plan, values, Journal.resume(folder / JOURNAL), elapsed_s)
    ended: list[Ended] = []

    def over(last: Run) -> None:
        ended.append(_unlocked(_closed(last, parts, folder)))

    for watcher in watchers:
        parts.loop.watch(watcher)
    run_on_main(parts.world, lambda: parts.loop.resume(run, RunnerDied(t=elapsed_s(), by=by, over=run.over)), over)
    lock.release()
    return ended[0]


def _known_to_recovery(experiment: Experiment) -> Values:
    """Dynamic configuration that was not written down is asked again; what does not answer stays as it is."""
    values = load_values(experiment)
    try:
        return resolved(values)
    except Refused:
        return values


def _parts(plan: Plan, values: Values, journal: Journal, elapsed_s: Elapsed, guests: Guests | None = None) -> _Parts:
    redactor = Redactor([*values.sensitive(), *written_out(plan.experiment), os.environ.get(KEY_VARIABLE, "")])
    attending = attendants(guests, plan, values, redactor) if guests else None
    others = partial(neighbours, journal.path.parent)
    hands = Hands(Orders(plan, values, shelf, elapsed_s, redactor, attending, others))
    world = RealWorld(plan, hands, elapsed_s)
    return _Parts(world, Loop(world, journal, redactor), journal, hands, attending)


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
    if not sharing.changes(plan):
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
    return enter_into_history(folder)


def enter_into_history(folder: Path) -> str:
    """Takes the run into the history and writes reports/index.html anew. Says why it could not."""
    from chaos_runner.history.store import remember
    from chaos_runner.report.index import write_index

    return remember(folder, lambda history: write_index(history, folder.parent.parent))


def bundle_key() -> str:
    """The key that signs what leaves this machine. Empty where there is none."""
    return os.environ.get(KEY_VARIABLE, "")


def write_outcome(last: Run, folder: Path) -> None:
    """Writes outcome.json, atomically. Raises OSError."""
    found = msgspec.json.format(msgspec.json.encode(outcome(last)), indent=2)
    write(folder / "outcome.json", found + b"\n")
