"""The small shell around `decide`: it writes the events, then starts the commands, and nothing else."""

import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import structs

from chaos_runner.engine.signals import caught
from chaos_runner.engine.watching import Watcher, Watchers
from chaos_runner.engine.world import RealWorld, World
from chaos_runner.errors import NotDurable
from chaos_runner.redaction import Redactor
from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run.decide import Decision, Item, begin, decide
from chaos_runner.run.events import Event
from chaos_runner.run.run import Run


class Log(Protocol):
    """Where events go before anything follows from them."""

    def append(self, events: Sequence[Event]) -> object:
        """Raises NotDurable when they could not be written."""


class Loop:
    """One run from its first event to its last."""

    def __init__(self, world: World, log: Log, redactor: Redactor) -> None:
        self._world = world
        self._log = log
        self._redact = redactor
        self._watchers = Watchers()
        self._lost = False
        self.may_leave: Callable[[], bool] = _never
        """Whether somebody else would undo what is left, so that a third signal may end this process at once."""

    def watch(self, watcher: Watcher) -> None:
        """Tells `watcher` of every event, once it is written, on a thread of its own: it can neither break nor hold
        up the run.
        """
        self._watchers.add(watcher)

    def hear_out(self) -> None:
        """Waits a moment for those who watch to have been told everything."""
        self._watchers.drain()

    def execute(self, started: ev.RunStarted) -> Run:
        """Runs to the end, or until it may be left (`Run.leaving`). Raises NotDurable only while nothing has been
        applied.
        """
        clean = self._redact.struct(started)
        return self._to_the_end(self._breathe(Run.of(clean), begin(clean)))

    def resume(self, run: Run, died: ev.RunnerDied) -> Run:
        """Brings a run to its end whose runner died: a crash is one more item. Raises NotDurable."""
        return self._to_the_end(self._breathe(run, decide(run, died)))

    def _to_the_end(self, run: Run) -> Run:
        while not run.over and not self._leaves(run):
            run = self._breathe(run, self._decide(run, self._world.next_item()))
        return run

    def _leaves(self, run: Run) -> bool:
        """Without its journal nobody else could go on with the run."""
        return run.leaving and not self._lost and self.may_leave()

    def _decide(self, run: Run, item: Item) -> Decision:
        clean = item if isinstance(item, co.Woke) else self._redact.struct(item)
        try:
            return decide(run, clean)
        except Exception as bug:
            if run.bug:
                raise
            trace = "".join(traceback.format_exception(bug))
            return decide(run, ev.BugMet(t=run.t, text=f"{type(bug).__name__}: {bug}", trace=trace))

    def _breathe(self, before: Run, decision: Decision) -> Run:
        run, events, commands = decision
        if not self._lost:
            try:
                self._log.append(events)
            except NotDurable as problem:
                if not before.acted:
                    raise
                self._lost = True
                run, events, commands = _without_journal(decision, str(problem))
        if not self._leaves(run):
            for command in commands:
                self._world.start(command, run)
        self._watchers.tell(run, events)
        return run


def _never() -> bool:
    """Where nobody else would undo what is left."""
    return False


def _without_journal(decision: Decision, why: str) -> Decision:
    """The journal is lost: no new harm is done, and everything that was applied is undone and rolled back."""
    dropped = {command.key for command in decision.commands if _does_harm(command)}
    asked = {key: t for key, t in decision.run.pending.asked.items() if key not in dropped}
    run = structs.replace(decision.run, pending=structs.replace(decision.run.pending, asked=asked))
    stopped = decide(run, ev.JournalLost(t=run.t, text=why))
    safe = [command for command in decision.commands if command.key not in dropped]
    return Decision(stopped.run, decision.events + stopped.events, safe + stopped.commands)


def _does_harm(command: co.Command) -> bool:
    if isinstance(command, co.RunStep):
        return not command.step.startswith("r")
    return isinstance(command, co.Apply | co.Prepare)


def run_on_main(world: RealWorld, loop: Callable[[], Run], finish: Callable[[Run], None]) -> None:
    """Runs the loop beside the main thread, which serves steps and signals until the run is over.

    `finish` is called on the loop's thread when the run is over: also when a step is still busy on the main thread,
    in which case it must not return but end the process. What the loop raises is raised here.
    """
    broken: list[BaseException] = []

    def beside() -> None:
        try:
            finish(loop())
        except BaseException as problem:  # noqa: BLE001 -- carried to the main thread, which raises it
            broken.append(problem)
        finally:
            world.main.release()

    with caught(world.tell_signal, world.tell_request) as renew:
        world.main.after_each = renew
        thread = threading.Thread(target=beside, name="loop", daemon=True)
        thread.start()
        world.main.serve()
        thread.join()
    if broken:
        raise broken[0]


