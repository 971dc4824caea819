"""Gates: nothing begins that one of them forbids, and one that is watched ends the run when it closes."""

from typing import Any

import pytest

from chaos_runner.contracts import NoData
from chaos_runner.run import events as ev
from chaos_runner.run.events import RestoredState, Stage, Verdict
from chaos_runner.testing import FakeFault, MemoryRun, readings, run_in_memory

HOLDS = {"title": "well", "baseline": "0s", "probes": [{"name": "p", "probe": "fake.p", "below": 5}]}


def play(*gates: dict[str, Any], reads: tuple[Any, ...] = (0,), **more: Any) -> MemoryRun:
    return run_in_memory(
        {"title": "t", "description": "d", "steady-state-hypothesis": HOLDS, "gates": list(gates),
         "method": [{"name": "a", "fault": "fake.a", "duration": "5s"}], **more},
        faults={"fake.a": FakeFault()},
        probes={"fake.p": readings(1), "fake.incidents": readings(*reads), "fake.other": readings(1)})


def gate(**more: Any) -> dict[str, Any]:
    return {"name": "no open incident", "probe": "fake.incidents", "at-most": 0, **more}


def test_a_run_goes_through_open_gates() -> None:
    run = play(gate())
    assert (run.verdict, run.exit) == (Verdict.PASSED, 0)


def test_a_closed_gate_keeps_a_run_from_starting_and_says_what_it_read() -> None:
    run = play(gate(), reads=(3,))
    assert (run.verdict, run.codes, run.exit) == (Verdict.NOT_STARTED, ["V109"], 3)
    assert run.sentence == 'the gate "no open incident" is closed: found 3 (limit at most 0)'
    assert Stage.BEFORE not in run.run.stages


def test_a_gate_that_gives_no_answer_is_closed() -> None:
    run = play(gate(), reads=(NoData("the ticket system is down"),))
    assert run.codes == ["V109"]
    assert run.sentence == 'the gate "no open incident" could not be read, and so is closed: the ticket system is down'


def test_every_closed_gate_is_named() -> None:
    run = play(gate(), {"name": "no freeze", "probe": "fake.other", "equals": 0}, reads=(2,))
    assert run.codes == ["V109", "V109"]


def test_a_gate_is_asked_once_unless_it_is_watched() -> None:
    run = play(gate(), reads=(0, 3))
    assert run.verdict is Verdict.PASSED
    assert len([event for event in run.events if isinstance(event, ev.Sampled) and event.probe == 1]) == 1


def test_a_watched_gate_that_closes_ends_the_run_and_everything_is_undone() -> None:
    run = play(gate(watch=True, every="1s"), reads=(0, 0, 0, 3))
    assert (run.verdict, run.codes, run.exit) == (Verdict.ABORTED, ["V317"], 4)
    assert run.sentence.startswith("a gate closed: no open incident")
    assert run.restored is RestoredState.RESTORED


def test_a_watched_gate_that_closes_before_the_first_fault_keeps_it_from_starting() -> None:
    slow = {**HOLDS, "baseline": "5s"}
    run = play(gate(watch=True, every="1s"), reads=(0, 0, 3), **{"steady-state-hypothesis": slow})
    assert (run.verdict, run.codes) == (Verdict.NOT_STARTED, ["V109"])
    assert not run.run.acted


def test_a_watched_gate_that_goes_blind_ends_the_run() -> None:
    run = play(gate(watch=True, every="1s", **{"missing-for": "1s"}), reads=(0, 0, 0, NoData("down")))
    assert run.codes == ["V312"]
    assert run.restored is RestoredState.RESTORED


def test_a_watched_gate_is_rehearsed_and_an_unwatched_one_is_not() -> None:
    run = play(gate(watch=True), {**gate(), "name": "once"}, rehearse=True)
    assert list(run.run.rehearsals) == [1]


@pytest.mark.parametrize("word", ["every", "watch"])
def test_a_gate_says_how_often_only_when_it_is_watched(word: str) -> None:
    run = play(gate(watch=True, every="2s") if word == "every" else gate(watch=True))
    every_s = run.run.plan.watched[1].every_s
    assert every_s == (2.0 if word == "every" else 10.0)
