"""How soon the harm was seen and how soon it was over: from the journal's samples, by hand and by the run."""

from collections import Counter
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_runner.contracts import Unreachable
from chaos_runner.run.commands import Read
from chaos_runner.run.events import Phase, Sampled, Verdict
from chaos_runner.run.outcome import Outcome, ProbeOutcome, outcome
from chaos_runner.testing import FakeFault, FakeProbe, MemoryRun, run_in_memory, signal_at
from tests.examples import examples
from tests.run import reference
from tests.run.samples import action, experiment, fault, probe, single

STEADY = 5


def play(data: dict[str, Any], errors: FakeProbe, **more: Any) -> MemoryRun:
    return run_in_memory(data, faults={"fake.pause": FakeFault()}, probes={"fake.errors": errors}, **more)


def bad_between(begin: float, end: float, value: Any = 0.3) -> FakeProbe:
    return lambda t: value if begin <= t < end else 0.0


def _about(seconds: float) -> Any:
    """A sample also counts for as long as it took by the machine's clock."""
    return pytest.approx(seconds, abs=0.01)


def row(found: Outcome, phase: Phase, name: str = "errors") -> ProbeOutcome:
    return next(one for one in found.probes if one.name == name and one.phase is phase)


def test_time_to_detect_counts_from_the_first_apply_to_the_first_bad_sample() -> None:
    found = outcome(play(experiment(fault(duration="20s")), bad_between(11, 15)).run)
    assert found.detected is not None
    assert (found.detected.by, found.detected.kind, found.detected.after_s) == ("errors", "probe", 6)
    assert row(found, Phase.DURING).time_to_detect_s == 6
    assert row(found, Phase.AFTER).time_to_detect_s is None


def test_of_several_probes_the_first_whose_limit_broke_detected_it() -> None:
    probes = [probe("slow to see", at_most=0.2), probe("quick to see", at_most=0.05)]
    found = outcome(play(experiment(fault(duration="20s"), probes=probes), lambda t: max(0.0, t - 8) / 20).run)
    assert found.detected
    assert found.detected.by == "quick to see"


def test_a_stop_rule_that_tripped_detected_it() -> None:
    rule = {"name": "too many errors", "probe": "fake.errors", "above": 0.2, "every": "1s"}
    found = outcome(play(experiment(fault(), probes=[single()], **{"stop-when": [rule]}), bad_between(8, 60)).run)
    assert found.verdict is Verdict.ABORTED
    assert found.detected is not None
    assert (found.detected.by, found.detected.kind) == ("too many errors", "stop rule")
    assert found.detected.after_s == _about(8)


def test_noise_that_is_forgiven_detected_nothing() -> None:
    found = outcome(play(experiment(fault(duration="20s")), bad_between(10, 11)).run)
    assert (found.detected, row(found, Phase.DURING).time_to_detect_s) == (None, None)


def test_time_to_recover_counts_from_the_last_undo_to_the_first_of_five_good_samples() -> None:
    found = outcome(play(experiment(fault()), bad_between(8, 19)).run)
    assert row(found, Phase.AFTER).time_to_recover_s == found.time_to_recover_s == 4


def test_a_relapse_within_the_five_starts_anew() -> None:
    relapse: FakeProbe = lambda t: 0.3 if 8 <= t < 18 or 20 <= t < 22 else 0.0  # noqa: E731
    assert outcome(play(experiment(fault()), relapse).run).time_to_recover_s == 7


def test_what_was_never_bad_had_nothing_to_recover() -> None:
    found = outcome(play(experiment(fault()), bad_between(0, 0)).run)
    assert (found.verdict, found.time_to_recover_s) == (Verdict.PASSED, None)


def test_what_never_recovers_has_no_time_to_recover() -> None:
    found = outcome(play(experiment(fault(), recovers_within="12s"), bad_between(8, 999)).run)
    assert (row(found, Phase.AFTER).state, found.time_to_recover_s) == ("deviated", None)


def test_what_broke_only_after_the_undo_is_detected_there() -> None:
    found = outcome(play(experiment(fault(), recovers_within="12s"), bad_between(15.5, 999)).run)
    assert [row(found, phase).time_to_detect_s for phase in Phase] == [None, None, 11]


def test_a_stop_ends_the_wait_and_there_is_no_time_to_recover() -> None:
    found = outcome(play(experiment(fault()), bad_between(8, 14), items=[signal_at(13)]).run)
    assert found.time_to_recover_s is None


def test_without_an_undo_recovery_counts_from_the_end_of_the_method() -> None:
    data = experiment(action("break it", pauses={"after": 6}))
    assert outcome(play(data, bad_between(7, 13)).run).time_to_recover_s == 2


def test_the_area_is_in_the_outcome_with_its_unit() -> None:
    during = row(outcome(play(experiment(fault(duration="20s")), bad_between(10, 15)).run), Phase.DURING)
    assert (during.bad_s, during.area, during.area_unit) == (_about(4), _about(4 * 0.25), "1·s")


def test_where_nothing_has_an_order_the_area_is_the_bad_seconds() -> None:
    data = experiment(fault(duration="20s"), probes=[probe(equals=0)])
    during = row(outcome(play(data, bad_between(10, 15, value=503)).run), Phase.DURING)
    assert (during.bad_s, during.area, during.area_unit) == (_about(4), _about(4), "s")


def test_two_probes_with_like_names_are_not_mixed_up() -> None:
    probes = [probe("errors"), probe("errors of all", at_most=0.9)]
    found = outcome(play(experiment(fault(), probes=probes, recovers_within="9s"), bad_between(15.5, 999)).run)
    assert row(found, Phase.AFTER, "errors").state == "deviated"
    assert row(found, Phase.AFTER, "errors of all").state == "held"


SHAPES = st.lists(st.tuples(st.floats(0.5, 6).map(lambda s: round(s, 2)), st.sampled_from([0.0, 0.0, 0.2, 0.7, None])),
                  min_size=1, max_size=12)


@examples(60)
@given(SHAPES, st.sampled_from([{}, {"allow": "20%"}, {"for_": "3s"}]))
def test_the_measures_are_what_all_the_samples_say(
        shape: list[tuple[float, float | None]], rule: dict[str, str]) -> None:
    data = experiment(fault(duration="20s"), probes=[probe(every="500ms", **rule)], recovers_within="15s")
    played = play(data, _shaped(shape))
    found = outcome(played.run)
    for one in found.probes:
        samples = [event for event in played.events if isinstance(event, Sampled) and event.phase is one.phase]
        if not rule:  # with `for` an outage goes on from phase to phase
            assert one.bad_s == pytest.approx(reference.bad_for_s(samples))
            assert one.area == pytest.approx(reference.area(samples, played.run.plan.probes[0]))
        if one.time_to_detect_s is not None:
            assert one.time_to_detect_s == pytest.approx(_first_bad_t(played) - (played.run.first_applied_t or 0))
    assert found.time_to_recover_s == pytest.approx(_recovery(played))


def _shaped(shape: list[tuple[float, float | None]]) -> FakeProbe:
    """Well until the fault acts; then one value after the other, each for its time."""

    def read(t: float) -> Any:
        at = 5.0
        for lasts_s, value in shape:
            if at <= t < at + lasts_s:
                return Unreachable("connection refused") if value is None else value
            at += lasts_s
        return 0.0

    return read


def _first_bad_t(played: MemoryRun) -> float:
    return next(event.t for event in played.events
                if isinstance(event, Sampled) and event.good is False and event.phase is not Phase.BEFORE)


def _recovery(played: MemoryRun) -> float | None:
    since = [event for event in played.events if isinstance(event, Sampled) and event.phase is not Phase.BEFORE]
    row = reference.good_row([sample for sample in since if sample.phase is Phase.AFTER])
    if all(sample.good for sample in since) or len(row) < STEADY or played.run.last_undo_t is None:
        return None
    return row[0].t - played.run.last_undo_t


def test_many_probes_are_sampled_a_little_apart_and_each_keeps_its_period() -> None:
    probes = [probe(f"errors {number}", every="100ms") for number in range(100)]
    run = play(experiment(fault(duration="3s"), probes=probes, baseline="1s"), bad_between(0, 0))
    taken = [[event.t for event in run.events if isinstance(event, Sampled) and event.probe == number and event.t > 0]
             for number in range(100)]
    assert max(Counter(round(t, 6) for moments in taken for t in moments if t < 3).values()) == 8
    for moments in taken:
        assert [later - earlier for earlier, later in pairwise(moments)] == pytest.approx([0.1] * (len(moments) - 1))


def test_a_probe_that_hangs_after_many_readings_is_given_its_whole_time() -> None:
    reads = count()
    run = play(experiment(fault(duration="60s")), bad_between(0, 0),
               latency=lambda command: 500.0 if isinstance(command, Read) and next(reads) == 20 else 0.0)
    late = [event.t for event in run.events if isinstance(event, Sampled) and event.doubt]
    assert late == [30]
