"""Limits are hard: nobody hits more, elsewhere or for longer than any of them allows."""

from typing import Any

import pytest

from chaos_runner.contracts import Where
from chaos_runner.experiment.model import ConfirmAbove, Limits, Protected, Safeguards
from chaos_runner.experiment.project import Surroundings
from chaos_runner.plan.limits import Aim, exceeded, wants_asking
from chaos_runner.plan.model import Planned
from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run.events import Verdict
from chaos_runner.testing import FakeFault, MemoryRun, readings, run_in_memory

HOLDS = {"title": "well", "baseline": "0s", "probes": [{"name": "p", "probe": "fake.p", "below": 5}]}


def hurt(name: str = "a", **more: Any) -> dict[str, Any]:
    return {"name": name, "fault": f"fake.{name}", "target": {}, "duration": "2s", **more}


def play(*method: dict[str, Any], faults: dict[str, FakeFault] | None = None, surroundings: Surroundings | None = None,
         planned: dict[str, list[Planned]] | None = None, **more: Any) -> MemoryRun:
    return run_in_memory(
        {"title": "t", "description": "d", "method": list(method or (hurt(),)), "steady-state-hypothesis": HOLDS,
         **more},
        faults=faults or {"fake.a": FakeFault(targets=3, of=4), "fake.b": FakeFault(targets=1, of=4)},
        probes={"fake.p": readings(1)}, surroundings=surroundings or Surroundings(), planned=planned)


def test_more_targets_than_allowed_are_refused_with_the_numbers_before_anything_is_touched() -> None:
    run = play(limits={"max-targets": 2})
    assert (run.verdict, run.codes, run.exit) == (Verdict.NOT_STARTED, ["V106"], 3)
    assert run.sentence == "3 targets would be hit, and the experiment allows 2 (max-targets)"
    assert not run.moments(ev.Prepared)


def test_a_larger_share_of_the_group_than_allowed_is_refused_with_the_numbers() -> None:
    run = play(limits={"max-share": "50%"})
    assert run.sentence == "3 of 4 things = 75% would be hit, and the experiment allows 50% (max-share)"


def test_what_is_exactly_allowed_is_done() -> None:
    assert play(limits={"max-share": "75%", "max-targets": 3, "max-duration": "2s"}).verdict is Verdict.PASSED


def test_two_faults_on_the_same_targets_count_them_once() -> None:
    same = {"fake.a": FakeFault(targets=2, of=4), "fake.b": FakeFault(targets=2, of=4)}
    assert play(hurt("a"), hurt("b"), faults=same, limits={"max-targets": 2}).verdict is Verdict.PASSED


def test_the_share_of_all_faults_together_counts() -> None:
    first, second = Aim("host", "one"), Aim("proxy", "one")
    assert "2 targets" in exceeded([Limits(source="x", max_targets=1)], [first, second])


def test_of_several_limits_each_holds() -> None:
    policy = Safeguards(limits=(Limits(source="the policy", max_targets=1),))
    run = play(limits={"max-targets": 99}, surroundings=Surroundings(policy=policy))
    assert run.sentence == "3 targets would be hit, and the policy allows 1 (max-targets)"


def test_faults_that_would_last_longer_than_allowed_are_not_begun() -> None:
    run = play(hurt(duration="10m"), limits={"max-duration": "5m"})
    assert (run.codes, run.sentence) == (
        ["V106"], "the faults last 10 m 00 s, and the experiment allows 5 m 00 s (max-duration)")


def test_faults_that_last_longer_than_the_file_said_are_undone_when_the_time_is_over() -> None:
    endless = {"type": "action", "name": "endless", "provider": {"type": "python", "module": "os", "func": "getpid"}}
    slow = run_in_memory(
        {"title": "t", "description": "d", "method": [hurt(duration=None), endless], "limits": {"max-duration": "6s"},
         "steady-state-hypothesis": HOLDS},
        faults={"fake.a": FakeFault()}, probes={"fake.p": readings(1)},
        latency=lambda command: 60.0 if isinstance(command, co.RunStep) else 0.0)
    assert (slow.verdict, slow.codes) == (Verdict.ABORTED, ["V316"])
    assert slow.moments(ev.UndoBegan)[0] - slow.moments(ev.Applied)[0] == pytest.approx(6.0, abs=0.01)


def test_what_the_applies_took_is_made_up_for_by_the_last_duration() -> None:
    slow = run_in_memory(
        {"title": "t", "description": "d", "method": [hurt(), hurt("b")], "limits": {"max-duration": "6s"},
         "steady-state-hypothesis": HOLDS},
        faults={"fake.a": FakeFault(), "fake.b": FakeFault()}, probes={"fake.p": readings(1)},
        latency=lambda command: 3.0 if isinstance(command, co.Apply) else 0.0)
    assert slow.verdict is Verdict.PASSED
    assert slow.moments(ev.UndoBegan)[-1] - slow.moments(ev.Applied)[0] == pytest.approx(6.0)


@pytest.mark.parametrize(("limit", "said"), [
    ({"namespaces": ["shop-*"]}, "thing-0 stands in the namespace prod, and the experiment allows shop-*"),
    ({"contexts": ["stag-*", "dev"]}, "thing-0 stands in the context live, and the experiment allows stag-*, dev"),
    ({"accounts": [123]}, "thing-0 stands in the account 999, and the experiment allows 123"),
    ({"regions": ["eu-*"]}, "thing-0 stands in the region us-east-1, and the experiment allows eu-*"),
])
def test_a_target_in_another_place_is_refused(limit: dict[str, Any], said: str) -> None:
    there = Where(namespace="prod", context="live", account="999", region="us-east-1")
    run = play(faults={"fake.a": FakeFault(where=there)}, limits=limit)
    assert (run.codes, run.sentence) == (["V104"], f'"a": {said}')


@pytest.mark.parametrize("protected", [Protected(source="chaos.yaml", names=("thing-*",)),
                                       Protected(source="chaos.yaml", labels={"chaos": "never"})])
def test_what_is_protected_is_never_hit(protected: Protected) -> None:
    guarded = Surroundings(policy=Safeguards(protected=(protected,)))
    fault = FakeFault(where=Where(labels={"chaos": "never"}))
    run = play(faults={"fake.a": fault}, surroundings=guarded)
    assert run.verdict is Verdict.NOT_STARTED
    assert "thing-0 is protected by chaos.yaml" in run.sentence
    assert fault.calls == ["prepare"]


def test_only_what_was_planned_is_hit() -> None:
    other = {"m0": [Planned(label="thing-7", target={"name": "thing-7"})]}
    run = play(faults={"fake.a": FakeFault()}, planned=other)
    assert run.verdict is Verdict.NOT_STARTED
    assert "thing-0 is not in the plan; thing-7 is in the plan and is not found now" in run.sentence


def test_what_was_planned_is_hit() -> None:
    same = {"m0": [Planned(label="thing-0", target={"name": "thing-0"})]}
    assert play(faults={"fake.a": FakeFault()}, planned=same).verdict is Verdict.PASSED


@pytest.mark.parametrize(("above", "said"), [
    (ConfirmAbove(targets=0), "1 target, more than 0"), (ConfirmAbove(targets=1), ""),
    (ConfirmAbove(share=0.5), ""), (ConfirmAbove(), ""),
])
def test_somebody_is_asked_above_what_was_said(above: ConfirmAbove, said: str) -> None:
    assert wants_asking([above], [Aim("host", "one")]) == said


def test_namespaces_that_are_reached_through_a_target_are_within_the_limit_or_nothing_is_done() -> None:
    node = FakeFault(where=Where(namespaces=["shop", "billing"]))
    run = play(faults={"fake.a": node}, limits={"namespaces": ["shop"]})
    assert run.sentence.endswith("thing-0 reaches into the namespace billing, and the experiment allows shop")
    assert "apply" not in node.calls
    assert play(faults={"fake.a": node}, limits={"namespaces": ["shop", "bill*"]}).verdict is Verdict.PASSED
