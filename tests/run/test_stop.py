"""Stopping: rules, signals, requests; and that nothing is left behind whenever it comes."""

from typing import Any

import pytest

from chaos_runner.errors import ActFailed, Gone, NoEffect, NoTarget, NotDurable, Refused
from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run.decide import Item
from chaos_runner.run.events import RestoredState, Stage, Verdict
from chaos_runner.testing import FakeFault, FakeProbe, MemoryRun, readings, run_in_memory, signal_at, stop_at
from tests.run.samples import action, experiment, fault, lasting, probe, wait


def rule(name: str = "half fail", **keys: object) -> dict[str, object]:
    return {"name": name, "probe": "fake.alarm", **({"above": 0.5} if not keys else {}), **keys}


def play(data: dict[str, Any], alarm: FakeProbe | None = None, pause: FakeFault | None = None,
         **more: Any) -> MemoryRun:
    return run_in_memory(data, faults={"fake.pause": pause or FakeFault()},
                         probes={"fake.errors": readings(0), "fake.alarm": alarm or readings(0)}, **more)


def test_two_bad_samples_in_a_row_trip_a_stop_rule() -> None:
    run = play(experiment(fault(duration="60s"), stop_when=[rule()]), lambda t: 0.9 if t > 10 else 0)
    assert (run.verdict, run.exit, run.codes[0]) == (Verdict.ABORTED, 4, "V311")
    assert run.run.stop
    assert run.run.stop.rule == "half fail"
    assert run.moments(ev.Stopped) == [12]
    assert run.moments(ev.UndoBegan) == [12]


def test_a_rule_that_waits_for_a_word_says_which_it_met() -> None:
    run = play(experiment(fault(duration="60s"), stop_when=[rule(equals="firing")]),
               lambda t: "firing" if t > 10 else "inactive")
    assert (run.verdict, run.moments(ev.Stopped)) == (Verdict.ABORTED, [12])
    assert "reached firing (stops when firing), 2 of 8 samples bad" in run.sentence


def test_a_number_where_a_word_is_expected_is_bad_and_no_bug() -> None:
    run = play(experiment(fault(duration="9s"), probes=[probe(equals="ok")]))
    assert run.verdict is Verdict.NOT_STARTED


def test_one_bad_sample_alone_does_not_trip_it() -> None:
    run = play(experiment(fault(duration="20s"), stop_when=[rule()]), lambda t: 0.9 if 10 < t < 12 else 0)
    assert run.verdict is Verdict.PASSED


def test_a_rule_with_for_waits_that_long() -> None:
    run = play(experiment(fault(duration="60s"), stop_when=[rule(above=0.5, **{"for": "5s"})]),
               lambda t: 0.9 if t >= 10 else 0)
    assert run.moments(ev.Stopped) == [15]


def test_a_rule_with_a_tolerance_stops_when_it_is_not_met() -> None:
    run = play(experiment(fault(duration="60s"), stop_when=[rule(tolerance=[0, 5])]), lambda t: 9 if t > 10 else 0)
    assert run.verdict is Verdict.ABORTED


def test_a_rule_that_goes_blind_stops_the_run() -> None:
    from chaos_runner.contracts import NoData

    run = play(experiment(fault(duration="60s"), stop_when=[rule()]), lambda t: NoData("no series") if t > 10 else 0)
    assert (run.verdict, run.codes[0]) == (Verdict.ABORTED, "V312")


def test_a_rule_with_missing_for_alone_stops_when_there_is_no_data() -> None:
    from chaos_runner.contracts import NoData

    run = play(experiment(fault(duration="60s"), stop_when=[rule(**{"missing-for": "3s"})]),
               lambda t: NoData("no series") if t > 10 else 99)
    assert (run.verdict, run.codes[0]) == (Verdict.ABORTED, "V312")
    assert run.moments(ev.Stopped) == [15]


def test_a_rule_that_cannot_be_read_at_the_start_means_not_started() -> None:
    from chaos_runner.contracts import NoData

    run = play(experiment(fault(), stop_when=[rule()]), lambda _: NoData("no series"))
    assert (run.verdict, run.exit, run.codes[0]) == (Verdict.NOT_STARTED, 3, "V105")
    assert not run.moments(ev.Prepared)


def test_a_rule_that_trips_before_the_first_fault_aborts_without_one() -> None:
    run = play(experiment(fault(), stop_when=[rule()]), lambda _: 0.9)
    assert (run.verdict, run.restored) == (Verdict.ABORTED, RestoredState.NOTHING)
    assert not run.moments(ev.Prepared)


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129), ("SIGQUIT", 131)])
def test_a_signal_stops_undoes_and_has_its_exit_code(name: str, code: int) -> None:
    pause = FakeFault()
    run = play(experiment(fault(duration="60s")), pause=pause, items=[signal_at(20, name, code)])
    assert (run.verdict, run.restored, run.exit) == (Verdict.INTERRUPTED, RestoredState.RESTORED, code)
    assert pause.state == {"thing-0": "well"}
    assert run.moments(ev.Undone) == [20]
    assert Stage.AFTER not in run.run.stages


@pytest.mark.parametrize("moment", [0.0, 2.5, 5.0, 5.001, 9.0, 15.0, 15.5, 18.0])
def test_a_signal_at_any_moment_leaves_nothing_behind(moment: float) -> None:
    pause = FakeFault(targets=2)
    run = play(experiment(fault()), pause=pause, items=[signal_at(moment)])
    assert set(pause.state.values()) == {"well"}
    assert run.verdict in (Verdict.INTERRUPTED, Verdict.PASSED)


def test_a_signal_before_the_first_fault_is_interrupted_with_nothing_to_restore() -> None:
    run = play(experiment(fault()), items=[signal_at(2)])
    assert (run.verdict, run.restored, run.exit) == (Verdict.INTERRUPTED, RestoredState.NOTHING, 143)


def test_a_request_to_stop_aborts() -> None:
    run = play(experiment(fault(duration="60s")), items=[stop_at(12, "ana on laptop")])
    assert (run.verdict, run.codes[0]) == (Verdict.ABORTED, "V313")
    assert "ana on laptop" in run.sentence


def test_a_stop_that_arrives_while_undoing_does_not_interrupt_the_undo() -> None:
    pause = FakeFault(raises={"undo": ActFailed("try again")})
    run = play(experiment(fault()), pause=pause, items=[signal_at(15.2), signal_at(15.3)])
    assert pause.calls.count("undo") == 3
    assert run.restored is RestoredState.NOT_RESTORED


def test_a_lost_terminal_that_hangs_up_three_times_asks_once() -> None:
    hung_up = [signal_at(20 + after, "SIGHUP", 129) for after in (0, 1, 2)]
    run = _with_a_slow_rollback(hung_up)
    assert (run.run.signals, run.exit) == (1, 129)
    assert run.run.step("r0").ok


def test_a_signal_that_two_pass_on_counts_once() -> None:
    assert _with_a_slow_rollback([signal_at(20), signal_at(20.1), signal_at(20.15)]).run.signals == 1


def test_a_second_signal_does_not_leave_a_rollback_that_is_under_way() -> None:
    run = _with_a_slow_rollback([signal_at(20), signal_at(21)])
    assert (run.run.signals, run.restored) == (2, RestoredState.REPORTED)
    assert run.run.step("r0").ok
    assert run.run.step("r1").ok


def test_a_third_signal_leaves_a_rollback_that_does_not_end_where_the_process_cannot_be_left() -> None:
    run = _with_a_slow_rollback([signal_at(20), signal_at(21), signal_at(22)])
    assert run.run.step("r0").abandoned
    assert (run.restored, run.exit) == (RestoredState.UNKNOWN, 6)


def _with_a_slow_rollback(items: list[Item]) -> MemoryRun:
    """Each rollback takes ten seconds."""
    data = experiment(fault(duration="60s"), rollbacks=[action("bring it back"), action("and the other")])
    slow = run_in_memory(data, faults={"fake.pause": FakeFault()}, probes={"fake.errors": readings(0)}, items=items,
                         latency=lambda command: 10 if isinstance(command, co.RunStep) else 0)
    assert slow.run.entries["m0.0"].answer
    return slow


def test_an_undo_that_fails_is_tried_three_times_and_then_named_with_its_command() -> None:
    pause = FakeFault(raises={"undo": ActFailed("connection refused")})
    run = play(experiment(fault()), pause=pause)
    assert (run.restored, run.exit) == (RestoredState.NOT_RESTORED, 6)
    [entry] = run.run.entries.values()
    assert (entry.attempts, entry.by_hand) == (3, "heal thing-0")


def test_an_undo_that_fails_at_first_is_no_failure() -> None:
    class Shy(FakeFault):
        def undo(self, act):  # type: ignore[no-untyped-def]
            if self.calls.count("undo") < 2:
                self._say("undo")
                raise ActFailed("not yet")
            super().undo(act)

    run = play(experiment(fault()), pause=Shy())
    assert (run.verdict, run.restored) == (Verdict.PASSED, RestoredState.RESTORED)


def test_an_undo_without_effect_is_not_restored_whatever_it_returned() -> None:
    run = play(experiment(fault()), pause=FakeFault(stays_hurt=True))
    assert (run.restored, run.exit) == (RestoredState.NOT_RESTORED, 6)


def test_what_cannot_be_looked_at_is_unknown_and_never_green() -> None:
    run = play(experiment(fault()), pause=FakeFault(raises={"verify": ActFailed("no route")}))
    assert (run.restored, run.exit) == (RestoredState.UNKNOWN, 6)


def test_a_fault_that_could_not_be_undone_ends_the_method() -> None:
    run = play(experiment(fault(), action("next")), pause=FakeFault(stays_hurt=True))
    assert not run.moments(ev.StepBegan)


def test_a_target_that_is_gone_needs_no_undo() -> None:
    run = play(experiment(fault()), pause=FakeFault(raises={"undo": Gone("it ended")}))
    assert run.moments(ev.Undone)


@pytest.mark.parametrize(("problem", "verdict", "code"), [
    (NoTarget("nothing is called so"), Verdict.NOT_STARTED, "V101"),
    (Refused("the proxy is off"), Verdict.NOT_STARTED, "V104"),
    (NoEffect("already paused"), Verdict.INCONCLUSIVE, "V503"),
])
def test_a_refusal_before_the_first_fault_starts_nothing(problem: Exception, verdict: Verdict, code: str) -> None:
    run = play(experiment(fault()), pause=FakeFault(raises={"prepare": problem}))
    assert (run.verdict, run.codes[0], run.restored) == (verdict, code, RestoredState.NOTHING)
    assert not run.moments(ev.Applied)


@pytest.mark.parametrize(("problem", "verdict"), [
    (NoTarget("it went away"), Verdict.INCONCLUSIVE), (Refused("not any more"), Verdict.ERROR)])
def test_a_refusal_right_before_the_act_undoes_what_came_before(problem: Exception, verdict: Verdict) -> None:
    class Later(FakeFault):
        def prepare(self, *given):  # type: ignore[no-untyped-def]
            if self.calls.count("prepare") >= 3:
                raise problem
            return super().prepare(*given)

    pause = Later()
    run = play(experiment(lasting("first"), wait(2), lasting("second"), wait(2)), pause=pause)
    assert run.verdict is verdict
    assert pause.state == {"thing-0": "well"}


def test_without_a_durable_journal_nothing_is_applied() -> None:
    pause = FakeFault()
    with pytest.raises(NotDurable):
        play(experiment(fault()), pause=pause, journal_fails_at=ev.Prepared)
    assert "apply" not in pause.calls


def test_a_journal_lost_while_a_fault_acts_leads_to_its_undo() -> None:
    pause = FakeFault()
    run = play(experiment(fault(duration="20s")), pause=pause, journal_fails_at=ev.Applied)
    assert pause.state == {"thing-0": "well"}
    assert (run.run.ended is not None, run.verdict, run.codes[0]) == (True, Verdict.ERROR, "V403")


def test_a_bug_in_the_runner_is_undone_and_said() -> None:
    run = play(experiment(fault(duration="20s")), items=[ev.BugMet(t=9, text="IndexError: oops", trace="…")])
    assert (run.exit, run.restored) == (70, RestoredState.RESTORED)
    assert "oops" in run.sentence


def test_the_rule_s_own_probe_is_not_part_of_the_hypothesis() -> None:
    run = play(experiment(fault(), probes=[probe()], stop_when=[rule()]), readings(0.4))
    assert run.verdict is Verdict.PASSED
