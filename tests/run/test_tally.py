"""A tally of constant size says the same as all the samples together."""

from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_runner.engine.judging import holds
from chaos_runner.experiment.findings import Place
from chaos_runner.experiment.model import Comparison, Judge, Limit, Native, Probe, Tolerance
from chaos_runner.experiment.values import Values
from chaos_runner.run.events import Phase, Sampled
from chaos_runner.run.tally import Tally, worse
from tests.examples import examples
from tests.run import reference

NO_VALUES = Values(configuration={}, secrets={})
NUMBERS = st.one_of(st.integers(-20, 20), st.floats(-20, 20).map(lambda value: round(value, 3)))
LIMITS = st.one_of(
    st.builds(lambda comparison, bound: Limit(comparison=comparison, bounds=(bound,)),
              st.sampled_from([one for one in Comparison if one is not Comparison.BETWEEN]), NUMBERS),
    st.tuples(NUMBERS, NUMBERS).map(
        lambda ends: Limit(comparison=Comparison.BETWEEN, bounds=(min(ends), max(ends)))))
PROBES = st.builds(
    lambda limit, every_s, allow, held_for_s: a_probe(limit, every_s=every_s, allow=allow, held_for_s=held_for_s),
    LIMITS, st.sampled_from([None, 1.0]), st.sampled_from([None, 0.0, 0.3]), st.sampled_from([None, 3.0]))
READINGS = st.lists(st.tuples(
    st.one_of(NUMBERS, st.sampled_from(["no answer", "no data", "doubt"])),
    st.sampled_from([0.25, 1.0, 1.5, 12.0]), st.sampled_from([0.0, 0.125, 0.2])), max_size=40)


def a_probe(judge: Judge, **keys: Any) -> Probe:
    return Probe(name="latency", call=Native("fake.latency"), judge=judge, place=Place("a.yaml", 1, 1), **keys)


def sampled(probe: Probe, readings: list[tuple[Any, float, float]]) -> list[Sampled]:
    moments = accumulate(later_s for _, later_s, _ in readings)
    return [_sample(probe, t, value, took_s) for t, (value, _, took_s) in zip(moments, readings, strict=True)]


def _sample(probe: Probe, t: float, value: Any, took_s: float) -> Sampled:
    match value:
        case "no answer":
            return Sampled(t=t, probe=0, phase=Phase.DURING, good=False, note="connection refused", took_s=took_s)
        case "no data":
            return Sampled(t=t, probe=0, phase=Phase.DURING, good=None, missing=True, note="no series", took_s=took_s)
        case "doubt":
            return Sampled(t=t, probe=0, phase=Phase.DURING, good=None, doubt="the judge raised", took_s=took_s)
        case _:
            return Sampled(t=t, probe=0, phase=Phase.DURING, good=holds(probe.judge, value, NO_VALUES), value=value,
                           took_s=took_s)


def one_by_one(samples: list[Sampled], probe: Probe) -> Tally:
    tally = Tally()
    for sample in samples:
        tally = tally.after(sample, probe)
    return tally


@examples(100)
@given(PROBES, READINGS, st.integers(0, 40))
def test_samples_folded_at_once_make_the_same_tally_as_one_by_one(
        probe: Probe, readings: list[tuple[Any, float, float]], cut: int) -> None:
    samples = sampled(probe, readings)
    assert Tally().after_all(samples, probe) == one_by_one(samples, probe)
    assert Tally().after_all(samples[:cut], probe).after_all(samples[cut:], probe) == one_by_one(samples, probe)


@examples(300)
@given(PROBES, READINGS)
def test_a_tally_says_what_all_the_samples_say(probe: Probe, readings: list[tuple[Any, float, float]]) -> None:
    samples = sampled(probe, readings)
    tally = Tally().after_all(samples, probe)
    first_bad, good_row = reference.first_bad(samples), reference.good_row(samples)
    assert tally.samples == sum(sample.good is not None for sample in samples)
    assert tally.bad == sum(sample.good is False for sample in samples)
    assert tally.missing == sum(sample.good is None for sample in samples)
    assert tally.unanswered == sum(sample.good is False and sample.value is None for sample in samples)
    assert tally.breached(probe) == reference.breached(samples, probe)
    assert tally.worst == reference.worst(samples, probe)
    assert tally.bad_for_s == pytest.approx(reference.bad_for_s(samples))
    assert tally.area == pytest.approx(reference.area(samples, probe))
    assert tally.bad_seen_t == (first_bad.t if first_bad else None)
    assert tally.good_since == (good_row[0].t if good_row else None)
    assert tally.good_in_a_row == len(good_row)


@given(LIMITS, st.lists(NUMBERS, min_size=1))
def test_a_limit_holds_as_it_reads(limit: Limit, values: list[float]) -> None:
    said = {"below": "value < {0}", "above": "value > {0}", "at-least": "value >= {0}", "at-most": "value <= {0}",
            "between": "{0} <= value <= {1}", "equals": "value == {0}"}[limit.comparison].format(*limit.bounds)
    for value in values:
        assert holds(limit, value, NO_VALUES) == eval(said, {"value": value})  # noqa: S307 -- our own words


def test_the_area_is_how_far_times_how_long() -> None:
    probe = a_probe(Limit(comparison=Comparison.BELOW, bounds=(0.4,)), every_s=1.0)
    samples = [Sampled(t=float(t), probe=0, phase=Phase.DURING, good=value < 0.4, value=value, took_s=0.5)
               for t, value in enumerate([0.3, 0.5, 0.6, 0.3, 0.9])]
    tally = Tally().after_all(samples, probe)
    assert tally.bad_for_s == pytest.approx(0.5 + 1 + 0.5)
    assert tally.area == pytest.approx(0.5 * 0.1 + 1 * 0.2 + 0.5 * 0.5)


def test_a_sample_without_an_answer_is_bad_for_its_time_and_adds_no_area() -> None:
    probe = a_probe(Limit(comparison=Comparison.BELOW, bounds=(0.4,)), every_s=1.0)
    silence = Sampled(t=5.0, probe=0, phase=Phase.DURING, good=False, note="timed out", took_s=2.0)
    tally = Tally().after(silence, probe)
    assert (tally.bad_for_s, tally.area) == (2.0, 0.0)


@pytest.mark.parametrize("judge", [
    Tolerance(True), Limit(comparison=Comparison.EQUALS, bounds=(200,)),
    Limit(comparison=Comparison.EQUALS, bounds=("running",))])
def test_what_is_only_right_or_wrong_has_no_area(judge: Judge) -> None:
    bad = Sampled(t=5.0, probe=0, phase=Phase.DURING, good=False, value=503, took_s=2.0)
    assert Tally().after(bad, a_probe(judge)).area == 0.0


def test_a_number_where_a_word_was_wanted_is_no_worse_than_another() -> None:
    assert not worse(a_probe(Limit(comparison=Comparison.EQUALS, bounds=("running",))), 3, 2)


def test_of_a_stop_rule_the_value_that_meets_it_best_is_the_worst() -> None:
    rule = a_probe(Limit(comparison=Comparison.BELOW, bounds=(2,)), every_s=1.0, bad_when_met=True)
    samples = [Sampled(t=float(t), probe=0, phase=Phase.DURING, good=value >= 2, value=value)
               for t, value in enumerate([3, 1, 0, 5])]
    tally = Tally().after_all(samples, rule)
    assert (tally.worst, tally.worst_t) == (0, 2.0)
    assert tally.area == pytest.approx(1 * 2)
