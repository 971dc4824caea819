"""Never green without proof: what a run may and may not say."""

from itertools import pairwise
from typing import Any

import pytest

from chaos_runner.contracts import BadQuestion, NoData, Unreachable
from chaos_runner.run import events as ev
from chaos_runner.run.events import Verdict
from chaos_runner.run.merge import merged
from chaos_runner.testing import FakeFault, FakeProbe, MemoryRun, readings, run_in_memory
from tests.run import answers
from tests.run.samples import action, experiment, fault, probe, single, wait


def play(data: dict[str, Any], errors: FakeProbe, **more: Any) -> MemoryRun:
    return run_in_memory(data, faults={"fake.pause": FakeFault()}, probes={"fake.errors": errors}, **more)


def test_a_breach_while_the_fault_acted_counts_although_it_recovered() -> None:
    run = play(experiment(fault(duration="20s")), lambda t: 0.3 if 10 < t < 15 else 0)
    assert (run.verdict, run.exit, run.codes) == (Verdict.DEVIATED, 1, ["V201"])
    assert run.sentence == ('errors: reached 0.3 (limit at most 0.05), 4 of 20 samples bad, 3 s in all, '
                            '6 s after "hurt"')


def test_what_never_recovers_is_deviated() -> None:
    run = play(experiment(fault(), recovers_within="12s"), lambda t: 0.3 if t > 15.5 else 0)
    assert (run.verdict, run.codes[0]) == (Verdict.DEVIATED, "V203")
    assert "did not recover within 12 s" in run.sentence


def test_a_bad_steady_state_starts_nothing() -> None:
    run = play(experiment(fault()), readings(0.3))
    assert (run.verdict, run.exit, run.codes[0]) == (Verdict.NOT_STARTED, 3, "V102")
    assert not run.moments(ev.Prepared)


def test_missing_data_before_starts_nothing() -> None:
    run = play(experiment(fault()), lambda _: NoData("no series"))
    assert (run.verdict, run.codes[0]) == (Verdict.NOT_STARTED, "V103")


def test_missing_data_while_the_fault_acted_is_inconclusive() -> None:
    run = play(experiment(fault(duration="30s")), lambda t: NoData("scrape failed") if 6 < t < 30 else 0)
    assert (run.verdict, run.exit, run.codes[0]) == (Verdict.INCONCLUSIVE, 5, "V505")


def test_a_question_that_cannot_be_answered_is_told_as_such_and_never_green() -> None:
    run = play(experiment(fault()), lambda _: BadQuestion("parse error: unclosed parenthesis"))
    assert (run.verdict, run.exit, run.codes[0]) == (Verdict.NOT_STARTED, 3, "V103")
    assert "unclosed parenthesis" in run.sentence
    single = play(experiment(fault(duration="30s")), lambda t: BadQuestion("no query") if 10 < t < 12 else 0)
    assert (single.verdict, single.codes[0]) == (Verdict.INCONCLUSIVE, "V505")


def test_a_short_gap_in_the_data_is_forgiven() -> None:
    run = play(experiment(fault(duration="30s")), lambda t: NoData("scrape failed") if 6 < t < 12 else 0)
    assert run.verdict is Verdict.PASSED


def test_a_system_that_does_not_answer_is_a_bad_sample_not_a_missing_one() -> None:
    run = play(experiment(fault()), lambda t: Unreachable("connection refused") if 6 < t < 12 else 0)
    assert run.verdict is Verdict.DEVIATED
    assert "connection refused" in run.sentence


def test_allow_forgives_up_to_its_share_and_no_more() -> None:
    forgiving = experiment(fault(duration="20s"), probes=[probe(allow="10%")])
    assert play(forgiving, lambda t: 0.3 if 10 <= t < 12 else 0).verdict is Verdict.PASSED
    assert play(forgiving, lambda t: 0.3 if 10 <= t < 14 else 0).verdict is Verdict.DEVIATED


def test_an_outage_that_spans_the_undo_counts_as_one() -> None:
    data = experiment(fault(duration="20s"), probes=[probe(**{"for": "12s"})])
    assert play(data, lambda t: 0.3 if 17 <= t < 36 else 0).codes == ["V201"]
    assert play(data, lambda t: 0.3 if 17 <= t < 28 else 0).verdict is Verdict.PASSED
    assert play(data, lambda t: 0.3 if 26 <= t < 39 else 0).verdict is Verdict.PASSED


def test_a_single_bad_sample_among_many_is_noise() -> None:
    run = play(experiment(fault(duration="20s")), lambda t: 0.3 if 10 <= t < 11 else 0)
    assert run.verdict is Verdict.PASSED


def test_no_hypothesis_proves_nothing() -> None:
    run = play(experiment(fault(), probes=[]), readings(0))
    assert (run.verdict, run.codes[0]) == (Verdict.INCONCLUSIVE, "V501")


def test_no_action_proves_nothing() -> None:
    run = play(experiment(), readings(0))
    assert (run.verdict, run.codes[0]) == (Verdict.INCONCLUSIVE, "V502")


def test_only_the_hypothesis_when_asked_for() -> None:
    run = play(experiment(fault()), readings(0), hypothesis_only=True)
    assert (run.verdict, run.codes[0]) == (Verdict.PASSED, "V002")
    assert not run.moments(ev.Checked)


def test_a_judge_that_raises_is_never_green() -> None:
    data = experiment(action(), probes=[single(tolerance={"type": "regex", "pattern": "a"})])
    run = play(data, readings(0))
    assert (run.verdict, run.codes[0]) == (Verdict.NOT_STARTED, "V103")
    assert "raised" in run.sentence


def test_a_single_shot_probe_is_read_before_at_the_end_and_after_the_undo() -> None:
    run = play(experiment(fault(), probes=[single()]), readings(0))
    phases = [event.phase for event in run.events if isinstance(event, ev.Sampled)]
    assert phases == ["before", "during", "after"]


def laid_out(*answers_laid_out: bool) -> dict[str, Any]:
    answers.ANSWERS[:] = answers_laid_out
    return single(provider={"type": "python", "module": "tests.run.answers", "func": "answer"})


def test_a_single_shot_probe_that_does_not_hold_after_the_undo_is_read_until_it_does() -> None:
    probe = laid_out(True, True, False, False, True)
    run = play(experiment(action(), probes=[probe], rollbacks=[action("bring it back")]), readings(0))
    assert (run.verdict, run.run.t) == (Verdict.PASSED, 2)


def test_a_single_shot_probe_that_never_holds_again_is_deviated() -> None:
    probe = laid_out(True, True, False)
    run = play(experiment(action(), probes=[probe], rollbacks=[action("bring it back")], recovers_within="5s"),
               readings(0))
    assert (run.verdict, run.codes, run.run.t) == (Verdict.DEVIATED, ["V203"], 5)
    assert run.sentence == "once did not recover within 5 s after the undo: found False (limit true)"


def test_a_file_without_a_native_key_takes_no_longer_than_in_chaos_toolkit() -> None:
    run = play(experiment(action(), probes=[single()]), readings(0))
    assert run.run.t < 1
    assert run.sentence == "once stayed inside the limits; not watched while the fault acted"


def test_a_method_too_short_for_a_sample_is_sampled_once_before_the_undo() -> None:
    run = play(experiment(action(), probes=[probe(every="10s")]), readings(0))
    during = [event for event in run.events if isinstance(event, ev.Sampled) and event.phase == "during"]
    assert during
    assert run.verdict is Verdict.PASSED


def test_samples_keep_to_their_grid() -> None:
    run = play(experiment(fault(duration="20s"), probes=[probe(every="250ms")]), readings(0))
    moments = run.moments(ev.Sampled)
    assert moments[:5] == [0, 0.25, 0.5, 0.75, 1.0]
    assert max(later - earlier for earlier, later in pairwise(moments)) <= 0.25


def test_a_reading_that_straddles_the_first_fault_speaks_for_during() -> None:
    late = ev.Sampled(t=5.5, probe=0, phase=ev.Phase.BEFORE, good=False, value=0.9, took_s=1)
    run = run_in_memory(experiment(fault(duration="20s")), faults={"fake.pause": FakeFault()},
                        probes={"fake.errors": readings(0)}, items=[late])
    assert run.run.tally(0, ev.Phase.BEFORE).bad == 0
    assert run.run.tally(0, ev.Phase.DURING).bad == 1


def test_the_delay_in_the_sentence_counts_from_the_newest_fault() -> None:
    run = play(experiment(wait(5, "warm up"), fault("hurt it", duration="20s")), lambda t: 0.3 if 15 <= t < 18 else 0)
    assert run.sentence.endswith('5 s after "hurt it"')


@pytest.mark.parametrize(("ends", "verdict", "code"), [
    ([], Verdict.PASSED, 0),
    ([(Verdict.PASSED, 0), (Verdict.NOT_STARTED, 3)], Verdict.NOT_STARTED, 3),
    ([(Verdict.ERROR, 5), (Verdict.DEVIATED, 1)], Verdict.DEVIATED, 1),
    ([(Verdict.DEVIATED, 1), (Verdict.PASSED, 6)], Verdict.DEVIATED, 6),
    ([(Verdict.INTERRUPTED, 143), (Verdict.ABORTED, 4)], Verdict.ABORTED, 4),
])
def test_many_runs_have_one_verdict(ends: list[tuple[Verdict, int]], verdict: Verdict, code: int) -> None:
    assert merged(ends) == (verdict, code)
