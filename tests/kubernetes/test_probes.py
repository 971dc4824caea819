"""Kubernetes' probes on a cluster."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import BadQuestion, NoData, Reading, Unreachable
from chaos_runner.experiment.arguments import convert
from chaos_runner.targets.kubernetes.access import JSON_PATCH, Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import AUTOSCALER, CLAIM, DEPLOYMENT, EVENT, POD, SERVICE, body_of
from chaos_runner.targets.kubernetes.objects import Pod
from chaos_runner.targets.kubernetes.watching import stop_all, watches
from tests.cli.runner import run
from tests.crash.cluster import make_workload, namespace, node

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("simulated")]
WEB = {"workload": "deployment/web"}
Ask = Callable[..., Reading]


@pytest.fixture(scope="module")
def at() -> Iterator[Cluster]:
    yield cluster()
    stop_all()


@pytest.fixture(scope="module")
def space(at: Cluster) -> Iterator[str]:
    with namespace(at) as name:
        make_workload(at, name, replicas=3)
        at.create(SERVICE.path(name), body_of(SERVICE, metadata={"name": "web"}, spec={
            "selector": {"app": "web"}, "ports": [{"port": 80}]}))
        yield name


@pytest.fixture
def ask(at: Cluster, space: str) -> Iterator[Ask]:
    """Reads a probe in the namespace, once all its pods are ready."""

    def read(probe: str, **arguments: Any) -> Reading:
        native = shelf.probe(f"kubernetes.{probe}")
        return native.read(convert(native.arguments, {"namespace": space, **arguments}))

    assert soon(lambda: read("ready_share", **WEB).value == 1.0)
    yield read
    set_replicas(at, space, 3)


def soon(holds: Callable[[], bool], within_s: float = 20.0) -> bool:
    until_s = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > until_s:
            return False
        time.sleep(0.02)
    return True


def set_replicas(at: Cluster, space: str, replicas: int) -> None:
    at.patch(DEPLOYMENT.path(space, "web"), {"spec": {"replicas": replicas}})


def pods_of(at: Cluster, space: str) -> list[Pod]:
    return at.list(POD.path(space), Pod, {"labelSelector": "app=web"}).items


def missed(at: Cluster, space: str, ask: Ask) -> bool:
    """Whether a pod that is killed is missing from the share before the next one is ready."""
    assert soon(lambda: ask("ready_share", **WEB).value == 1.0)
    at.delete(POD.path(space, pods_of(at, space)[0].metadata.name), {})
    return soon(lambda: ask("ready_share", **WEB).value == pytest.approx(2 / 3), within_s=4)


def test_a_killed_pod_is_missing_from_the_ready_share_and_recovery_tells_how_it_came_back(
        at: Cluster, space: str, ask: Ask) -> None:
    ask("recovered", **WEB)
    assert any(missed(at, space, ask) for _ in range(5)), "a machine that sleeps for a moment may oversee one"
    assert soon(lambda: ask("ready_share", **WEB).value == 1.0)
    told = ask("recovered", **WEB)
    assert 0 < told.value < 20
    assert "2 ready at the least; web-" in told.note
    assert "scheduled after" in told.note
    time.sleep(0.3)
    assert ask("recovered", **WEB) == told


def test_a_share_of_what_there_was_misses_pods_that_were_scaled_away(at: Cluster, space: str, ask: Ask) -> None:
    set_replicas(at, space, 1)
    assert soon(lambda: len(pods_of(at, space)) == 1)
    assert soon(lambda: ask("ready_share", **WEB).value == 1.0)
    assert soon(lambda: ask("ready_share", **WEB, of=4).value == 0.25)
    assert soon(lambda: ask("ready_share", **WEB, of=4).note == "1 of 4 ready")


def test_a_workload_scaled_to_nothing_serves_nobody(at: Cluster, space: str, ask: Ask) -> None:
    set_replicas(at, space, 0)
    assert soon(lambda: ask("ready_share", **WEB).value == 0.0)
    assert soon(lambda: ask("endpoints", service="web").value == 0)


def test_endpoints_are_those_that_are_ready(ask: Ask) -> None:
    assert soon(lambda: ask("endpoints", service="web").value == 3)
    with pytest.raises(Unreachable, match="did you mean 'web'"):
        ask("endpoints", service="wep")


def test_restarts_are_those_since_the_run_first_looked(at: Cluster, space: str, ask: Ask) -> None:
    assert ask("restarts", **WEB).value == 0
    name = pods_of(at, space)[0].metadata.name
    path = "/status/containerStatuses/0/restartCount"
    at.patch(POD.path(space, name, "status"), [{"op": "replace", "path": path, "value": 2}], JSON_PATCH)
    assert soon(lambda: ask("restarts", **WEB).value == 2)
    at.delete(POD.path(space, name), {})
    assert soon(lambda: name not in [pod.metadata.name for pod in pods_of(at, space)])
    assert soon(lambda: ask("restarts", **WEB) == Reading(value=2, note=f"{name}: 2"))


def test_pods_that_nobody_takes_are_pending(at: Cluster, space: str, ask: Ask) -> None:
    spec = {"nodeSelector": {"no": "such"}, "containers": [{"name": "x", "image": "x"}]}
    at.create(POD.path(space), body_of(POD, metadata={"name": "homeless", "labels": {"app": "other"}}, spec=spec))
    assert soon(lambda: ask("pod_phase", phase="Pending", labels={"app": "other"}) == Reading(value=1, note="homeless"))
    assert ask("pod_phase", phase="Pending", labels={"app": "other"}, give="share").value == 1.0
    assert soon(lambda: ask("pod_phase", phase="Running", **WEB).value == 3)
    with pytest.raises(Unreachable, match="no such pod"):
        ask("pod_phase", phase="Pending", labels={"app": "nobody"}, give="share")


def test_events_are_counted_by_reason(at: Cluster, space: str, ask: Ask) -> None:
    assert ask("events", reason="Probed").value == 0
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    about = {"kind": "Pod", "name": "web-0", "namespace": space}
    at.create(EVENT.path(space), body_of(EVENT, metadata={"name": "e1"}, involvedObject=about, reason="Probed",
                                         type="Warning", count=1, lastTimestamp=now, message="so"))
    assert soon(lambda: ask("events", reason="Probed").value == 1)
    at.patch(EVENT.path(space, "e1"), {"count": 4, "lastTimestamp": now})
    assert soon(lambda: ask("events", reason="Probed").value == 4)
    assert ask("events", reason="Probed").note == "Probed of Pod web-0: so (4 times)"
    assert ask("events", reason="Probed", type="Normal").value == 0


def test_a_rollout_is_not_complete_while_it_is_paused(at: Cluster, space: str, ask: Ask) -> None:
    assert soon(lambda: ask("rollout_complete", **WEB).value is True)
    template = {"metadata": {"annotations": {"turn": "2"}}}
    at.patch(DEPLOYMENT.path(space, "web"), {"spec": {"paused": True, "template": template}})
    assert soon(lambda: ask("rollout_complete", **WEB) == Reading(value=False, note="paused; 0 of 3 are updated"))
    at.patch(DEPLOYMENT.path(space, "web"), {"spec": {"paused": False}})
    assert soon(lambda: ask("rollout_complete", **WEB).value is True)


def test_any_field_of_any_object_can_be_read(space: str, ask: Ask) -> None:
    assert ask("field", object="deployment/web", path=".spec.replicas").value == 3
    available = '{.status.conditions[?(@.type=="Available")].status}'
    assert ask("field", object="deployment/web", path=available).value == "True"
    assert ask("field", object="cm/kube-root-ca.crt", path=".metadata.namespace").value == space
    with pytest.raises(Unreachable, match="there is no deployment/wep"):
        ask("field", object="deployment/wep", path=".spec")
    with pytest.raises(BadQuestion, match="knows no 'widget'"):
        ask("field", object="widget/x", path=".spec")
    with pytest.raises(BadQuestion, match="not read"):
        ask("field", object="secret/x", path=".data")


def test_a_node_that_is_not_there_is_not_ready(at: Cluster, ask: Ask) -> None:
    with node(at) as name:
        assert soon(lambda: ask("node_condition", names=[name]).value == 1.0)
        assert ask("node_condition", names=[name, "nowhere"]) == Reading(
            value=0.5, note="not Ready: nowhere (not there)")
        assert ask("node_condition", names=[name], condition="MemoryPressure").value == 0.0
    assert soon(lambda: ask("node_condition", names=[name]).value == 0.0)


def test_a_claim_that_nobody_provides_for_is_not_bound(at: Cluster, space: str, ask: Ask) -> None:
    at.create(CLAIM.path(space), body_of(CLAIM, metadata={"name": "data"}, spec={
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}))
    assert soon(lambda: ask("pvc_bound", names=["data"]) == Reading(value=0.0, note="data (Pending)"))
    assert ask("pvc_bound", names=["data", "more"]).note == "data (Pending), more (not there)"


def test_an_autoscaler_is_at_its_maximum_when_it_wants_no_less(at: Cluster, space: str, ask: Ask) -> None:
    name = "at-most"
    at.create(AUTOSCALER.path(space), body_of(AUTOSCALER, metadata={"name": name}, spec={
        "minReplicas": 1, "maxReplicas": 3,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nobody"}}))
    status = {"currentReplicas": 2, "desiredReplicas": 3, "conditions": []}
    assert soon(lambda: ask("hpa_at_maximum", name=name) is not None)
    at.patch(AUTOSCALER.path(space, name, "status"), {"status": status})
    assert soon(lambda: ask("hpa_at_maximum", name=name) == Reading(value=True, note="3 of at most 3 replicas"))
    idle = {"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric", "message": "none"}
    at.patch(AUTOSCALER.path(space, name, "status"), {"status": {"conditions": [idle]}})
    with pytest.raises(NoData, match="FailedGetResourceMetric"):
        soon(lambda: ask("hpa_at_maximum", name=name) is None, within_s=5)


def test_logs_that_no_node_gives_are_missing_and_not_empty(ask: Ask) -> None:
    with pytest.raises(NoData):
        ask("logs_matching", **WEB, matching="ERROR")


@pytest.mark.parametrize(("probe", "arguments", "words"), [
    ("ready_share", {"workload": "web"}, "a workload is written as"),
    ("ready_share", {"workload": "job/x"}, "the pods of a Job end"),
    ("ready_share", {"context": "nowhere"}, "has no context 'nowhere'"),
    ("ready_share", {**WEB, "of": 0}, "from 1 on"),
    ("pod_phase", {}, "`phase` or"),
    ("events", {"object": "pot/x"}, "known kinds"),
    ("logs_matching", {**WEB, "matching": "("}, "no regular expression"),
    ("logs_matching", {**WEB, "matching": "x", "within": "200ms"}, "whole seconds"),
    ("field", {"object": "web", "path": ".a"}, "an object is written as"),
    ("field", {"object": "deployment/web", "path": ".a b"}, "cannot be read"),
    ("rollout_complete", {"workload": "replicaset/x"}, "there is no replicaset"),
])
def test_a_question_that_can_have_no_answer_says_why(
        ask: Ask, probe: str, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises((BadQuestion, Unreachable), match=words):
        ask(probe, **arguments)


def test_twenty_probes_on_pods_are_one_watch(space: str, ask: Ask) -> None:
    for number in range(20):
        ask("pod_phase", phase="Running", labels={"number": str(number)})
        ask("restarts", labels={"number": str(number)})
    assert [each for each in watches() if "/pods" in each] == [POD.path(space)]


def test_a_run_samples_them_and_tells_of_the_recovery(space: str, ask: Ask, tmp_path: Path) -> None:
    def probe(name: str, **limit: Any) -> dict[str, Any]:
        return {"name": name, "probe": f"kubernetes.{name}", "arguments": {"namespace": space, **WEB},
                "every": "100ms", **limit}

    kill = {"name": "kill one", "fault": "kubernetes.pod_kill", "arguments": {"grace": "0s"},
            "target": {"namespace": space, **WEB, "count": 1}, "pauses": {"after": 2}}
    told = run({
        "title": "pods come back", "description": "their Deployment makes them", "method": [kill],
        "steady-state-hypothesis": {"title": "soon", "baseline": "500ms", "probes": [
            probe("ready_share", **{"at-least": "60%"}), probe("recovered", below="20s")]}}, tmp_path).outcome
    assert told["verdict"] == "passed", told["sentence"]
    worst = {(one["name"], one["phase"]): one["worst"] for one in told["probes"]}
    assert 0 < worst["recovered", "during"] < 20
    assert worst["ready_share", "before"] == 1.0
