"""The scenes on a Kubernetes cluster, whichever KUBECONFIG names: a namespace of their own each, and one workload."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from msgspec import structs

from chaos_runner.targets.kubernetes.access import Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import (
    AUTOSCALER,
    DEPLOYMENT,
    LEASE,
    NAMESPACE,
    NODE,
    POD,
    POLICY,
    SERVICE,
    Kind,
    body_of,
)
from chaos_runner.targets.kubernetes.nodes import ZONE
from chaos_runner.targets.kubernetes.objects import Node, Pod
from chaos_runner.targets.kubernetes.services import ready_endpoints
from tests.crash.scenes import Scene
from tests.kubernetes.detours import proxies_run

SERVER_S = ("resourceVersion", "generation", "managedFields")
"""What the API server counts, whatever is written."""
_REVISION = "deployment.kubernetes.io/revision"
_CONTROLLERS = "node.kubernetes.io/"
"""The taints that follow from what a node is like, put on and taken off by a controller when it gets to it."""
_OWN = "crash.example.org/node"
_PATIENCE_S = 20.0
_CONTAINER = {"name": "web", "image": "registry.example.org/web:1", "env": [{"name": "MODE", "value": "fast"}],
              "readinessProbe": {"tcpSocket": {"port": 80}}, "resources": {"requests": {"cpu": "20m"}}}


def normalised(found: Any) -> Any:
    """An object without what the server manages."""
    meta = {key: value for key, value in found["metadata"].items() if key not in SERVER_S}
    annotations = {key: value for key, value in meta.get("annotations", {}).items() if key != _REVISION}
    taints = [one for one in found["spec"].get("taints", []) if not one["key"].startswith(_CONTROLLERS)]
    spec = {key: value for key, value in found["spec"].items() if key != "taints"}
    return {"metadata": {**meta, "annotations": annotations}, "spec": spec | ({"taints": taints} if taints else {})}


@contextmanager
def namespace(at: Cluster) -> Iterator[str]:
    """A namespace of its own."""
    name = f"crash-{uuid4().hex[:8]}"
    at.create(NAMESPACE.path(""), body_of(NAMESPACE, metadata={"name": name}))
    try:
        yield name
    finally:
        at.delete(NAMESPACE.path("", name), {})


def make_workload(at: Cluster, space: str, replicas: int = 2, on: str = "") -> None:
    """The Deployment "web", on any node or on that one."""
    labels = {"app": "web"}
    where = {"nodeSelector": {_OWN: on}, "tolerations": [{"key": _OWN}]} if on else {}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [_CONTAINER], **where}}
    at.create(DEPLOYMENT.path(space), body_of(
        DEPLOYMENT, metadata={"name": "web"},
        spec={"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}))


def _workload(arguments: dict[str, Any], kind: Kind = DEPLOYMENT) -> Callable[[Path], AbstractContextManager[Scene]]:
    @contextmanager
    def opened(_: Path) -> Iterator[Scene]:
        at = cluster()
        with namespace(at) as space:
            make_workload(at, space)
            if kind is AUTOSCALER:
                at.create(AUTOSCALER.path(space), body_of(AUTOSCALER, metadata={"name": "web"}, spec={
                    "minReplicas": 1, "maxReplicas": 9,
                    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}))
            step = {"target": {"namespace": space, "workload": "deployment/web"}, "arguments": arguments}
            yield Scene(step, lambda: (normalised(at.get(kind.path(space, "web"), dict)), _all(at, LEASE, space)), (),
                        _PATIENCE_S)

    return opened


@contextmanager
def _pod(_: Path) -> Iterator[Scene]:
    at = cluster()
    with namespace(at) as space:
        make_workload(at, space, replicas=1)
        wait_for_pods(at, space, 1)
        name = at.list(POD.path(space), Pod).items[0].metadata.name
        step = {"target": {"namespace": space, "names": [name]}}
        yield Scene(step, lambda: normalised(at.get(POD.path(space, name), dict)), (), _PATIENCE_S)


@contextmanager
def node(at: Cluster) -> Iterator[str]:
    """A simulated node of its own, with no pods but those made for it: it goes away, and would take others along."""
    name = f"crash-{uuid4().hex[:8]}"
    at.create(NODE.path(""), body_of(
        NODE, spec={"taints": [{"key": _OWN, "effect": "NoSchedule"}]},
        metadata={"name": name, "labels": {_OWN: name}, "annotations": {"kwok.x-k8s.io/node": "fake"}}))
    try:
        while len((found := at.get(NODE.path("", name), Node)).spec.taints) != 1 or not found.ready:
            time.sleep(0.05)
        yield name
    finally:
        at.delete(NODE.path("", name), {})


def _node(arguments: dict[str, Any], key: str = "names") -> Callable[[Path], AbstractContextManager[Scene]]:
    """A node with a pod on it, in a zone of its own."""

    @contextmanager
    def opened(_: Path) -> Iterator[Scene]:
        at = cluster()
        with node(at) as name, namespace(at) as space:
            at.patch(NODE.path("", name), {"metadata": {"labels": {ZONE: name}}})
            make_workload(at, space, replicas=1, on=name)
            wait_for_pods(at, space, 1)
            step = {"target": {"names": [name]} if key == "names" else {key: name}, "arguments": arguments}
            yield Scene(step, lambda: normalised(at.get(NODE.path("", name), dict)), (), _PATIENCE_S)

    return opened


def _policy(arguments: dict[str, Any]) -> Callable[[Path], AbstractContextManager[Scene]]:
    @contextmanager
    def opened(_: Path) -> Iterator[Scene]:
        at = cluster()
        with namespace(at) as space:
            make_workload(at, space)
            wait_for_pods(at, space, 2)
            step = {"target": {"namespace": space, "workload": "deployment/web", "count": 1}, "arguments": arguments}
            yield Scene(step, lambda: (_all(at, POLICY, space), _all(at, POD, space)), (), _PATIENCE_S)

    return opened


def _all(at: Cluster, kind: Kind, space: str) -> list[Any]:
    return sorted((normalised(one) for one in at.list(kind.path(space), dict).items),
                  key=lambda one: str(one["metadata"]["name"]))


@contextmanager
def _service(_: Path) -> Iterator[Scene]:
    at = cluster()
    with namespace(at) as space:
        make_workload(at, space)
        wait_for_pods(at, space, 2)
        at.create(SERVICE.path(space), body_of(SERVICE, metadata={"name": "web"}, spec={
            "selector": {"app": "web"}, "ports": [{"port": 80}]}))
        while len(ready_endpoints(at, space, "web")) < 2:
            time.sleep(0.05)
        yield Scene({"target": {"namespace": space, "service": "web"}},
                    lambda: (_all(at, SERVICE, space), _all(at, DEPLOYMENT, space)), (), _PATIENCE_S)


@contextmanager
def _slow_service(folder: Path) -> Iterator[Scene]:
    with _service(folder) as scene:
        space = scene.step["target"]["namespace"]
        with proxies_run(cluster(), space, folder):
            yield structs.replace(scene, step={**scene.step, "arguments": {"latency": "200ms"}})


def wait_for_pods(at: Cluster, space: str, count: int) -> None:
    """Until so many are ready."""
    while sum(pod.ready for pod in at.list(POD.path(space), Pod).items) < count:
        time.sleep(0.05)


CLUSTER_SCENES: dict[str, Callable[[Path], AbstractContextManager[Scene]]] = {
    "kubernetes.dns_block": _policy({}),
    "kubernetes.env_change": _workload({"variables": {"MODE": "slow"}}),
    "kubernetes.hpa_freeze": _workload({}, AUTOSCALER),
    "kubernetes.image_pull_failure": _workload({}),
    "kubernetes.network_partition": _policy({}),
    "kubernetes.node_cordon": _node({}),
    "kubernetes.node_drain": _node({"deadline": "2s"}),
    "kubernetes.node_taint": _node({"key": "example.org/broken"}),
    "kubernetes.pod_failure": _pod,
    "kubernetes.readiness_fail": _workload({}),
    "kubernetes.resources_limit": _workload({"cpu": "0.1"}),
    "kubernetes.rollout_pause": _workload({}),
    "kubernetes.scale": _workload({"replicas": 0}),
    "kubernetes.service_cut": _service,
    "kubernetes.service_latency": _slow_service,
    "kubernetes.zone_loss": _node({"deadline": "2s"}, "zone"),
}
