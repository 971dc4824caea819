"""What Kubernetes' probes make of what they are told: paths of fields, rollouts, Events."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from chaos_runner import shelf
from chaos_runner.contracts import BadQuestion, Reading, Unreachable
from chaos_runner.experiment.arguments import convert
from chaos_runner.probes._kubernetes import Asked
from chaos_runner.probes._kubernetes_events import counted, selector
from chaos_runner.probes._kubernetes_field import value_of
from chaos_runner.probes._kubernetes_logs import lines_matching
from chaos_runner.probes._kubernetes_rollout import missing
from chaos_runner.probes._path import found_at, parsed
from chaos_runner.targets.kubernetes.access import ApiUnreachable
from chaos_runner.targets.kubernetes.kinds import WORKLOADS
from chaos_runner.targets.kubernetes.seen import SeenEvent, SeenWorkload, events
from tests.targets.kubernetes_api import Api, serving
from tests.targets.test_kubernetes_recovering import pod

POD = {"metadata": {"labels": {"app.kubernetes.io/name": "web"}},
       "spec": {"containers": [{"name": "web", "image": "web:1"}, {"name": "log", "image": "log:2"}]},
       "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Up", "status": "False"}], "n": 0}}
_EVENTS = events("shop", "")


@pytest.mark.parametrize(("path", "found"), [
    (".spec.containers[0].image", ["web:1"]),
    ("spec.containers[-1].image", ["log:2"]),
    ("{.spec.containers[*].image}", ["web:1", "log:2"]),
    ('$.status.conditions[?(@.type=="Ready")].status', ["True"]),
    (".status.conditions[?(@.status!='True')].type", ["Up"]),
    (".metadata.labels['app.kubernetes.io/name']", ["web"]),
    (r".metadata.labels.app\.kubernetes\.io/name", ["web"]),
    (".spec.containers[2].image", []),
    (".status.n", [0]),
    (".status.n.deeper", []),
])
def test_a_path_is_read_as_kubectl_reads_it(path: str, found: list[Any]) -> None:
    assert found_at(POD, parsed(path)) == found


@pytest.mark.parametrize("path", ["", ".", "{}", ".a..b", ".a[", ".a[?(@.b)]", ".a[?(@.b==c)]", ".a b", "[?]"])
def test_a_path_that_is_none_is_the_authors_mistake(path: str) -> None:
    with pytest.raises(BadQuestion):
        parsed(path)


def test_a_field_that_is_not_there_is_a_bad_sample_unless_a_default_is_given() -> None:
    with pytest.raises(Unreachable, match="`default`"):
        value_of(POD, ".status.readyReplicas", None)
    assert value_of(POD, ".status.readyReplicas", 0) == 0


def test_a_field_of_nothing_is_taken_before_the_default() -> None:
    assert value_of(POD, ".status.n", 5) == 0


def workload(spec: dict[str, Any], status: dict[str, Any]) -> SeenWorkload:
    return msgspec.convert({"metadata": {"name": "web", "generation": 2}, "spec": {"replicas": 3, **spec},
                            "status": {"observedGeneration": 2, **status}}, SeenWorkload)


WHOLE = {"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3, "readyReplicas": 3}


@pytest.mark.parametrize(("kind", "spec", "status", "lacks"), [
    ("deployment", {}, WHOLE, ""),
    ("deployment", {}, {**WHOLE, "observedGeneration": 1}, "not been looked at"),
    ("deployment", {}, {**WHOLE, "updatedReplicas": 1}, "1 of 3 are updated"),
    ("deployment", {"paused": True}, {**WHOLE, "updatedReplicas": 1}, "paused; 1 of 3"),
    ("deployment", {}, {**WHOLE, "replicas": 4}, "1 old ones"),
    ("deployment", {}, {**WHOLE, "availableReplicas": 2}, "2 of 3 updated ones are available"),
    ("deployment", {}, {**WHOLE, "updatedReplicas": 1, "conditions": [
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}, "deadline is over"),
    ("statefulset", {}, {"readyReplicas": 3, "currentRevision": "b", "updateRevision": "b"}, ""),
    ("statefulset", {}, {"readyReplicas": 3, "currentRevision": "a", "updateRevision": "b", "updatedReplicas": 2},
     "2 of 3 are updated"),
    ("statefulset", {"updateStrategy": {"rollingUpdate": {"partition": 2}}},
     {"readyReplicas": 3, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"}, ""),
    ("daemonset", {}, {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1}, "1 of 2"),
    ("rollout", {}, {"observedGeneration": "2", "phase": "Healthy"}, ""),
    ("rollout", {}, {"observedGeneration": "5c8f", "phase": "Degraded"}, "Degraded"),
])
def test_a_rollout_is_complete_when_kubectl_says_so(
        kind: str, spec: dict[str, Any], status: dict[str, Any], lacks: str) -> None:
    told = missing(WORKLOADS[kind], workload(spec, status))
    assert lacks in told
    assert bool(told) is bool(lacks)


def test_a_job_rolls_nothing_out() -> None:
    with pytest.raises(BadQuestion, match="a job rolls nothing out"):
        missing(WORKLOADS["job"], workload({}, {}))


def event(count: int, ago_s: float, old: SeenEvent | None = None) -> SeenEvent:
    last = (datetime.now(UTC) - timedelta(seconds=ago_s)).isoformat()
    body = {"metadata": {"name": "e", "uid": "e"}, "count": count, "lastTimestamp": last, "reason": "BackOff",
            "message": "restarting", "involvedObject": {"kind": "Pod", "name": "web"}}
    return _EVENTS.see(old, msgspec.convert(body, _EVENTS.item), time.monotonic())


def test_an_event_that_was_told_often_before_we_looked_counts_once() -> None:
    assert sum(counted([event(40, 5)], 60).values()) == 1


def test_an_event_that_is_told_again_counts_again() -> None:
    assert counted([event(43, 1, event(40, 5))], 60) == {"BackOff of Pod web: restarting": 4}


def test_an_event_of_long_ago_does_not_count() -> None:
    assert counted([event(43, 1, event(40, 500))], 60) == {"BackOff of Pod web: restarting": 3}
    assert not counted([event(1, 61)], 60)


def test_events_are_chosen_by_the_server() -> None:
    assert selector("BackOff", "Warning", "pod/web-0") == (
        "reason=BackOff,type=Warning,involvedObject.name=web-0,involvedObject.kind=Pod")
    with pytest.raises(BadQuestion, match="known kinds: pod"):
        selector("", "", "pot")


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as api:
        yield api


def logs(api: Api, matching: str, count: int = 2) -> Reading:
    wanted = convert(shelf.probe("kubernetes.logs_matching").arguments, {"matching": matching})
    there = [pod(f"web-{number}") for number in range(count)]
    return lines_matching(Asked(api.cluster(), "shop"), there, wanted)  # type: ignore[arg-type]


def test_lines_of_all_pods_are_counted(api: Api) -> None:
    api.logs = {"web-0": (200, "ok\nERROR one\nERROR two\n"), "web-1": (200, "ERROR three")}
    assert logs(api, "ERROR (one|three)") == Reading(value=2, note="web-0: 1, web-1: 1")
    assert all("sinceSeconds=10&" in each for each in api.asked)


def test_a_pod_that_is_gone_or_has_not_begun_has_no_lines(api: Api) -> None:
    api.logs = {"web-0": (400, 'container "web" in pod "web-0" is waiting to start: ContainerCreating')}
    assert logs(api, "ERROR").value == 0


def test_which_of_several_containers_must_be_said(api: Api) -> None:
    api.logs = {"web-0": (400, "a container name must be specified for pod web-0, choose one of: [web log]")}
    with pytest.raises(BadQuestion, match=r"choose one of: \[web log\]"):
        logs(api, "ERROR")


def test_a_node_that_does_not_answer_for_its_logs_is_missing(api: Api) -> None:
    api.logs = {"web-0": (500, "dial tcp 10.0.0.9:10250: connect: connection refused")}
    with pytest.raises(ApiUnreachable, match="connection refused"):
        logs(api, "ERROR")


def test_logs_of_very_many_pods_are_not_read(api: Api) -> None:
    with pytest.raises(BadQuestion, match="at most 20"):
        logs(api, "ERROR", count=21)
    assert api.asked == []


def test_every_probe_of_the_issue_is_on_the_shelf() -> None:
    names = {name.removeprefix("kubernetes.") for name in shelf.probe_names() if name.startswith("kubernetes.")}
    assert names == {"ready_share", "restarts", "pod_phase", "endpoints", "events", "node_condition", "pvc_bound",
                     "rollout_complete", "hpa_at_maximum", "logs_matching", "field", "recovered"}
