"""Did the fault act? Grades of evidence, `expect`, `require-proof`, and the steady state alone."""

import sys
from typing import Any

import pytest

from chaos_runner.contracts import Act, Evidence, Grade, NoData, Unreachable
from chaos_runner.run import events as ev
from chaos_runner.run.events import RestoredState, Verdict
from chaos_runner.testing import FakeFault, FakeProbe, MemoryRun, readings, run_in_memory, signal_at
from tests.run.samples import action, experiment, failing, fault, probe, single


def play(data: dict[str, Any], errors: FakeProbe | None = None, **more: Any) -> MemoryRun:
    return run_in_memory(data, faults={"fake.pause": FakeFault()}, probes={"fake.errors": errors or readings(0)},
                         **more)


def process(code: str, **keys: Any) -> dict[str, Any]:
    provider = {"type": "process", "path": sys.executable, "arguments": ["-c", code], "timeout": 20}
    return action(provider=provider, **keys)


def grade(run: MemoryRun) -> Grade:
    return run.run.step("m0").grade


@pytest.mark.parametrize(("step", "found", "verdict", "code"), [
    (action(), Grade.REPORTED, Verdict.PASSED, "V001"),
    (failing(), Grade.NONE, Verdict.ERROR, "V401"),
    (process("pass"), Grade.REPORTED, Verdict.PASSED, "V001"),
    (process("raise SystemExit(3)"), Grade.NONE, Verdict.ERROR, "V401"),
    (process("raise SystemExit(1)", expect={"status": 1}), Grade.PROVEN, Verdict.PASSED, "V001"),
    (process("pass", expect={"status": 1}), Grade.NONE, Verdict.ERROR, "V401"),
    (process("print(7)", expect={"status": 0, "stdout": "7\n"}), Grade.PROVEN, Verdict.PASSED, "V001"),
    (process("print(8)", expect={"status": 0, "stdout": "7\n"}), Grade.NONE, Verdict.ERROR, "V401"),
    (process("pass", expect={"status": 0, "signal": None}), Grade.NONE, Verdict.ERROR, "V401"),
    (process("pass", expect={}), Grade.NONE, Verdict.ERROR, "V401"),
    (failing(expect={"status": 1}), Grade.NONE, Verdict.ERROR, "V401"),
    (action(func="basename", module="os.path", arguments={"p": "/a/b"}, expect="b"), Grade.PROVEN, Verdict.PASSED,
     "V001"),
])
def test_what_an_action_gave_says_whether_it_acted(
        step: dict[str, Any], found: Grade, verdict: Verdict, code: str) -> None:
    run = play(experiment(step))
    assert (grade(run), run.verdict, run.codes[0]) == (found, verdict, code)


def test_what_was_not_as_expected_says_what_was_wanted_and_what_came() -> None:
    run = play(experiment(process("raise SystemExit(2)", expect={"status": 1})))
    assert "not as expected ({'status': 1}): exit status 2" in run.sentence


@pytest.mark.parametrize(("step", "verdict"), [
    (fault(), Verdict.PASSED),
    (action(), Verdict.INCONCLUSIVE),
    (process("pass"), Verdict.INCONCLUSIVE),
    (process("raise SystemExit(1)", expect={"status": 1}), Verdict.PASSED),
])
def test_require_proof_takes_what_was_measured_and_nothing_less(step: dict[str, Any], verdict: Verdict) -> None:
    run = play(experiment(step, require_proof=True))
    assert run.verdict is verdict
    assert ("V504" in run.codes) == (verdict is Verdict.INCONCLUSIVE)


def test_one_action_without_proof_is_enough_for_require_proof_to_say_no() -> None:
    assert play(experiment(fault(), action(), require_proof=True)).codes == ["V504"]


def test_a_deviation_counts_with_or_without_proof() -> None:
    run = play(experiment(action(pauses={"after": 9}), require_proof=True), lambda t: 0.3 if t > 6 else 0)
    assert run.verdict is Verdict.DEVIATED


@pytest.mark.parametrize(("errors", "verdict", "code", "exit_code"), [
    (readings(0), Verdict.PASSED, "V002", 0),
    (readings(0.3), Verdict.NOT_STARTED, "V102", 3),
    (readings(0, 0, 0.3, 0.3, 0), Verdict.NOT_STARTED, "V102", 3),
    (readings(NoData("no series")), Verdict.NOT_STARTED, "V103", 3),
    (readings("many"), Verdict.NOT_STARTED, "V103", 3),
    (readings(Unreachable("connection refused")), Verdict.NOT_STARTED, "V102", 3),
])
def test_the_hypothesis_alone_is_judged_like_the_steady_state_before_a_fault(
        errors: FakeProbe, verdict: Verdict, code: str, exit_code: int) -> None:
    run = play(experiment(fault()), errors, hypothesis_only=True)
    assert (run.verdict, run.codes[0], run.exit) == (verdict, code, exit_code)


def test_the_hypothesis_alone_touches_nothing_and_rolls_nothing_back() -> None:
    pause = FakeFault()
    data = experiment(fault(), action(), rollbacks=[action("bring it back")])
    run = run_in_memory(data, faults={"fake.pause": pause}, probes={"fake.errors": readings(0)}, hypothesis_only=True)
    assert (pause.calls, run.moments(ev.StepBegan)) == ([], [])
    assert run.restored is RestoredState.NOTHING


def test_without_a_hypothesis_there_is_nothing_to_measure() -> None:
    run = play(experiment(fault(), probes=[]), hypothesis_only=True)
    assert (run.verdict, run.codes) == (Verdict.INCONCLUSIVE, ["V501"])


def test_the_hypothesis_alone_can_be_interrupted() -> None:
    assert play(experiment(fault()), items=[signal_at(2)], hypothesis_only=True).verdict is Verdict.INTERRUPTED


def test_the_hypothesis_alone_needs_no_method() -> None:
    run = play(experiment(probes=[probe(), single()]), hypothesis_only=True)
    assert (run.verdict, run.sentence) == (Verdict.PASSED,
                                           "the steady state holds (2 probes); no fault was asked for")


@pytest.mark.parametrize("rule", [{}, {"allow": "90%"}, {"for": "50s"}])
def test_stale_data_and_judges_that_raise_are_never_green(rule: dict[str, str]) -> None:
    for found in (NoData("stale"), "not a number", None, float("nan")):
        data = experiment(fault(duration="30s"), probes=[probe(**rule)])
        run = play(data, lambda t, found=found: 0 if t < 6 or t > 29 else found)  # type: ignore[misc]
        assert run.verdict is Verdict.INCONCLUSIVE, found


class Vain(FakeFault):
    """Acts on its first target only, and says so."""

    def apply(self, act: Act) -> Evidence:
        if act.label == "thing-0":
            return super().apply(act)
        return Evidence(grade=Grade.NONE, before="well", after="a rule forbids it")


def test_a_fault_that_did_not_act_on_a_target_is_no_pass_and_its_evidence_says_why() -> None:
    run = run_in_memory(experiment(fault()), faults={"fake.pause": Vain(targets=3)},
                        probes={"fake.errors": readings(0)})
    assert (run.verdict, run.codes) == (Verdict.INCONCLUSIVE, ["V503"])
    assert "had no effect on 2 of 3 targets: thing-1: a rule forbids it" in run.sentence
