"""What a plan says of the surroundings of its targets."""

from collections.abc import Iterator
from typing import Any

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Mark, Setting
from chaos_runner.experiment.arguments import convert
from chaos_runner.targets.kubernetes.access import MERGE, Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import BUDGET, DEPLOYMENT, LEASE, POD, WORKLOADS, body_of
from chaos_runner.targets.kubernetes.objects import Pod
from tests.crash.cluster import make_workload, namespace

pytestmark = pytest.mark.slow
STATEFULSET = WORKLOADS["statefulset"]


@pytest.fixture
def at(simulated: str) -> Cluster:
    return cluster()


@pytest.fixture
def space(at: Cluster) -> Iterator[str]:
    with namespace(at) as name:
        make_workload(at, name)
        yield name


def notes(name: str, space: str, arguments: dict[str, Any] | None = None, **target: Any) -> list[str]:
    fault = shelf.fault(f"kubernetes.{name}")
    aimed = convert(fault.target, {"namespace": space, "workload": "deployment/web", **target})
    mark = Mark(run="01NOTES", number=0, expires="20200101T000000Z")
    acts = fault.prepare(aimed, convert(fault.arguments, arguments or {}),
                         Setting(mark=mark, seed=7, configuration={}, looking=True))
    return fault.notes(acts)


def settled(at: Cluster, space: str, count: int) -> None:
    while sum(pod.ready for pod in at.list(POD.path(space), Pod).items) < count:
        pass


def budget(at: Cluster, space: str, least: int) -> None:
    at.create(BUDGET.path(space), body_of(BUDGET, metadata={"name": "web"}, spec={
        "minAvailable": least,
        "selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}}))
    while not at.get(BUDGET.path(space, "web"), dict).get("status", {}).get("expectedPods"):
        pass


def test_nothing_is_said_of_a_sound_workload(at: Cluster, space: str) -> None:
    settled(at, space, 2)
    while at.get(DEPLOYMENT.path(space, "web"), dict)["status"].get("readyReplicas") != 2:
        pass
    assert notes("pod_kill", space, count=1) == []
    assert notes("scale", space, {"replicas": 1}) == []


def test_a_budget_is_compared_with_the_pods_that_would_be_hit(at: Cluster, space: str) -> None:
    settled(at, space, 2)
    budget(at, space, 1)
    while at.get(BUDGET.path(space, "web"), dict)["status"]["disruptionsAllowed"] != 1:
        pass
    assert notes("pod_kill", space, count=1) == []
    assert notes("pod_kill", space) == [f"pdb {space}/web allows 1 disruption now, and 2 of its pods would be hit"]


def test_a_budget_that_allows_nothing_is_told_of_its_workload(at: Cluster, space: str) -> None:
    settled(at, space, 2)
    budget(at, space, 2)
    assert f"pdb {space}/web allows no disruptions now, and deployment {space}/web is among what it covers" in notes(
        "scale", space, {"replicas": 1})


def test_single_replicas_missing_probes_and_lost_majorities_are_told(at: Cluster, space: str) -> None:
    def make(name: str, replicas: int) -> None:
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": name, "image": "x"}]}}
        at.create(STATEFULSET.path(space), body_of(STATEFULSET, metadata={"name": name}, spec={
            "replicas": replicas, "serviceName": name, "selector": {"matchLabels": labels}, "template": template}))

    make("one", 1)
    make("three", 3)
    settled(at, space, 6)
    assert notes("pod_kill", space, workload="statefulset/one") == [
        f"statefulset {space}/one has one replica: nothing takes over from it",
        f"statefulset {space}/one has no readiness probe: its pods get traffic as soon as they have started"]
    lost = f"2 of 3 pods of statefulset {space}/three would be hit: no majority of them is left"
    assert lost in notes("pod_kill", space, workload="statefulset/three", count=2)
    assert lost not in notes("pod_kill", space, workload="statefulset/three", count=1)


def test_a_rollout_in_progress_is_told(at: Cluster, space: str) -> None:
    settled(at, space, 2)
    at.patch(DEPLOYMENT.path(space, "web"), {"spec": {"paused": True, "template": {"metadata": {"labels": {
        "release": "2"}}}}}, MERGE)
    assert f"deployment {space}/web has a rollout in progress" in notes("pod_kill", space, count=1)


def test_what_else_of_ours_goes_on_is_told(at: Cluster, space: str) -> None:
    settled(at, space, 2)
    fault = shelf.fault("kubernetes.scale")
    mark = Mark(run="01OTHER", number=0, expires="20990101T000000Z")
    (act,) = fault.prepare(convert(fault.target, {"namespace": space, "workload": "deployment/web"}),
                           convert(fault.arguments, {"replicas": 1}), Setting(mark=mark, seed=7, configuration={}))
    fault.apply(act)
    at.create(LEASE.path(space), body_of(LEASE, metadata={"name": "chaos-runner-0a1b"}, spec={
        "holderIdentity": "01OTHER", "renewTime": "2090-01-01T00:00:00.000000Z", "leaseDurationSeconds": 60}))
    found = notes("pod_kill", space, count=1)
    assert f"run 01OTHER has left its mark on deployment {space}/web; it may live until 20990101T000000Z" in found
    assert ("another run is at work here: run 01OTHER has hold of what a group of targets belongs to, until "
            f"2090-01-01T00:01:00Z (lease {space}/chaos-runner-0a1b)") in found
    assert not [note for note in found if "replicaset" in note]
