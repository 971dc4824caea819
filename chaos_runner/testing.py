"""The public test kit: time that moves when told, faults and probes that do as told, and runs that take no time.

    run = run_in_memory(
        {"title": "…", "description": "…", "method": [...]},
        probes={"fake.errors": readings(0, 0.09, 0.09)}, faults={"fake.pause": FakeFault()})
    assert run.verdict is Verdict.ABORTED

Everything between the file and the verdict is the real thing; only the clock, the shelf and the journal's disk are not.
"""

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from msgspec import Struct, structs

from chaos_runner import shelf
from chaos_runner.clock import FakeClock
from chaos_runner.contracts import (
    Act,
    Answer,
    Band,
    Evidence,
    Fault,
    Group,
    NativeProbe,
    NoArguments,
    Reading,
    Restored,
    Setting,
    Where,
)
from chaos_runner.engine.hands import Hands, Orders
from chaos_runner.engine.shell import Loop
from chaos_runner.engine.world import Elapsed, Timers
from chaos_runner.errors import NotDurable
from chaos_runner.experiment.loading import InvalidFile, load_data
from chaos_runner.experiment.model import Experiment
from chaos_runner.experiment.values import Values
from chaos_runner.laws import BrokenLaw, Trial, check_fault
from chaos_runner.plan.aim import FindFault
from chaos_runner.plan.build import Wishes, plan_for
from chaos_runner.redaction import Redactor
from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run.decide import Item
from chaos_runner.run.events import Event, RestoredState, Verdict
from chaos_runner.run.run import Entry, Run
from chaos_runner.units import Unit

__all__ = ["BrokenLaw", "FakeClock", "FakeFault", "FakeProbe", "Latency", "MemoryRun", "Trial", "check_fault",
           "readings", "run_in_memory", "signal_at", "stop_at"]


class FakeTarget(Struct, frozen=True, forbid_unknown_fields=True):
    """What a fake fault hits: a name."""

    name: str = "thing"


class FakeFault(Fault[FakeTarget, NoArguments]):
    """A fault on a thing that can only be "well" or "hurt". Every verb can be told to raise.

    `state` is what the thing is now; `calls` tells every verb that was called, in order. With `of` its things were
    chosen from a group of so many; `where` is where they stand.
    """

    target = FakeTarget
    arguments = NoArguments
    band = Band(word="hurt")

    def __init__(self, *, targets: int = 1, raises: Mapping[str, Exception] | None = None,
                 stays_hurt: bool = False, healed_by: str = "", of: int = 0, where: Where | None = None) -> None:
        self.state = dict.fromkeys((f"thing-{number}" for number in range(targets)), "well")
        self.calls: list[str] = []
        self._raises = dict(raises or {})
        self._stays_hurt = stays_hurt
        self._healed_by = healed_by
        self._group = Group(name="things", size=of) if of else None
        self._where = where or Where()

    @property
    def healed_by(self) -> str:  # type: ignore[override]  # a class says it once, a fake is told
        return self._healed_by

    def prepare(self, target: FakeTarget, arguments: NoArguments, setting: Setting) -> list[Act]:  # noqa: ARG002
        self._say("prepare")
        return [Act(target={"name": name}, do={"hurt": True}, was={"state": state}, label=name, group=self._group,
                    where=self._where)
                for name, state in self.state.items()]

    def apply(self, act: Act) -> Evidence:
        self._say("apply")
        self.state[act.target["name"]] = "hurt"
        return Evidence(before="well", after="hurt")

    def undo(self, act: Act) -> None:
        self._say("undo")
        if not self._stays_hurt:
            self.state[act.target["name"]] = "well"

    def verify(self, act: Act) -> Restored:
        self._say("verify")
        now = self.state[act.target["name"]]
        if now == act.was["state"]:
            return Restored(answer=Answer.RESTORED)
        return Restored(answer=Answer.NOT_RESTORED, diff=f"{act.label} is {now}")

    def by_hand(self, act: Act) -> str:
        return f"heal {act.label}"

    def _say(self, verb: str) -> None:
        self.calls.append(verb)
        if verb in self._raises:
            raise self._raises[verb]


FakeProbe = Callable[[float], Any]
"""From the run's age in seconds to a value. An exception that it returns is raised."""


def readings(*values: Any) -> FakeProbe:
    """A probe that gives these values one after the other, and the last one for ever."""
    rest = iter(values)
    last = [None]

    def read(_: float) -> Any:
        last[0] = next(rest, last[0])
        return last[0]

    return read


class MemoryRun(Struct, frozen=True, kw_only=True):
    """A run that is over, with everything that it told."""

    run: Run
    events: list[Event]

    @property
    def verdict(self) -> Verdict:
        return self._end.verdict

    @property
    def restored(self) -> RestoredState:
        return self._end.restored

    @property
    def exit(self) -> int:
        return self._end.exit

    @property
    def sentence(self) -> str:
        return self._end.sentence

    @property
    def codes(self) -> list[str]:
        """The codes of the reasons, worst first."""
        return [reason.code for reason in self._end.reasons]

    def moments(self, kind: type[Event]) -> list[float]:
        """When events of that kind happened, in seconds since the run began."""
        return [event.t for event in self.events if isinstance(event, kind)]

    @property
    def _end(self) -> ev.RunEnded:
        if self.run.ended is None:
            raise LookupError("the run is not over")
        return self.run.ended


def signal_at(t: float, name: str = "SIGTERM", exit_code: int = 143) -> Item:
    """A signal that comes when the run is so old."""
    return ev.SignalCame(t=t, signal=name, exit=exit_code)


def stop_at(t: float, by: str = "a test") -> Item:
    """A request to stop that comes when the run is so old."""
    return ev.StopRequested(t=t, by=by)


class Latency(NamedTuple):
    """How long the world takes for a command: `act_s` until it has its effect, `answer_s` more until it returns."""

    act_s: float = 0.0
    answer_s: float = 0.0


Latencies = Callable[[co.Command], float | Latency]
"""From a command to how long it takes. A mere number is all before the effect."""


def _at_once(_: co.Command) -> float:
    return 0.0


def _to_nobody(_: Event | co.Command) -> None:
    """Nobody listens."""


def run_in_memory(experiment: Mapping[str, Any] | Experiment, *, faults: Mapping[str, FakeFault] | None = None,
                  probes: Mapping[str, FakeProbe] | None = None, items: Iterable[Item] = (),
                  journal_fails_at: type[Event] | None = None, latency: Latencies = _at_once,
                  told: Callable[[Event | co.Command], None] = _to_nobody, **wishes: Any) -> MemoryRun:
    """Runs an experiment to its end in no time.

    Names of `faults` and `probes` begin with "fake."; `items` come at their own `t`. A Chaos Toolkit action with
    `pauses` waits in virtual time. `latency` says how slow the world is, in virtual time too; what is under way when
    the run is over still has its effect. `told` hears of every event once it is written and of every command when it
    is started, in order. Raises InvalidFile, Refused and NotDurable as the real runner does.
    """
    clock = FakeClock()
    fakes = _FakeShelf(faults or {}, probes or {}, clock)
    with fakes.on_the_shelf():
        wanted = experiment if isinstance(experiment, Experiment) else _loaded(experiment)
        values = Values(configuration=wanted.configuration, secrets=wanted.secrets)
        plan = plan_for(wanted, values, Wishes(**wishes), fakes.fault, clock.now())
        elapsed_s = Elapsed(clock)
        hands = Hands(Orders(plan, values, fakes, elapsed_s))
        log = _MemoryLog(journal_fails_at, told)
        world = _MemoryWorld(_Pace(clock, latency, told), hands, items)
        run = Loop(world, log, Redactor(values.sensitive())).execute(ev.RunStarted(t=0.0, plan=plan))
        world.let_land()
    return MemoryRun(run=run, events=log.events)


@contextmanager
def fake_experiment(data: Mapping[str, Any], faults: Mapping[str, FakeFault]) -> Iterator[tuple[Experiment, FindFault]]:
    """An experiment whose faults are fakes, and where to find them while this lasts: for looking at plans.

    Raises InvalidFile.
    """
    fakes = _FakeShelf(faults, {}, FakeClock())
    with fakes.on_the_shelf():
        yield _loaded(data), fakes.fault


def _loaded(data: Mapping[str, Any]) -> Experiment:
    loaded = load_data(dict(data))
    if loaded.experiment is None:
        raise InvalidFile(loaded)
    return loaded.experiment


class _MemoryLog:
    def __init__(self, fails_at: type[Event] | None, told: Callable[[Event], None]) -> None:
        self.events: list[Event] = []
        self._fails_at = fails_at
        self._told = told

    def append(self, events: Sequence[Event]) -> None:
        if self._fails_at and any(isinstance(event, self._fails_at) for event in events):
            raise NotDurable("the journal cannot be written: no space left on device")
        self.events.extend(events)
        for event in events:
            self._told(event)


class _FakeShelf:
    """The real shelf with fakes on top."""

    def __init__(self, faults: Mapping[str, FakeFault], probes: Mapping[str, FakeProbe], clock: FakeClock) -> None:
        self._faults = faults
        self._probes = {name: _as_native(name, probe, clock) for name, probe in probes.items()}

    def fault(self, name: str) -> Fault[Any, Any]:
        return self._faults[name] if name in self._faults else shelf.own_fault(name)

    def probe(self, name: str) -> NativeProbe:
        return self._probes[name] if name in self._probes else shelf.own_probe(name)

    def on_the_shelf(self) -> "_Placed":
        return _Placed(self)


class _Placed:
    """While this lasts a loader finds the fakes too."""

    def __init__(self, fakes: _FakeShelf) -> None:
        self._fakes = fakes

    def __enter__(self) -> None:
        shelf.guests = self._fakes

    def __exit__(self, *_: object) -> None:
        shelf.guests = None


def _as_native(name: str, probe: FakeProbe, clock: FakeClock) -> NativeProbe:
    def read(_: Any) -> Reading:
        value = probe(clock.monotonic_s())
        if isinstance(value, Exception):
            raise value
        return Reading(value=value)

    return NativeProbe(name=name, arguments=NoArguments, unit=Unit.COUNT, read=read, says="a fake")


class _Pace(NamedTuple):
    """How time goes by in a memory world, and who hears of what is started."""

    clock: FakeClock
    latency: Latencies
    told: Callable[[co.Command], None]


class _MemoryWorld:
    """Commands take as long as `latency` says; time moves to the next moment that somebody waits for."""

    busy = False

    def __init__(self, pace: _Pace, hands: Hands, items: Iterable[Item]) -> None:
        self._pace = pace
        self._clock = pace.clock
        self._hands = hands
        self._timers = Timers()
        self._ready: list[Item] = []
        self._tie: Iterator[int] = itertools.count()
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        for item in items:
            self._at(item.t, partial(self._ready.append, item))

    def start(self, command: co.Command, run: Run) -> None:
        self._pace.told(command)
        if isinstance(command, co.Wake):
            self._timers.add(command)
            return
        if isinstance(command, co.Control):
            takes = self._pace.latency(command)
            delay_s = sum(takes) if isinstance(takes, Latency) else takes
            self._in(delay_s, lambda: self._answer(self._hands.attend(command, run)))
            return
        entry = run.entries.get(command.entry) if isinstance(command, co.OF_AN_ENTRY) else None
        takes = self._pace.latency(command)
        act_s, answer_s = takes if isinstance(takes, Latency) else Latency(takes)
        self._in(act_s, partial(self._carry_out, command, entry, answer_s))

    def next_item(self) -> Item:
        while not self._ready:
            self._pass_time()
        return self._ready.pop(0)

    def let_land(self) -> None:
        """What was started and has not had its effect has it now."""
        while self._later:
            heapq.heappop(self._later)[2]()

    def _carry_out(self, command: co.Command, entry: Entry | None, answer_s: float) -> None:
        fact = self._hands.carry_out(command, entry)
        if fact is not None:
            self._in(answer_s, partial(self._answer, fact))

    def _answer(self, fact: ev.Fact) -> None:
        self._ready.append(structs.replace(fact, t=max(fact.t, round(self._clock.monotonic_s(), 6))))

    def _in(self, after_s: float, do: Callable[[], None]) -> None:
        if after_s:
            self._at(self._clock.monotonic_s() + after_s, do)
        else:
            do()

    def _at(self, t: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._later, (t, next(self._tie), do))

    def _pass_time(self) -> None:
        at = min(self._moments(), default=None)
        if at is None:
            raise LookupError("the run waits for something that will never come")
        self._clock.advance(max(0.0, at - self._clock.monotonic_s()))
        if self._later and self._later[0][0] <= at:
            heapq.heappop(self._later)[2]()
            return
        wake = self._timers.due(at)
        if wake is None:
            raise LookupError("time went by and nothing was due")
        self._ready.append(co.Woke(at, wake))

    def _moments(self) -> Iterator[float]:
        if self._timers.next_at is not None:
            yield self._timers.next_at
        if self._later:
            yield self._later[0][0]
