"""Faults that act again: each round is looked at, written down and limited by itself."""

from typing import Any

import pytest

from chaos_runner.contracts import Act, Evidence, NoArguments, Setting
from chaos_runner.errors import NoTarget, Refused
from chaos_runner.plan.model import Planned
from chaos_runner.run import events as ev
from chaos_runner.run.events import RestoredState, Stage, Verdict
from chaos_runner.testing import FakeFault, FakeTarget, MemoryRun, readings, run_in_memory, signal_at
from tests.run.samples import action, experiment, lasting


class Renewed(FakeFault):
    """A fault whose platform puts another target in the place of each that was hit: thing-1, thing-2, … `problems` are
    raised by its verbs, by verb and number of the call; the look of number 1 is the one before anything is touched.
    """

    def __init__(self, problems: dict[tuple[str, int], Exception] | None = None) -> None:
        super().__init__(targets=0, of=4, healed_by="its controller")
        self.seeds: list[int] = []
        self._problems = problems or {}

    def prepare(self, target: FakeTarget, arguments: NoArguments, setting: Setting) -> list[Act]:
        self.seeds.append(setting.seed)
        if ("prepare", len(self.seeds)) in self._problems:
            raise self._problems["prepare", len(self.seeds)]
        self.state = {f"thing-{len(self.seeds)}": "well"}
        return super().prepare(target, arguments, setting)

    def apply(self, act: Act) -> Evidence:
        self.state.setdefault(act.label, "well")
        evidence = super().apply(act)
        if ("apply", self.calls.count("apply")) in self._problems:
            raise self._problems["apply", self.calls.count("apply")]
        return evidence


def kill(every: str = "10s", duration: str = "35s", **more: Any) -> dict[str, Any]:
    return lasting("kill", every=every, duration=duration, **more)


def play(*method: dict[str, Any], fault: FakeFault | None = None, planned: dict[str, list[Planned]] | None = None,
         limits: dict[str, Any] | None = None, **more: Any) -> MemoryRun:
    data = {**experiment(*(method or (kill(),))), "limits": limits or {}}
    return run_in_memory(data, faults={"fake.pause": fault or Renewed()}, probes={"fake.errors": readings(0)},
                         planned=planned, **more)


def test_it_acts_at_its_beginning_and_again_until_its_duration_is_over() -> None:
    run = play()
    assert [round(t - run.moments(ev.Applied)[0]) for t in run.moments(ev.Applied)] == [0, 10, 20, 30]
    assert (run.verdict, run.restored) == (Verdict.PASSED, RestoredState.NOTHING)
    assert run.run.stages[Stage.READING] == run.moments(ev.Applied)[0] + 35


def test_every_round_has_an_intention_of_its_own_before_its_act() -> None:
    run = play()
    kinds = [type(event) for event in run.events if isinstance(event, ev.Prepared | ev.Applied)]
    assert kinds == [ev.Prepared, ev.Applied] * 4
    assert [(entry.key, entry.round, entry.label) for entry in run.run.entries_of("m0")] == [
        ("m0.0", 1, "thing-2"), ("m0.1", 2, "thing-3"), ("m0.2", 3, "thing-4"), ("m0.3", 4, "thing-5")]


def test_every_round_chooses_by_a_seed_of_its_own() -> None:
    fault = Renewed()
    run = play(fault=fault)
    seed = run.run.plan.seed
    assert fault.seeds == [seed, seed, seed + 1, seed + 2, seed + 3]


def test_in_the_background_the_method_goes_on_meanwhile() -> None:
    run = play(kill(background=True), action())
    assert run.moments(ev.StepBegan)[0] < run.moments(ev.Applied)[1]
    assert len(run.moments(ev.Applied)) == 4


def test_a_stop_ends_it() -> None:
    run = play(items=[signal_at(18)])
    assert run.verdict is Verdict.INTERRUPTED
    assert len(run.moments(ev.Prepared)) == 2


def test_a_round_that_finds_nobody_is_left_out_and_told() -> None:
    run = play(fault=Renewed({("prepare", 3): NoTarget("all are starting")}))
    assert len(run.moments(ev.Applied)) == 3
    assert run.verdict is Verdict.PASSED
    assert run.run.step("m0").note == "once there was nobody to hit: all are starting"


def test_a_target_that_is_gone_when_it_is_to_be_hit_is_left_out_and_told() -> None:
    run = play(fault=Renewed({("apply", 2): NoTarget("it was gone"), ("apply", 3): NoTarget("it was gone too")}))
    assert run.verdict is Verdict.PASSED
    assert run.run.step("m0").note == "2 times there was nobody to hit: it was gone too"


def test_a_round_that_is_refused_ends_the_run() -> None:
    run = play(fault=Renewed({("prepare", 3): Refused("no right to that")}))
    assert (run.verdict, len(run.moments(ev.Applied))) == (Verdict.ERROR, 1)
    assert "no right to that" in run.sentence


def test_nobody_at_all_in_the_first_round_is_inconclusive_as_ever() -> None:
    run = play(fault=Renewed({("prepare", 2): NoTarget("all are starting")}))
    assert (run.verdict, run.codes[0]) == (Verdict.INCONCLUSIVE, "V506")


def test_max_targets_counts_all_rounds_before_anything_is_touched() -> None:
    run = play(limits={"max-targets": 3})
    assert (run.verdict, run.sentence) == (
        Verdict.NOT_STARTED, "4 targets would be hit, and the experiment allows 3 (max-targets)")
    assert play(limits={"max-targets": 4}).verdict is Verdict.PASSED


def test_max_share_holds_for_each_round() -> None:
    assert play(limits={"max-share": "25%"}).verdict is Verdict.PASSED
    assert play(limits={"max-share": "20%"}).verdict is Verdict.NOT_STARTED


def test_max_duration_cuts_it_off() -> None:
    assert play(limits={"max-duration": "30s"}).verdict is Verdict.NOT_STARTED
    assert play(limits={"max-duration": "35s"}).verdict is Verdict.PASSED


def test_a_run_that_is_bound_to_a_plan_hits_the_planned_first_and_no_more_at_once_later() -> None:
    class Growing(Renewed):
        def prepare(self, target: FakeTarget, arguments: NoArguments, setting: Setting) -> list[Act]:
            [act] = super().prepare(target, arguments, setting)
            return [act, act] if len(self.seeds) > 3 else [act]

    planned = {"m0": [Planned(label="thing-1", target={"name": "thing-1"})]}
    assert "thing-2 is not in the plan" in play(fault=Renewed(), planned=planned).sentence

    class Same(Growing):
        def prepare(self, target: FakeTarget, arguments: NoArguments, setting: Setting) -> list[Act]:
            found = super().prepare(target, arguments, setting)
            first = Act(target={"name": "thing-1"}, do={}, was={"state": "well"}, label="thing-1")
            return [first] if len(self.seeds) < 3 else found

    run = play(fault=Same(), planned=planned)
    assert len(run.moments(ev.Applied)) == 2
    assert "2 targets would be hit at once, and 1 are planned" in run.sentence


@pytest.mark.parametrize("slow_s", [3, 12])
def test_a_round_that_takes_long_is_waited_for_and_later_ones_keep_their_moments(slow_s: int) -> None:
    run = play(latency=lambda command: slow_s if command.key == "apply:m0.1" else 0.0)
    began_t = run.moments(ev.Prepared)[0]
    assert [round(t - began_t) for t in run.moments(ev.Prepared)] == ([0, 10, 20, 30] if slow_s < 10 else [0, 10, 30])


def test_a_round_that_is_under_way_when_the_duration_is_over_is_waited_for() -> None:
    run = play(latency=lambda command: 20.0 if command.key == "apply:m0.3" else 0.0)
    assert len(run.moments(ev.Applied)) == 4
    assert run.run.stages[Stage.READING] == run.moments(ev.Applied)[-1]
