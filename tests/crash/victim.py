"""A runner that kills itself with SIGKILL at a given moment of a fault's life.

    python -m tests.crash.victim MOMENT EXPERIMENT REPORTS [--with-watchdog] [--act-first]

`--with-watchdog` takes its watchdog with it. `--act-first` is the mistake that the matrix must find: commands are
started before the events are written.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from chaos_runner import shelf, wiring
from chaos_runner.contracts import Act, Evidence, Fault, NativeProbe, Restored, Setting
from chaos_runner.engine.shell import Loop
from chaos_runner.experiment.loading import load
from chaos_runner.journal.writer import Journal
from chaos_runner.plan.build import Wishes
from chaos_runner.run import events as ev
from chaos_runner.run.decide import Decision
from chaos_runner.run.run import Run
from chaos_runner.targets.host import WATCHDOG
from tests.crash.moments import Moment

WRITTEN = {Moment.PREPARED: ev.Prepared, Moment.APPLIED: ev.Applied, Moment.UNDO_BEGAN: ev.UndoBegan,
           Moment.UNDONE: ev.Undone, Moment.VERIFIED: ev.Verified}
HOLD_S = 0.15
FOREVER_S = 60.0


class Killer:
    """Ends this process, and its watchdog first when it is told to."""

    def __init__(self, moment: Moment, *, with_watchdog: bool) -> None:
        self._moment = moment
        self._with_watchdog = with_watchdog

    def at(self, moment: Moment) -> None:
        """Dies if this is the moment."""
        if moment is self._moment:
            self._die()

    def written(self, events: Sequence[ev.Event]) -> None:
        """Called once the events are written, before anything that follows from them is started."""
        for event in events:
            if isinstance(event, WRITTEN.get(self._moment, ())):
                self._die()
            if isinstance(event, ev.Applied) and self._moment is Moment.HOLDING:
                threading.Timer(HOLD_S, self._die).start()

    def _die(self) -> None:
        if self._with_watchdog:
            for child in psutil.Process().children():
                if WATCHDOG in child.cmdline():
                    child.kill()
                    child.wait()
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(FOREVER_S)


class Deadly(Fault[Any, Any]):
    """A fault of the shelf whose verbs may be the last thing this process does."""

    def __init__(self, fault: Fault[Any, Any], killer: Killer) -> None:
        self._fault = fault
        self._killer = killer
        self._prepared = 0
        self.target, self.arguments = fault.target, fault.arguments  # type: ignore[misc]  # as the fault says
        self.band, self.healed_by = fault.band, fault.healed_by  # type: ignore[misc]

    def prepare(self, target: Any, arguments: Any, setting: Setting) -> list[Act]:
        acts = self._fault.prepare(target, arguments, setting)
        self._prepared += 1
        if self._prepared > 1:
            self._killer.at(Moment.IN_PREPARE)
        return acts

    def apply(self, act: Act) -> Evidence:
        self._killer.at(Moment.BEFORE_APPLY)
        evidence = self._fault.apply(act)
        self._killer.at(Moment.AFTER_APPLY)
        return evidence

    def undo(self, act: Act) -> None:
        self._killer.at(Moment.BEFORE_UNDO)
        self._fault.undo(act)
        self._killer.at(Moment.AFTER_UNDO)

    def verify(self, act: Act) -> Restored:
        self._killer.at(Moment.IN_VERIFY)
        return self._fault.verify(act)

    def by_hand(self, act: Act) -> str:
        return self._fault.by_hand(act)


class Shelf:
    """The real shelf, with every fault deadly."""

    def __init__(self, killer: Killer) -> None:
        self._killer = killer
        self._made: dict[str, Deadly] = {}

    def fault(self, name: str) -> Fault[Any, Any]:
        """The fault of that name."""
        if name not in self._made:
            self._made[name] = Deadly(shelf.own_fault(name), self._killer)
        return self._made[name]

    def probe(self, name: str) -> NativeProbe:
        """The probe of that name."""
        return shelf.own_probe(name)


def listen_to_the_journal(killer: Killer) -> None:
    """Lets the killer know of every event at the very moment at which it is written."""
    append = Journal.append

    def heard(self: Journal, events: Sequence[ev.Event]) -> bytes:
        lines = append(self, events)
        killer.written(events)
        return lines

    Journal.append = heard  # type: ignore[method-assign]


def act_first() -> None:
    """Breaks law 1, to see whether the matrix bites: what follows from events is started before they are written."""
    breathe = Loop._breathe

    def hasty(self: Loop, before: Run, decision: Decision) -> Run:
        for command in decision.commands:
            self._world.start(command, decision.run)
        time.sleep(0.3)
        return breathe(self, before, decision._replace(commands=[]))

    Loop._breathe = hasty  # type: ignore[method-assign]


def main(words: Sequence[str]) -> None:
    """Runs until it dies."""
    moment, file, reports, *flags = words
    killer = Killer(Moment[moment], with_watchdog="--with-watchdog" in flags)
    if "--act-first" in flags:
        act_first()
    listen_to_the_journal(killer)
    shelf.guests = Shelf(killer)
    request = wiring.request_for(load(file), Path(reports), (), Wishes())
    wiring.run(request, [], lambda _: None)


if __name__ == "__main__":
    main(sys.argv[1:])
