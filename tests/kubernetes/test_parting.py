"""Pods that are sent off: what is told when an answer is lost, or was not true, and when somebody else was sooner."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Act, Evidence, Grade
from chaos_runner.errors import ActFailed, NoTarget
from chaos_runner.targets.kubernetes.kinds import POD
from tests.kubernetes.ground import STATEFULSET, Ground, ground, prepared
from tests.kubernetes.unwell import EMPTY_WORDS, led
from tests.unwell import once

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("simulated")]
WAYS = pytest.mark.parametrize(("fault", "verb", "ends"), [
    ("pod_kill", "DELETE", ""), ("pod_evict", "POST", "/eviction"),
])


@pytest.fixture
def mine() -> Iterator[Ground]:
    with ground() as made:
        yield made


@WAYS
def test_a_pod_that_was_sent_off_by_a_request_without_an_answer_counts_as_hit(
        mine: Ground, fault: str, verb: str, ends: str, simulated: str, tmp_path: Path) -> None:
    mine.workload(1, kind=STATEFULSET)
    with led(Path(simulated), once(verb, ends), tmp_path) as troubles:
        (act,) = aimed(mine, fault, grace="0s")
        evidence = apply(fault, act)
    assert troubles == ["done, and no answer"]
    assert evidence.grade is Grade.PROVEN
    assert evidence.after == (f"the pod of UID {act.target['uid']}: gone; an answer was lost, so it was asked for more "
                              "than once")
    (other,) = mine.ready(1)
    assert other.metadata.uid != act.target["uid"]


@WAYS
def test_a_pod_that_stays_although_the_api_server_said_it_goes_is_a_fault_that_failed(
        mine: Ground, fault: str, verb: str, ends: str, simulated: str, tmp_path: Path) -> None:
    mine.workload(1)
    with led(Path(simulated), once(verb, ends, EMPTY_WORDS), tmp_path):
        (act,) = aimed(mine, fault, "deployment/web")
        with pytest.raises(ActFailed, match="is still there and not on its way out"):
            apply(fault, act)


@pytest.mark.parametrize("fault", ["pod_kill", "pod_evict"])
def test_a_pod_that_went_before_it_was_hit_was_not_hit(mine: Ground, fault: str) -> None:
    mine.workload(1, kind=STATEFULSET)
    (act,) = aimed(mine, fault)
    mine.at.delete(POD.path(mine.space, "web-0"), {"gracePeriodSeconds": 0})
    with pytest.raises(NoTarget, match="was gone, or going, before it was hit"):
        apply(fault, act)


def aimed(mine: Ground, fault: str, workload: str = "statefulset/web", **arguments: str) -> list[Act]:
    return prepared(fault, {"namespace": mine.space, "workload": workload}, arguments)


def apply(fault: str, act: Act) -> Evidence:
    return shelf.fault(f"kubernetes.{fault}").apply(act)
