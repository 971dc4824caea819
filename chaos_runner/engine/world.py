"""The world as the loop sees it: commands go out, items come in, time passes."""

import heapq
import itertools
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

import msgspec

from chaos_runner.clock import Clock
from chaos_runner.engine.hands import Hands
from chaos_runner.engine.workers import Job, MainThread, Workers, take
from chaos_runner.experiment.model import Probe, Provider
from chaos_runner.plan.model import Plan
from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run.decide import Item
from chaos_runner.run.run import Entry, Run


class World(Protocol):
    """What the loop needs."""

    def start(self, command: co.Command, run: Run) -> None:
        """Starts carrying the command out; its answer comes as an item."""

    def next_item(self) -> Item:
        """Waits for the next thing that happens."""

    @property
    def busy(self) -> bool:
        """Whether something is running that cannot be waited for."""


class Elapsed:
    """Seconds since the run began, by a monotonic clock. A run that is resumed has an age already."""

    def __init__(self, clock: Clock, age_s: float = 0.0) -> None:
        self._clock = clock
        self._began_s = clock.monotonic_s() - age_s

    def __call__(self) -> float:
        return round(self._clock.monotonic_s() - self._began_s, 6)


class Timers:
    """Moments that are waited for, soonest first."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, co.Wake]] = []
        self._tie = itertools.count()

    def add(self, wake: co.Wake) -> None:
        """Waits for one more moment."""
        heapq.heappush(self._heap, (wake.at, next(self._tie), wake))

    @property
    def next_at(self) -> float | None:
        """When the soonest is due."""
        return self._heap[0][0] if self._heap else None

    def due(self, t: float) -> co.Wake | None:
        """The soonest one, if its moment has come."""
        return heapq.heappop(self._heap)[2] if self._heap and self._heap[0][0] <= t else None


class RealWorld:
    """Threads, queues and the machine's clock. Python steps and single-shot Python probes run on the main thread."""

    def __init__(self, plan: Plan, hands: Hands, elapsed_s: Elapsed) -> None:
        self._plan = plan
        self._hands = hands
        self._t = elapsed_s
        self._items: SimpleQueue[object] = SimpleQueue()
        self._timers = Timers()
        self._workers = Workers()
        self.main = MainThread()
        self.request: Path | None = None

    def start(self, command: co.Command, run: Run) -> None:
        if isinstance(command, co.Wake):
            self._timers.add(command)
            return
        if isinstance(command, co.Control):
            self._attend(command, run)
            return
        entry = run.entries.get(command.entry) if isinstance(command, co.OF_AN_ENTRY) else None
        waits = self.main.busy and isinstance(command, co.RunStep) and command.step.startswith("r")
        round_of_method = isinstance(command, co.Read) and run.stage is ev.Stage.METHOD
        place = self.main if self._wants_main(command) and not waits and not round_of_method else self._workers
        place.start(self._job(command, entry))

    def _attend(self, control: co.Control, run: Run) -> None:
        """On the main thread, unless that is taken, or chaoslib calls it elsewhere too: what is in the background."""
        aside = control.reading.startswith("during") or _in_background(self._plan, control.subject) or self.main.busy
        place = self._workers if aside else self.main
        place.start(lambda: self._items.put(self._hands.attend(control, run)))

    def tell(self, item: Item) -> None:
        """Something happened that nobody asked for: a signal, a request to stop. Safe within a signal handler."""
        self._items.put(item)

    def tell_signal(self, name: str, exit_code: int) -> None:
        """A signal came."""
        self.tell(ev.SignalCame(t=self._t(), signal=name, exit=exit_code))

    def tell_request(self, by: str = "") -> None:
        """Somebody asked the run to stop. Who, stands in a file that is read later, not in a signal handler."""
        self.tell(ev.StopRequested(t=self._t(), by=by))

    def next_item(self) -> Item:
        while True:
            wake = self._timers.due(self._t())
            if wake:
                return co.Woke(self._t(), wake)
            at = self._timers.next_at
            item = take(self._items, None if at is None else max(0.0, at - self._t()))
            if item is not None:
                return self._with_name(item) if isinstance(item, ev.StopRequested) else item  # type: ignore[return-value]  # one queue, only ever fed by `tell` and jobs

    def _with_name(self, asked: ev.StopRequested) -> ev.StopRequested:
        """The request with who asked, where they left word."""
        if asked.by:
            return asked
        try:
            word = msgspec.json.decode(self.request.read_bytes(), type=dict[str, str]) if self.request else {}
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            word = {}
        return msgspec.structs.replace(asked, by=word.get("by", ""))

    @property
    def busy(self) -> bool:
        return self.main.busy

    def _job(self, command: co.Command, entry: Entry | None) -> Job:
        def work() -> None:
            fact = self._hands.carry_out(command, entry)
            if fact is not None:
                self._items.put(fact)

        return work

    def _wants_main(self, command: co.Command) -> bool:
        match command:
            case co.RunStep():
                step = self._plan.step(command.step)
                return not step.background and _is_python(step.call)
            case co.Read():
                return _is_single_shot_python(self._plan.watched[command.probe])
            case _:
                return False


def _in_background(plan: Plan, subject: str) -> bool:
    return subject[:1] in ("m", "r") and plan.step(subject).background


def _is_python(call: object) -> bool:
    return isinstance(call, Provider) and call.kind == "python"


def _is_single_shot_python(probe: Probe) -> bool:
    return probe.every_s is None and _is_python(probe.call)
