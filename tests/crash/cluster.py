"""The scenes on a Kubernetes cluster, whichever KUBECONFIG names: a namespace of their own each, and one workload."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from chaos_runner.targets.kubernetes.access import Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import AUTOSCALER, DEPLOYMENT, NAMESPACE, NODE, POD, Kind, body_of
from chaos_runner.targets.kubernetes.objects import Pod
from tests.crash.scenes import Scene

SERVER_S = ("resourceVersion", "generation", "managedFields")
"""What the API server counts, whatever is written."""
_REVISION = "deployment.kubernetes.io/revision"
_PATIENCE_S = 20.0
_CONTAINER = {"name": "web", "image": "registry.example.org/web:1", "env": [{"name": "MODE", "value": "fast"}],
              "readinessProbe": {"tcpSocket": {"port": 80}}, "resources": {"requests": {"cpu": "20m"}}}


def normalised(found: Any) -> Any:
    """An object without what the server manages."""
    meta = {key: value for key, value in found["metadata"].items() if key not in SERVER_S}
    annotations = {key: value for key, value in meta.get("annotations", {}).items() if key != _REVISION}
    return {"metadata": {**meta, "annotations": annotations}, "spec": found["spec"]}


@contextmanager
def namespace(at: Cluster) -> Iterator[str]:
    """A namespace of its own."""
    name = f"crash-{uuid4().hex[:8]}"
    at.create(NAMESPACE.path(""), body_of(NAMESPACE, metadata={"name": name}))
    try:
        yield name
    finally:
        at.delete(NAMESPACE.path("", name), {})


def make_workload(at: Cluster, space: str, replicas: int = 2) -> None:
    """The Deployment "web"."""
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [_CONTAINER]}}
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
            yield Scene(step, lambda: normalised(at.get(kind.path(space, "web"), dict)), (), _PATIENCE_S)

    return opened


@contextmanager
def _pod(_: Path) -> Iterator[Scene]:
    at = cluster()
    with namespace(at) as space:
        make_workload(at, space, replicas=1)
        while not (pods := at.list(POD.path(space), Pod).items) or not pods[0].ready:
            pass
        name = pods[0].metadata.name
        step = {"target": {"namespace": space, "names": [name]}}
        yield Scene(step, lambda: normalised(at.get(POD.path(space, name), dict)), (), _PATIENCE_S)


@contextmanager
def node(at: Cluster) -> Iterator[str]:
    """A simulated node of its own."""
    name = f"crash-{uuid4().hex[:8]}"
    at.create(NODE.path(""), body_of(NODE, metadata={"name": name, "annotations": {"kwok.x-k8s.io/node": "fake"}}))
    try:
        yield name
    finally:
        at.delete(NODE.path("", name), {})


CLUSTER_SCENES: dict[str, Callable[[Path], AbstractContextManager[Scene]]] = {
    "kubernetes.env_change": _workload({"variables": {"MODE": "slow"}}),
    "kubernetes.hpa_freeze": _workload({}, AUTOSCALER),
    "kubernetes.image_pull_failure": _workload({}),
    "kubernetes.pod_failure": _pod,
    "kubernetes.readiness_fail": _workload({}),
    "kubernetes.resources_limit": _workload({"cpu": "0.1"}),
    "kubernetes.rollout_pause": _workload({}),
    "kubernetes.scale": _workload({"replicas": 0}),
}
