"""Gates: nothing begins that one of them forbids, and one that is watched ends the run when it closes."""

from typing import Any

import pytest

from chaos_runner.contracts import BadQuestion, NoData, Unreachable
from chaos_runner.experiment.loading import load_text
from chaos_runner.run import events as ev
from chaos_runner.run.events import RestoredState, Stage, Verdict
from chaos_runner.run.outcome import outcome
from chaos_runner.testing import FakeFault, MemoryRun, readings, run_in_memory

HOLDS = {"title": "well", "baseline": "0s", "probes": [{"name": "p", "probe": "fake.p", "below": 5}]}


def play(*gates: dict[str, Any], reads: tuple[Any, ...] = (0,), **more: Any) -> MemoryRun:
    return run_in_memory(
        {"title": "t", "description": "d", "steady-state-hypothesis": HOLDS, "gates": list(gates),
         "method": [{"name": "a", "fault": "fake.a", "duration": "5s"}], **more},
        faults={"fake.a": FakeFault()},
        probes={"fake.p": readings(1), "fake.incidents": readings(*reads), "fake.other": readings(1)})


def told(run: MemoryRun) -> list[tuple[str, str, str, str | None]]:
    return [(gate.name, gate.result, gate.read, gate.again_at) for gate in outcome(run.run).gates]


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


def test_a_gate_that_defers_says_what_it_read_and_when_to_try_again() -> None:
    run = play(gate(defer="10m"), reads=(3,))
    assert (run.verdict, run.codes, run.exit) == (Verdict.NOT_STARTED, ["V110"], 3)
    assert run.sentence == ('the gate "no open incident" defers: found 3 (limit at most 0); '
                            'try again at 2026-11-20 11:10:00 UTC')
    assert told(run) == [("no open incident", "defer", "3", "2026-11-20T11:10:00.000Z")]
    assert outcome(run.run).again_at == "2026-11-20T11:10:00.000Z"


@pytest.mark.parametrize("trouble", [NoData("the ticket system is down"), Unreachable("connection refused"),
                                     BadQuestion("no such query")])
def test_a_gate_that_cannot_be_read_denies_although_it_would_defer(trouble: Exception) -> None:
    run = play(gate(defer="10m"), reads=(trouble,))
    assert (run.codes, run.exit) == (["V109"], 3)
    assert run.sentence == f'the gate "no open incident" could not be read, and so is closed: {trouble}'
    assert told(run) == [("no open incident", "deny", str(trouble), None)]
    assert outcome(run.run).again_at is None


def test_an_open_gate_passes_and_says_what_it_read() -> None:
    run = play(gate(defer="10m"))
    assert told(run) == [("no open incident", "pass", "0", None)]
    assert outcome(run.run).again_at is None


def test_one_gate_that_denies_outranks_those_that_defer() -> None:
    run = play(gate(defer="10m"), {"name": "no freeze", "probe": "fake.other", "equals": 0}, reads=(2,))
    assert run.codes == ["V109", "V110"]
    assert run.sentence == 'the gate "no freeze" is closed: found 1 (limit 0)'
    assert outcome(run.run).again_at is None


def test_of_several_gates_that_defer_the_latest_says_when() -> None:
    other = {"name": "no freeze", "probe": "fake.other", "equals": 0, "defer": "1h"}
    run = play(gate(defer="10m"), other, reads=(2,))
    assert run.codes == ["V110", "V110"]
    assert outcome(run.run).again_at == "2026-11-20T12:00:00.000Z"


def test_a_watched_gate_that_closes_before_the_first_fault_defers_too() -> None:
    slow = {**HOLDS, "baseline": "5s"}
    run = play(gate(watch=True, every="1s", defer="10m"), reads=(0, 0, 3), **{"steady-state-hypothesis": slow})
    assert (run.codes, run.exit) == (["V110"], 3)
    assert run.sentence.endswith("; no fault was injected; try again at 2026-11-20 11:10:02 UTC")


def test_a_gate_that_closes_while_the_fault_acts_aborts_although_it_would_defer() -> None:
    run = play(gate(watch=True, every="1s", defer="10m"), reads=(0, 0, 0, 3))
    assert (run.verdict, run.codes) == (Verdict.ABORTED, ["V317"])
    assert [row[:3] for row in told(run)] == [("no open incident", "defer", "3")]
    assert outcome(run.run).again_at is None


def test_gates_that_nobody_asked_say_nothing() -> None:
    assert told(play(gate(), limits={"max-duration": "1s"})) == []


@pytest.mark.parametrize("word", ["ten minutes", "10", "0s", "-1m", "[10m]"])
def test_what_is_no_time_to_wait_is_said_with_its_place(word: str) -> None:
    file = ("title: t\ndescription: d\nmethod: []\ngates:\n"
            f"  - {{probe: process.running, arguments: {{name: x}}, equals: 0, defer: {word}}}\n")
    errors = [finding for finding in load_text(file.encode(), "f.yaml").findings if finding.code.startswith("E")]
    assert [str(finding.place) for finding in errors] == ["f.yaml:5:70"]


def test_a_gate_that_defers_is_another_plan_than_one_that_denies() -> None:
    digests = {play(one).run.plan.digest for one in (gate(), gate(defer="10m"), gate(defer="20m"))}
    assert len(digests) == 3


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
