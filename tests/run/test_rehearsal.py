"""A rehearsal trips every stop rule before the first fault, and measures how soon an undo would have begun."""

from typing import Any

import pytest

from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run.events import Stage, Verdict
from chaos_runner.testing import FakeFault, MemoryRun, readings, run_in_memory

HOLDS = {"title": "well", "baseline": "0s", "probes": [{"name": "p", "probe": "fake.p", "below": 5}]}


def play(*rules: dict[str, Any], ready_s: float = 0.0, **more: Any) -> MemoryRun:
    return run_in_memory(
        {"title": "t", "description": "d", "steady-state-hypothesis": HOLDS, "rehearse": True,
         "method": [{"name": "a", "fault": "fake.a", "duration": "2s"}], "stop-when": list(rules), **more},
        faults={"fake.a": FakeFault()}, probes={"fake.p": readings(1), "fake.stop": readings(1)},
        latency=lambda command: ready_s if isinstance(command, co.BeReady) else 0.0)


def rule(**condition: Any) -> dict[str, Any]:
    return {"name": "stop", "probe": "fake.stop", "every": "1s", **condition}


@pytest.mark.parametrize("condition", [
    {"above": 5}, {"below": 0}, {"at-least": 7}, {"at-most": -1}, {"between": [3, 4]}, {"equals": "firing"},
    {"above": 5, "for": "30s"}, {"above": 5, "allow": "1%"}, {"missing-for": "5s"}, {"tolerance": 1},
    {"tolerance": [0, 3]},
], ids=str)
def test_every_kind_of_stop_rule_trips_in_a_rehearsal(condition: dict[str, Any]) -> None:
    run = play(rule(**condition))
    assert [found.trips for found in run.run.rehearsals.values()] == [True]
    assert run.verdict is Verdict.PASSED


def test_every_rule_is_rehearsed_before_the_first_fault() -> None:
    run = play(rule(above=5), {**rule(above=9), "name": "other"})
    assert len(run.run.rehearsals) == 2
    assert max(run.moments(ev.Rehearsed)) <= min(run.moments(ev.Prepared))


def test_a_rehearsed_sample_is_no_sample_of_the_rule() -> None:
    run = play(rule(above=5))
    assert run.run.stop is None
    assert all(event.value == 1 for event in run.events if isinstance(event, ev.Sampled))


def test_a_stop_that_would_be_too_slow_is_refused_with_the_figure() -> None:
    run = play(rule(above=5), ready_s=0.75, **{"max-abort-latency": "500ms"})
    assert (run.verdict, run.codes) == (Verdict.NOT_STARTED, ["V108"])
    assert run.sentence == ('the rehearsal failed: from a bad sample of "stop" to an undo it took 750 ms '
                            "(max-abort-latency 500 ms)")
    assert Stage.METHOD not in run.run.stages


def test_a_rule_that_can_never_trip_is_refused() -> None:
    run = play(rule(above=5, allow="100%"))
    assert (run.verdict, run.codes) == (Verdict.NOT_STARTED, ["V107"])


def test_without_being_asked_nothing_is_rehearsed() -> None:
    assert play(rule(above=5), rehearse=False).run.rehearsals == {}
