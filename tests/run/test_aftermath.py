"""What became of the targets: looked up once at the end, and never waited for by somebody who wants to leave."""

from datetime import datetime
from typing import Any

from chaos_runner.contracts import Act
from chaos_runner.errors import ActFailed
from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run.events import SignalCame, Verdict
from chaos_runner.testing import FakeFault, MemoryRun, readings, run_in_memory

HOLDS = {"title": "well", "baseline": "0s", "probes": [{"name": "p", "probe": "fake.p", "below": 5}]}


class Telling(FakeFault):
    """Tells what became of its thing."""

    def aftermath(self, act: Act, since: datetime) -> list[str]:
        self._say("aftermath")
        return [f"{act.label} was hurt at {since:%S} and is {self.state[act.target['name']]}"]


class Mute(FakeFault):
    """Cannot."""

    def aftermath(self, act: Act, since: datetime) -> list[str]:  # noqa: ARG002
        raise ActFailed("the platform is away")


def play(fault: FakeFault, **more: Any) -> MemoryRun:
    return run_in_memory(
        {"title": "t", "description": "d", "steady-state-hypothesis": HOLDS,
         "method": [{"name": "a", "fault": "fake.a", "duration": "2s"}]},
        faults={"fake.a": fault}, probes={"fake.p": readings(1)}, **more)


def lines(run: MemoryRun) -> list[list[str]]:
    return [event.lines for event in run.events if isinstance(event, ev.LookedBack)]


def test_a_fault_that_can_tell_is_asked_once_after_everything_is_back() -> None:
    run = play(Telling())
    assert run.verdict is Verdict.PASSED
    ((line,),) = lines(run)
    assert line.endswith("and is well")
    assert run.moments(ev.LookedBack) >= run.moments(ev.Verified)


def test_a_fault_that_cannot_tell_is_not_asked() -> None:
    assert lines(play(FakeFault())) == []


def test_what_cannot_be_read_is_said_and_changes_nothing() -> None:
    run = play(Mute())
    assert run.verdict is Verdict.PASSED
    assert lines(run) == [["what became of it could not be read: the platform is away"]]


def test_a_look_that_hangs_is_left_out() -> None:
    run = play(Telling(), latency=lambda command: 1000.0 if isinstance(command, co.LookBack) else 0.0)
    assert run.verdict is Verdict.PASSED
    assert lines(run)[0] == []


def test_somebody_who_wants_to_leave_does_not_wait_for_it() -> None:
    run = play(Telling(), items=[SignalCame(t=1.0, signal="SIGINT", exit=130)])
    assert run.verdict is Verdict.INTERRUPTED
    assert lines(run) == []
