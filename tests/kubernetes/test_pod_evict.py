"""Evictions: what a disruption budget allows, what it forbids, and that nothing else is hit."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Act, Answer, Evidence, Grade
from chaos_runner.errors import NoTarget, Refused
from chaos_runner.targets.kubernetes.kinds import BUDGET, POD
from tests.cli.runner import run
from tests.kubernetes.ground import STATEFULSET, Ground, ground, prepared

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("simulated")]


@pytest.fixture
def mine() -> Iterator[Ground]:
    with ground() as made:
        yield made


def aimed(mine: Ground, workload: str = "deployment/web", **more: Any) -> list[Act]:
    arguments = {"deadline": more.pop("deadline", "0s")}
    return prepared("pod_evict", {"namespace": mine.space, "workload": workload, **more}, arguments)


def evict(act: Act) -> Evidence:
    return shelf.fault("kubernetes.pod_evict").apply(act)


def test_an_evicted_pod_is_gone_and_its_workload_makes_another(mine: Ground) -> None:
    before = {pod.metadata.uid for pod in mine.workload(2)}
    (act,) = aimed(mine, count=1)
    assert act.group is not None
    assert (act.group.size, evict(act).grade) == (2, Grade.PROVEN)
    after = {pod.metadata.uid for pod in mine.ready(2)}
    assert before - after == {act.target["uid"]}
    assert shelf.fault("kubernetes.pod_evict").verify(act).answer is Answer.GONE


def test_what_a_budget_forbids_is_no_effect_and_names_the_budget(mine: Ground) -> None:
    mine.workload(2)
    mine.budget(2)
    (act,) = aimed(mine, count=1)
    evidence = evict(act)
    assert evidence.grade is Grade.NONE
    assert evidence.after == "not evicted: The disruption budget web-budget needs 2 healthy pods and has 2 currently"
    assert shelf.fault("kubernetes.pod_evict").verify(act).answer is Answer.RESTORED


def test_two_budgets_on_one_pod_allow_no_eviction_and_that_is_told_at_once(mine: Ground) -> None:
    mine.workload(2)
    mine.budget(1)
    mine.budget(1, "second", of="web")
    (act,) = aimed(mine, count=1)
    evidence = evict(act)
    assert evidence.grade is Grade.NONE
    assert "more than one PodDisruptionBudget" in evidence.after


def test_a_pod_that_a_budget_keeps_is_asked_for_again_until_the_deadline(mine: Ground) -> None:
    mine.workload(2)
    mine.budget(2)
    (act,) = aimed(mine, count=1, deadline="20s")
    with ThreadPoolExecutor() as beside:
        evicting = beside.submit(evict, act)
        mine.at.patch(BUDGET.path(mine.space, "web-budget"), {"spec": {"minAvailable": 1}})
        assert evicting.result().grade is Grade.PROVEN


def test_a_pod_that_was_replaced_meanwhile_is_not_hit(mine: Ground) -> None:
    mine.workload(1, kind=STATEFULSET)
    (act,) = aimed(mine, "statefulset/web")
    mine.at.delete(POD.path(mine.space, "web-0"), {"gracePeriodSeconds": 0})
    (other,) = mine.ready(1)
    assert other.metadata.uid != act.target["uid"]
    with pytest.raises(NoTarget, match="was gone, or going, before it was hit"):
        evict(act)
    assert [pod.metadata.uid for pod in mine.ready(1)] == [other.metadata.uid]


def test_a_pod_that_no_workload_would_make_anew_is_refused(mine: Ground) -> None:
    mine.alone(mine.nodes[0])
    with pytest.raises(Refused, match="has no workload that would make it anew"):
        prepared("pod_evict", {"namespace": mine.space, "names": ["alone"]})


def test_a_run_that_a_budget_kept_from_evicting_is_inconclusive_and_never_passed(mine: Ground, tmp_path: Path) -> None:
    mine.workload(3)
    mine.budget(3)
    probe = {"name": "p", "type": "probe", "tolerance": 0, "provider": {"type": "process", "path": "true"}}
    ran = run({"title": "t", "description": "d", "steady-state-hypothesis": {"title": "h", "probes": [probe]},
               "method": [{"name": "evict all", "fault": "kubernetes.pod_evict",
                           "target": {"namespace": mine.space, "workload": "deployment/web"}}]}, tmp_path)
    assert (ran.exit, ran.outcome["verdict"]) == (5, "inconclusive")
    assert '"evict all" had no effect: ' in ran.outcome["sentence"]
    assert "The disruption budget web-budget needs 3 healthy pods" in ran.outcome["sentence"]
