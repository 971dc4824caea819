"""Chaos Toolkit's ways in the loop: hypothesis strategies, fail-fast, dry runs, and controls that are asked."""

from typing import Any

import pytest

from chaos_runner.experiment.model import Dry, HypothesisStrategy, Probe, RollbackStrategy
from chaos_runner.plan.model import Manner
from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run.events import Stage, StopKind, Verdict
from chaos_runner.run.patience import CONTROL_LATE_S
from chaos_runner.testing import FakeFault, MemoryRun, readings, run_in_memory, signal_at
from tests.run import answers
from tests.run.samples import action, experiment, fault, lasting, single, wait


def once(*says: bool) -> dict[str, Any]:
    """A single-shot probe with these answers."""
    answers.ANSWERS[:] = says
    provider = {"type": "python", "module": "tests.run.answers", "func": "answer"}
    return {"type": "probe", "name": "once", "tolerance": True, "provider": provider}


def play(data: dict[str, Any], *, strategy: str = "default", pause: FakeFault | None = None,
         manner: Manner | None = None, rollbacks: str = "safe", **more: Any) -> MemoryRun:
    more["strategy"] = RollbackStrategy(rollbacks)
    return run_in_memory(data, faults={"fake.pause": pause or FakeFault()}, probes={"fake.errors": readings(0)},
                         hypothesis=HypothesisStrategy.of(strategy), manner=manner or Manner(), **more)


def stages_read(run: MemoryRun) -> list[Stage]:
    """In which stages the single-shot probe was read."""
    found, stage = [], Stage.CHECKING
    for event in run.events:
        if isinstance(event, ev.StageBegan):
            stage = event.stage
        elif isinstance(event, ev.Sampled) and stage not in found:
            found.append(stage)
    return found


@pytest.mark.parametrize(("strategy", "stages"), [
    ("default", [Stage.BEFORE, Stage.READING]), ("before-method-only", [Stage.BEFORE]),
    ("after-method-only", [Stage.READING]), ("during-method-only", [Stage.METHOD]),
    ("continuously", [Stage.BEFORE, Stage.METHOD, Stage.READING]), ("skip", [])])
def test_a_strategy_says_when_single_shot_probes_are_read(strategy: str, stages: list[Stage]) -> None:
    assert stages_read(play(experiment(wait(5), probes=[once(True)]), strategy=strategy)) == stages


@pytest.mark.parametrize("strategy", ["before-method-only", "after-method-only", "during-method-only", "skip"])
def test_what_was_not_measured_is_never_passed(strategy: str) -> None:
    run = play(experiment(action(), probes=[once(True)]), strategy=strategy)
    assert (run.verdict, run.codes[0]) == (Verdict.INCONCLUSIVE, "V507")
    assert strategy in run.sentence


def test_native_probes_are_sampled_whatever_the_strategy() -> None:
    assert play(experiment(fault()), strategy="skip").verdict is Verdict.PASSED


def test_both_other_spellings_of_continuously_are_known() -> None:
    assert {HypothesisStrategy.of(word) for word in ("continously", "continuous")} == {HypothesisStrategy.CONTINUOUSLY}


def test_rounds_follow_one_another_at_the_frequency_and_end_with_the_method() -> None:
    run = play(experiment(wait(5), probes=[single()]), strategy="during-method-only", manner=Manner(frequency_s=2.0))
    assert run.moments(ev.Sampled) == [0, 2, 4]


def test_a_bad_round_is_a_deviation_also_when_it_had_recovered() -> None:
    run = play(experiment(wait(5), probes=[once(True, True, False, True)]), strategy="continuously")
    assert run.verdict is Verdict.DEVIATED
    assert run.run.stop is None


def test_fail_fast_undoes_at_the_first_bad_round() -> None:
    pause = FakeFault()
    run = play(experiment(lasting(), wait(60), probes=[once(True, True, True, False)]), strategy="continuously",
               manner=Manner(fail_fast=True), pause=pause)
    assert run.run.stop
    assert (run.run.stop.kind, run.run.stop.t) == (StopKind.FAIL_FAST, 2)
    assert run.moments(ev.Undone) == [2]
    assert pause.state == {"thing-0": "well"}
    assert run.verdict is Verdict.DEVIATED


def test_fail_fast_before_anything_acted_is_an_abort() -> None:
    run = play(experiment(wait(9) | {"pauses": {"before": 9}}, probes=[once(True, True, False)]),
               strategy="continuously", manner=Manner(fail_fast=True))
    assert (run.verdict, run.codes[0]) == (Verdict.ABORTED, "V314")


@pytest.mark.parametrize("dry", [Dry.ACTIONS, Dry.ACTIVITIES])
def test_a_dry_run_touches_nothing_and_is_inconclusive(dry: Dry) -> None:
    pause = FakeFault()
    run = play(experiment(fault(), action()), manner=Manner(dry=dry), pause=pause)
    assert set(pause.calls) == {"prepare"}
    assert not run.moments(ev.StepBegan)
    assert [event.step for event in run.events if isinstance(event, ev.StepSkipped)] == ["m0", "m1"]
    assert (run.verdict, run.codes[0]) == (Verdict.INCONCLUSIVE, "V508")


def test_a_dry_run_goes_through_the_rollbacks_at_once() -> None:
    run = play(experiment(action(), rollbacks=[action("one"), action("two")], probes=[once(True)]),
               manner=Manner(dry=Dry.ACTIONS), rollbacks="always")
    assert [event.step for event in run.events if isinstance(event, ev.StepSkipped)] == ["m0", "r0", "r1"]
    assert run.run.t == 0


def test_dry_probes_are_not_read() -> None:
    run = play(experiment(action(), probes=[once(True)]), manner=Manner(dry=Dry.PROBES))
    assert not run.moments(ev.Sampled)
    assert (run.verdict, run.codes[0]) == (Verdict.INCONCLUSIVE, "V508")


def test_dry_pause_leaves_the_pauses_out_and_calls_everything() -> None:
    run = play(experiment(wait(60), probes=[once(True)]), manner=Manner(dry=Dry.PAUSE))
    assert run.verdict is Verdict.PASSED
    assert run.run.t < 60


def test_one_activity_may_be_dry_in_the_file() -> None:
    run = play(experiment(action("one", dry="actions"), action("two"), probes=[once(True)]))
    assert [event.step for event in run.events if isinstance(event, ev.StepBegan)] == ["m1"]
    assert run.verdict is Verdict.INCONCLUSIVE


# ── controls ────────────────────────────────────────────────────────────────────────────────────────────────────────

ATTENDED = Manner(attended=True)


def asked(run: MemoryRun) -> list[str]:
    """About what the controls were asked."""
    return [" ".join(filter(None, (event.moment, event.level, event.subject))) for event in run.events
            if isinstance(event, ev.Controlled)]


def test_controls_are_asked_around_everything() -> None:
    run = play(experiment(action(), probes=[once(True)], rollbacks=[action("back")]), manner=ATTENDED)
    reading = ["before hypothesis", "before activity p0", "after activity p0", "after hypothesis"]
    assert asked(run) == [
        "before experiment", *reading, "before method", "before activity m0", "after activity m0", "after method",
        *reading, "before rollback", "before activity r0", "after activity r0", "after rollback", "after experiment"]


def test_without_controls_nobody_is_asked() -> None:
    assert asked(play(experiment(fault(), action()))) == []


def slow_at(level: str, moment: str, seconds: float) -> Any:
    """A world in which one control takes so long."""
    def latency(command: co.Command) -> float:
        slow = isinstance(command, co.Control) and (command.level, command.moment) == (level, moment)
        return seconds if slow else 0.0

    return latency


def test_a_control_that_hangs_holds_up_no_undo() -> None:
    pause = FakeFault()
    data = experiment(lasting(), action(), wait(5), rollbacks=[action("back")])
    run = play(data, manner=ATTENDED, pause=pause, items=[signal_at(8)], latency=slow_at("activity", "before", 1e6))
    assert run.verdict is Verdict.INTERRUPTED
    assert pause.state == {"thing-0": "well"}
    hung = play(data, manner=ATTENDED, items=[signal_at(8)], latency=slow_at("method", "after", 1e6))
    assert hung.moments(ev.Undone)[0] == 8
    assert hung.run.t <= 8 + 2 * CONTROL_LATE_S
    assert hung.run.step("r0").ok


def test_after_a_control_that_hangs_none_is_called() -> None:
    run = play(experiment(action(), probes=[once(True)]), manner=ATTENDED, latency=slow_at("experiment", "before", 1e6))
    [late] = [event for event in run.events if isinstance(event, ev.Controlled)]
    assert late.late
    assert run.verdict is Verdict.PASSED


def test_a_fault_with_a_duration_is_undone_in_time_while_a_control_hangs() -> None:
    run = play(experiment(fault(background=True), action()), manner=ATTENDED, items=[signal_at(60)],
               latency=lambda command: 1e6 if isinstance(command, co.Control) and command.subject == "m1" else 0.0)
    assert run.moments(ev.Undone)[0] - run.moments(ev.Applied)[0] == 10


def test_a_control_that_asks_to_stop_ends_the_run() -> None:
    stop = ev.Controlled(t=7, level="activity", moment="before", subject="m1", interrupt="enough")
    run = play(experiment(lasting(), wait(20)), manner=ATTENDED, items=[stop])
    assert (run.verdict, run.codes[0]) == (Verdict.ABORTED, "V315")
    assert run.moments(ev.Undone) == [7]


def test_a_probe_knows_whether_it_is_called() -> None:
    plan = play(experiment(action(), probes=[once(True)]), manner=Manner(dry=Dry.PROBES)).run.plan
    assert isinstance(plan.probes[0], Probe)
    assert not plan.is_called(plan.probes[0])
    assert plan.is_called(plan.step("m0"))
