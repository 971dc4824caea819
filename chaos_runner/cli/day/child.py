"""One run within a game day: a process of its own, to which signals go, while people go on typing notes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from chaos_runner.cli.children import Child
from chaos_runner.cli.ears import Ears, HungUp, Signalled, Spoke, TimeOver, Typed
from chaos_runner.cli.leash import leashed
from chaos_runner.engine.signals import REQUEST
from chaos_runner.gameday.events import RunOver
from chaos_runner.history.reading import OutcomeUnreadable, read_outcome
from chaos_runner.journal.lock import holder
from chaos_runner.recovery.phase import Phase, phase
from chaos_runner.recovery.unfinished import is_over
from chaos_runner.report.writing import write
from chaos_runner.run.events import RestoredState, Verdict
from chaos_runner.run.verdict import NOT_RESTORED_EXIT

BEAT_S: Final = 30.0
POLL_S: Final = 0.2
APPEARS_S: Final = 10.0
"""How long after its begin a run may still make its folder, should the day have died before it was on its leash."""
KILLED_EXIT: Final = 137


class Order(Struct, frozen=True, kw_only=True):
    """A run that is to be: its file, its id and its options. Of one that is `sealed` nothing is shown, and what it says
    goes to the file `log`.
    """

    item: int
    run: str
    file: str
    folder: Path
    options: Sequence[str]
    sealed: bool
    log: Path


class Heard(Struct, frozen=True, kw_only=True):
    """How a run ended, the signal that came meanwhile, if any, and whether nobody can type any more."""

    outcome: dict[str, Any]
    signal: int = 0
    hung_up: bool = False


Typing = Callable[[Child, str], object]
Beating = Callable[[float], object]


def run(order: Order, ears: Ears, typed: Typing, beat: Beating) -> Heard:
    """Runs it and listens until it is over. Signals go to it; a line is given to `typed`; `beat` is called every half
    minute with the seconds so far. Should we die, it stops and undoes. Raises OSError.
    """
    with ExitStack() as stack:
        talk = stack.enter_context(order.log.open("ab")) if order.sealed else None
        child = Child(order.file, order.options, talk, secret=order.sealed)
        stack.enter_context(leashed(child.pid))
        stack.enter_context(_never_alone(child))
        return _until_over(child, ears, typed, beat)


@contextmanager
def _never_alone(child: Child) -> Iterator[None]:
    """Should anything break on our side, what cannot be written for one, the run stops and undoes before we go."""
    try:
        yield
    except BaseException:
        child.send(signal.SIGTERM)
        child.outcome()
        raise


def _until_over(child: Child, ears: Ears, typed: Typing, beat: Beating) -> Heard:
    began_s = beat_s = time.monotonic()
    number, hung_up = 0, False
    while True:
        match ears.listen(max(0.0, beat_s + BEAT_S - time.monotonic()), child):
            case Spoke():
                if not child.hear():
                    return Heard(outcome=child.outcome(), signal=number, hung_up=hung_up)
            case Typed(text):
                typed(child, text)
            case Signalled(came):
                number = came
                child.send(came)
            case HungUp():
                hung_up = True
                child.send(signal.SIGHUP)
            case TimeOver():
                beat_s = time.monotonic()
                beat(beat_s - began_s)


def ask_to_stop(child: Child, folder: Path, by: str) -> None:
    """Asks a run to stop and undo, as `chaos-runner stop` does; before it has begun, a signal says the same."""
    if folder.is_dir() and holder(folder) == child.pid:
        write(folder / REQUEST, msgspec.json.encode({"by": by}))
        os.kill(child.pid, signal.SIGUSR1)
    else:
        child.send(signal.SIGINT)


def over(order: Order, outcome: dict[str, Any], t: float) -> RunOver:
    """What is kept of an outcome, or of a run that left none."""
    recorded = outcome.get("run") == order.run
    restored = outcome.get("restored") or _unheard(order.folder)
    exit_code = NOT_RESTORED_EXIT if restored == RestoredState.UNKNOWN else int(outcome["exit"])
    return RunOver(
        t=t, item=order.item, run=order.run, verdict=str(outcome["verdict"]), exit=exit_code, restored=str(restored),
        recorded=recorded,
        sentence="" if order.sealed else str(outcome.get("sentence") or _why_none(recorded=recorded)))


def _why_none(*, recorded: bool) -> str:
    return "" if recorded else "it left no outcome: its console says why"


def _unheard(folder: Path) -> RestoredState:
    return RestoredState.UNKNOWN if folder.is_dir() else RestoredState.NOTHING


def settled(item: int, run_id: str, folder: Path, t: float) -> RunOver:
    """How a run that nobody listened to has ended, from its folder: it is over, and was recovered if it had to be. What
    it found is told at the end of the day.
    """
    if phase(folder) is Phase.NOWHERE:
        return RunOver(t=t, item=item, run=run_id, verdict=Verdict.INTERRUPTED, exit=KILLED_EXIT, recorded=False,
                       restored=RestoredState.NOTHING, sentence="the day's process was gone before the run had begun")
    try:
        found = read_outcome(folder)
    except OutcomeUnreadable as problem:
        return RunOver(t=t, item=item, run=run_id, verdict=Verdict.INTERRUPTED, exit=NOT_RESTORED_EXIT, recorded=False,
                       restored=RestoredState.UNKNOWN, sentence=str(problem))
    return RunOver(t=t, item=item, run=run_id, verdict=found.verdict, exit=found.exit, restored=found.restored)


def goes_on(folder: Path) -> bool:
    """Whether somebody, the run or its watchdog, is still busy with it."""
    return folder.is_dir() and holder(folder) is not None


def recover(folder: Path, *, sealed: bool) -> None:
    """Undoes what a dead runner left, in a process of its own, unless everything is over."""
    if not folder.is_dir() or is_over(folder):
        return
    silent = subprocess.DEVNULL if sealed else None
    subprocess.run([sys.executable, "-m", "chaos_runner", "recover", folder.name, "--reports",
                    str(folder.parent.parent)], stdin=subprocess.DEVNULL, stdout=silent, stderr=silent, check=False)
