"""What the world may do to a run that nobody wished for."""

from typing import Any

import pytest

from chaos_runner.errors import ActFailed, NoEffect, NoTarget
from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run.events import Phase, RestoredState, Verdict
from chaos_runner.testing import FakeFault, FakeProbe, Latency, MemoryRun, readings, run_in_memory, signal_at
from tests.run.samples import action, experiment, fault, lasting, probe, single, wait


def play(data: dict[str, Any], pause: FakeFault | None = None, errors: FakeProbe | None = None,
         **more: Any) -> MemoryRun:
    return run_in_memory(data, faults={"fake.pause": pause or FakeFault()},
                         probes={"fake.errors": errors or readings(0)}, **more)


class LandsLater(FakeFault):
    """Its apply raises, and the change comes all the same, after the first undo."""

    def apply(self, act: Any) -> Any:  # noqa: ARG002
        self._say("apply")
        raise ActFailed("no answer within 2 s")

    def undo(self, act: Any) -> None:
        super().undo(act)
        if self.calls.count("undo") == 1:
            self.state[act.target["name"]] = "well"

    def verify(self, act: Any) -> Any:
        answer = super().verify(act)
        if self.calls.count("verify") == 1:
            self.state[act.target["name"]] = "hurt"
        return answer


def test_an_apply_that_raised_and_lands_later_is_undone_once_more() -> None:
    pause = LandsLater()
    run = play(experiment(fault()), pause)
    assert pause.state == {"thing-0": "well"}
    assert (run.verdict, run.restored) == (Verdict.ERROR, RestoredState.RESTORED)
    assert pause.calls.count("undo") == 2


def test_an_undo_without_effect_is_tried_again() -> None:
    class Lazy(FakeFault):
        def undo(self, act: Any) -> None:
            self._say("undo")
            if self.calls.count("undo") == 3:
                self.state[act.target["name"]] = "well"

    assert play(experiment(fault()), Lazy()).restored is RestoredState.RESTORED


@pytest.mark.parametrize(("problem", "verdict"), [(NoTarget("gone"), Verdict.INCONCLUSIVE),
                                                  (NoEffect("already so"), Verdict.INCONCLUSIVE)])
def test_an_apply_that_refuses_proves_nothing(problem: Exception, verdict: Verdict) -> None:
    run = play(experiment(fault()), FakeFault(raises={"apply": problem}))
    assert (run.verdict, run.restored) == (verdict, RestoredState.NOTHING)


def test_a_method_that_ended_early_is_never_passed() -> None:
    run = play(experiment(fault(), action("never run")), FakeFault(stays_hurt=True))
    assert (run.verdict, run.exit) == (Verdict.ERROR, 6)


def test_a_phase_with_none_but_bad_samples_has_not_been_seen_to_hold() -> None:
    run = play(experiment(fault(duration="300ms"), probes=[probe(every="10s")], baseline="1s",
                          recovers_within="60s"), errors=lambda t: 0.9 if 0.5 < t < 3 else 0)
    assert run.verdict in (Verdict.INCONCLUSIVE, Verdict.DEVIATED)


def test_a_reading_that_took_longer_than_missing_for_was_silence() -> None:
    slow = ev.Sampled(t=12, probe=0, phase=Phase.DURING, good=True, value=0, took_s=6.5)
    run = play(experiment(fault(duration="20s"), probes=[probe(missing_for="5s")]), items=[slow])
    assert (run.verdict, run.codes[0]) == (Verdict.INCONCLUSIVE, "V505")


def test_a_stop_rule_that_reads_no_number_is_blind_not_content() -> None:
    rule = {"name": "many", "probe": "fake.errors", "above": 5, "missing-for": "3s"}
    run = play(experiment(fault(duration="30s"), probes=[single()], stop_when=[rule]),
               errors=lambda t: float("nan") if t > 5 else 0)
    assert (run.verdict, run.codes[0]) == (Verdict.ABORTED, "V312")


def test_a_hypothesis_of_nothing_but_nan_is_not_started() -> None:
    assert play(experiment(fault()), errors=readings(float("nan"))).verdict is Verdict.NOT_STARTED


@pytest.mark.parametrize("kind", [ev.StepBegan, ev.StepEnded, ev.Verified, ev.Undone, ev.UndoBegan, ev.Applied])
def test_wherever_the_journal_is_lost_the_run_ends_and_nothing_is_left(kind: type[ev.Event]) -> None:
    pause = FakeFault()
    data = experiment(lasting(), wait(3), rollbacks=[action("bring it back")])
    run = play(data, pause, journal_fails_at=kind)
    assert pause.state == {"thing-0": "well"}
    assert run.run.ended


def test_a_run_whose_end_cannot_be_written_did_not_pass() -> None:
    run = play(experiment(fault()), journal_fails_at=ev.RunEnded)
    assert (run.verdict, run.exit, run.restored) == (Verdict.ERROR, 5, RestoredState.RESTORED)


def test_a_second_signal_leaves_a_busy_rollback_behind() -> None:
    run = play(experiment(action(), rollbacks=[action("bring it back")]), items=[signal_at(1)])
    assert run.run.ended


def test_an_output_that_nobody_can_write_is_written_all_the_same() -> None:
    for function in ("surrogate", "huge", "endless", "unspeakable"):
        run = play(experiment(action(func=function, module="tests.run.answers"), probes=[single()]))
        assert run.verdict is Verdict.PASSED, function


def test_an_action_whose_error_nobody_can_write_is_a_failed_step() -> None:
    run = play(experiment(action(func="unspeakable_error", module="tests.run.answers"), probes=[single()]))
    assert run.verdict is Verdict.ERROR


def test_a_tolerance_that_leaves_the_process_is_a_doubt() -> None:
    leaves = {"type": "probe", "name": "t", "provider": {"type": "python", "module": "tests.cli.steps",
                                                        "func": "leave_with", "arguments": {"value": ""}}}
    run = play(experiment(action(), probes=[single(tolerance=leaves)]))
    assert run.verdict is not Verdict.PASSED


def test_a_probe_is_late_only_when_this_very_reading_is() -> None:
    """A reading that takes a while, each second, for longer than `missing-for`: none of them is late by itself."""
    run = run_in_memory(experiment(fault(duration="30s"), probes=[probe(missing_for="5s")]),
                        faults={"fake.pause": FakeFault()}, probes={"fake.errors": readings(0)},
                        latency=lambda command: Latency(answer_s=0.4 if isinstance(command, co.Read) else 0.0))
    assert run.verdict is Verdict.PASSED
