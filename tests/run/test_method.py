"""How the method goes: durations, background, pauses, and what is undone when."""

from typing import Any

from chaos_runner.contracts import Grade
from chaos_runner.run import events as ev
from chaos_runner.run.events import Phase, RestoredState, Stage, Verdict
from chaos_runner.testing import FakeFault, MemoryRun, readings, run_in_memory, signal_at
from tests.run.samples import action, experiment, failing, fault, lasting, probe, single, wait


def play(data: dict[str, Any], pause: FakeFault | None = None, **more: Any) -> MemoryRun:
    return run_in_memory(data, faults={"fake.pause": pause or FakeFault()}, probes={"fake.errors": readings(0)}, **more)


def test_a_run_in_which_all_holds_passes_and_says_how_close_it_came() -> None:
    run = run_in_memory(experiment(fault()), faults={"fake.pause": FakeFault()},
                        probes={"fake.errors": lambda t: 0.04 if 8 < t < 10 else 0})
    assert (run.verdict, run.restored, run.exit) == (Verdict.PASSED, RestoredState.RESTORED, 0)
    assert run.sentence == "errors stayed inside the limits; closest: errors, 0.04 (at most 0.05, 80%)"


def test_a_fault_is_prepared_before_anything_and_again_right_before_it_acts() -> None:
    pause = FakeFault()
    play(experiment(fault()), pause)
    assert pause.calls == ["prepare", "prepare", "apply", "undo", "verify"]


def test_the_intention_is_written_before_the_act() -> None:
    run = play(experiment(fault()))
    kinds = [type(event) for event in run.events]
    assert kinds.index(ev.Prepared) < kinds.index(ev.Applied)
    assert ev.Prepared.durable
    assert ev.StepBegan.durable


def test_a_foreground_fault_holds_the_method_for_its_duration() -> None:
    run = play(experiment(fault(duration="30s"), action()))
    [applied] = run.moments(ev.Applied)
    [undone] = run.moments(ev.Undone)
    [began] = run.moments(ev.StepBegan)
    assert undone - applied == 30
    assert began == undone


def test_a_background_fault_lets_the_method_go_on_and_its_end_waits() -> None:
    run = play(experiment(fault(duration="30s", background=True), action()))
    [applied] = run.moments(ev.Applied)
    [began] = run.moments(ev.StepBegan)
    assert began <= applied + 0.001
    assert run.run.stages[Stage.READING] == applied + 30


def test_a_fault_without_a_duration_lasts_to_the_end_of_the_method() -> None:
    run = play(experiment(lasting(), wait(20)))
    assert run.moments(ev.Undone)[0] - run.moments(ev.Applied)[0] == 20


def test_several_faults_are_undone_newest_first() -> None:
    run = run_in_memory(experiment(lasting("first"), lasting("second", fault="fake.slow"), wait(5)),
                        faults={"fake.pause": FakeFault(), "fake.slow": FakeFault()},
                        probes={"fake.errors": readings(0)})
    undone = [event.entry for event in run.events if isinstance(event, ev.Undone)]
    assert undone == ["m1.0", "m0.0"]


def test_every_target_of_a_fault_is_recorded_before_the_first_is_touched() -> None:
    run = play(experiment(fault()), FakeFault(targets=3))
    [prepared] = [event for event in run.events if isinstance(event, ev.Prepared)]
    assert len(prepared.acts) == 3
    assert len(run.moments(ev.Applied)) == 3
    assert len(run.moments(ev.Undone)) == 3


def test_a_pause_before_comes_before_the_act_and_a_pause_after_behind_the_undo() -> None:
    run = play(experiment(fault(pauses={"before": 7, "after": "3s"}), action()))
    [applied], [began] = run.moments(ev.Applied), run.moments(ev.StepBegan)
    assert applied - run.run.stages[Stage.METHOD] == 7
    assert began - run.moments(ev.Undone)[0] == 3


def test_a_pause_may_stand_in_the_configuration() -> None:
    data = experiment(action(pauses={"before": "${nap}"}), probes=[], configuration={"nap": 4})
    run = play(data)
    assert run.moments(ev.StepBegan) == [4]


def test_during_begins_with_the_first_act_and_ends_with_the_last_undo() -> None:
    run = play(experiment(fault(), baseline="5s"))
    phases = {event.phase: event.t for event in run.events if isinstance(event, ev.Sampled)}
    assert list(phases) == [Phase.BEFORE, Phase.DURING, Phase.AFTER]
    assert phases[Phase.AFTER] > run.moments(ev.Undone)[0]


def test_the_run_ends_as_soon_as_five_good_samples_follow_the_undo() -> None:
    run = play(experiment(fault()))
    assert run.run.t - run.moments(ev.Undone)[0] == 4


def test_a_native_fault_that_fails_ends_the_method_and_is_undone_all_the_same() -> None:
    pause = FakeFault(raises={"apply": RuntimeError("no connection")})
    run = play(experiment(fault(), action()), pause)
    assert run.verdict is Verdict.ERROR
    assert run.exit == 5
    assert pause.calls[-2:] == ["undo", "verify"]
    assert not run.moments(ev.StepBegan)
    assert "no connection" in run.sentence


def test_after_a_failed_chaos_toolkit_action_the_method_goes_on_and_the_verdict_is_error() -> None:
    run = play(experiment(failing(), action("next")))
    assert [event.step for event in run.events if isinstance(event, ev.StepEnded)] == ["m0", "m1"]
    assert run.verdict is Verdict.ERROR
    assert '"break" failed' in run.sentence


def test_a_chaos_toolkit_action_is_reported_never_proven() -> None:
    run = play(experiment(action()))
    assert run.run.step("m0").grade is Grade.REPORTED
    assert run.verdict is Verdict.PASSED


def test_require_proof_is_not_content_with_a_report() -> None:
    run = play(experiment(action(), require_proof=True))
    assert (run.verdict, run.codes[0]) == (Verdict.INCONCLUSIVE, "V504")


def test_an_expectation_that_holds_is_proof() -> None:
    run = play(experiment(action(expect="/nowhere"), action(func="getpid"), probes=[probe()]))
    assert run.run.step("m0").grade is Grade.NONE
    held = play(experiment(action(func="exists", module="os.path", arguments={"path": "/"}, expect=True),
                           require_proof=True))
    assert (held.verdict, held.run.step("m0").grade) == (Verdict.PASSED, Grade.PROVEN)


def test_rollbacks_run_after_recorded_undo_in_file_order() -> None:
    run = play(experiment(lasting(), wait(1), rollbacks=[action("first"), action("second")]))
    order = [getattr(event, "entry", None) or getattr(event, "step", None) for event in run.events
             if isinstance(event, ev.Undone | ev.StepEnded)]
    assert order == ["m1", "m0.0", "r0", "r1"]
    assert run.restored is RestoredState.REPORTED


def test_a_rollback_that_fails_makes_restored_unknown_and_outranks_everything() -> None:
    run = play(experiment(action(), rollbacks=[failing("bring it back"), action("the next one runs all the same")]))
    assert (run.verdict, run.restored, run.exit) == (Verdict.ERROR, RestoredState.UNKNOWN, 6)
    assert run.run.step("r1").ok


def test_a_rollback_s_pauses_are_waited_for_and_a_stop_cuts_them() -> None:
    slow = action("bring it back", pauses={"before": 3, "after": 4})
    run = play(experiment(action(), probes=[single()], rollbacks=[slow]))
    assert run.run.stages[Stage.AFTER] - run.run.stages[Stage.UNDOING] == 7
    stopped = play(experiment(wait(60), probes=[single()], rollbacks=[slow]), items=[signal_at(5)])
    assert stopped.run.step("r0").ok
    assert stopped.run.t == 5


def test_no_rollback_runs_when_no_action_was_started() -> None:
    run = run_in_memory(experiment(action(), rollbacks=[action("bring it back")]),
                        probes={"fake.errors": readings(1)})
    assert run.verdict is Verdict.NOT_STARTED
    assert run.run.step("r0").began_t is None


def test_the_strategy_always_rolls_back_even_when_nothing_was_started() -> None:
    from chaos_runner.experiment.model import RollbackStrategy

    run = run_in_memory(experiment(action(), rollbacks=[action("bring it back")]),
                        probes={"fake.errors": readings(1)}, strategy=RollbackStrategy.ALWAYS)
    assert (run.verdict, run.run.step("r0").ok) == (Verdict.NOT_STARTED, True)


def test_the_strategy_never_leaves_the_author_s_rollbacks_but_undoes_what_was_recorded() -> None:
    from chaos_runner.experiment.model import RollbackStrategy

    pause = FakeFault()
    run = play(experiment(lasting(), wait(1), rollbacks=[action("bring it back")]), pause,
               strategy=RollbackStrategy.NEVER)
    assert run.run.step("r0").began_t is None
    assert run.restored is RestoredState.RESTORED


def test_an_undo_by_provider_is_recorded_before_the_action_and_verified_by_its_probe() -> None:
    undo = {"provider": action()["provider"], "verify": single("back")}
    run = play(experiment(action(undo=undo)))
    assert run.restored is RestoredState.RESTORED
    assert [type(event) for event in run.events if getattr(event, "entry", None) == "m0.0"] == [
        ev.UndoBegan, ev.Undone, ev.Verified]


def test_an_undo_by_provider_without_a_verify_is_only_reported() -> None:
    run = play(experiment(action(undo={"provider": action()["provider"]})))
    assert run.restored is RestoredState.REPORTED


def test_a_tolerance_in_the_method_that_is_not_met_keeps_a_run_from_passing() -> None:
    run = run_in_memory(experiment(action(), single("look", tolerance=False), probes=[single()]))
    assert (run.verdict, run.codes) == (Verdict.INCONCLUSIVE, ["V509"])
    assert run.sentence == '"look" of the method gave True (tolerance false)'


def test_a_tolerance_in_the_method_that_is_met_says_nothing() -> None:
    assert run_in_memory(experiment(action(tolerance={"type": "regex", "pattern": "/"}), single(),
                                    probes=[single()])).verdict is Verdict.PASSED


def test_a_tolerance_in_the_method_that_breaks_keeps_a_run_from_passing() -> None:
    run = run_in_memory(experiment(action(), single("look", tolerance=[0, "x"]), probes=[single()]))
    assert run.codes == ["V509"]
    assert "could not be judged" in run.sentence


def test_a_broken_hypothesis_says_more_than_a_tolerance_in_the_method() -> None:
    run = run_in_memory(experiment(fault(), single("look", tolerance=False)), faults={"fake.pause": FakeFault()},
                        probes={"fake.errors": lambda t: 0.3 if 6 < t < 12 else 0})
    assert run.verdict is Verdict.DEVIATED
