"""Ground of a test's own on a shared cluster: simulated nodes that nobody else's pods come to, and a namespace."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from chaos_runner import shelf
from chaos_runner.clock import SystemClock
from chaos_runner.contracts import Act, Setting
from chaos_runner.experiment.arguments import convert
from chaos_runner.mark import Mark, moment
from chaos_runner.targets.kubernetes.access import MERGE, Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import BUDGET, DEPLOYMENT, NAMESPACE, NODE, POD, WORKLOADS, Kind, body_of
from chaos_runner.targets.kubernetes.objects import Node, Pod

STATEFULSET = WORKLOADS["statefulset"]
DAEMONSET = WORKLOADS["daemonset"]
_APART = "example.org/apart"
_ZONE = "topology.kubernetes.io/zone"
_HOST = "kubernetes.io/hostname"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"


class Ground:
    """Two nodes in zone `<name>-a` and one in `<name>-b`, where only pods that are made here may run."""

    def __init__(self, at: Cluster, name: str) -> None:
        self.at = at
        self.space = name
        self.zones = {"a": f"{name}-a", "b": f"{name}-b"}
        self.nodes = [f"{name}-1", f"{name}-2", f"{name}-3"]
        self._somebody = False

    def make(self) -> None:
        self.at.create(NAMESPACE.path(""), body_of(NAMESPACE, metadata={"name": self.space}))
        for node, zone in zip(self.nodes, "aab", strict=True):
            self.at.create(NODE.path(""), body_of(
                NODE, spec={"taints": [{"key": _APART, "value": self.space, "effect": "NoSchedule"}]},
                metadata={"name": node, "annotations": {"kwok.x-k8s.io/node": "fake"},
                          "labels": {_APART: self.space, _ZONE: self.zones[zone], _HOST: node}}))
        soon(lambda: all(self.node(node).ready for node in self.nodes))
        soon(lambda: all(len(self.node(node).spec.taints) == 1 for node in self.nodes))

    def take_away(self) -> None:
        """From the moment at which the namespace is ending no workload makes a pod there."""
        self.at.delete(NAMESPACE.path("", self.space), {})
        self.at.delete(POD.path(self.space), {"gracePeriodSeconds": 0})
        for node in self.nodes:
            self.at.delete(NODE.path("", node), {})
        for kind in ("clusterroles", "clusterrolebindings") if self._somebody else ():
            self.at.delete(f"{_RBAC}/{kind}/{self.space}", {})

    def workload(self, replicas: int, name: str = "web", kind: Kind = DEPLOYMENT) -> list[Pod]:
        """A workload whose pods run on these nodes, once they are ready."""
        labels = {"app": name}
        spread = {"maxSkew": 1, "topologyKey": _HOST, "whenUnsatisfiable": "ScheduleAnyway",
                  "labelSelector": {"matchLabels": labels}}
        pod = {"topologySpreadConstraints": [spread], "nodeSelector": {_APART: self.space},
               "tolerations": [{"key": _APART, "operator": "Exists"}],
               "terminationGracePeriodSeconds": 1, "containers": [{"name": "web", "image": "example.org/web:1"}]}
        size = {} if kind is DAEMONSET else {"replicas": replicas}
        self.at.create(kind.path(self.space), body_of(kind, metadata={"name": name}, spec={
            **size, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}))
        return self.ready(replicas, name)

    def alone(self, node: str) -> None:
        """A pod that no workload would make anew."""
        self.at.create(POD.path(self.space), body_of(POD, metadata={"name": "alone", "labels": {"app": "alone"}}, spec={
            "nodeName": node, "tolerations": [{"key": _APART, "operator": "Exists"}],
            "containers": [{"name": "web", "image": "example.org/web:1"}]}))
        self.ready(1, "alone")

    def budget(self, least: int, name: str = "web", of: str = "") -> None:
        """A budget that is known to the cluster, for the workload of its name or of another."""
        self.at.create(BUDGET.path(self.space), body_of(BUDGET, metadata={"name": f"{name}-budget"}, spec={
            "minAvailable": least, "selector": {"matchLabels": {"app": of or name}}}))
        soon(lambda: "currentHealthy" in self.at.get(BUDGET.path(self.space, f"{name}-budget"), dict).get("status", {}))

    def ready(self, count: int, name: str = "web") -> list[Pod]:
        """The pods of a workload, once so many are ready."""
        soon(lambda: sum(pod.ready for pod in self.pods(name)) == count)
        return [pod for pod in self.pods(name) if pod.ready]

    def pods(self, name: str = "web") -> list[Pod]:
        return self.at.list(POD.path(self.space), Pod, {"labelSelector": f"app={name}"}).items

    def on(self, *nodes: str) -> list[Pod]:
        """The pods on these nodes that are not on their way out."""
        return [pod for name in ("web", "agent", "alone", "other") for pod in self.pods(name)
                if pod.spec.node_name in nodes and pod.metadata.deletion_timestamp is None]

    def busiest(self) -> str:
        return max(self.nodes, key=lambda node: len(self.on(node)))

    def node(self, name: str) -> Node:
        return self.at.get(NODE.path("", name), Node)

    def change(self, node: str, body: dict[str, Any]) -> None:
        """What somebody else does to a node."""
        self.at.patch(NODE.path("", node), body, MERGE)

    def as_somebody(self, folder: Path, rights: Sequence[tuple[list[str], str, list[str]]]) -> str:
        """A kubeconfig for a user who has these rights and no others: verbs, an API group, and kinds."""
        rules = [{"verbs": verbs, "apiGroups": [group], "resources": kinds} for verbs, group, kinds in rights]
        self.at.create(f"{_RBAC}/clusterroles", {"metadata": {"name": self.space}, "rules": rules})
        self.at.create(f"{_RBAC}/clusterrolebindings", {
            "metadata": {"name": self.space}, "subjects": [{"kind": "User", "name": self.space}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": self.space}})
        known = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
        known["users"][0]["user"]["as"] = self.space
        file = folder / "somebody.kubeconfig"
        file.write_text(yaml.safe_dump(known))
        self._somebody = True
        return str(file)

    def look(self, node: str) -> Any:
        """The node as people have made it, without what Kubernetes keeps there itself."""
        found = self.at.get(NODE.path("", node), dict)
        kept = {key: value for key, value in found["metadata"]["annotations"].items() if "chaos-runner" in key}
        taints = [one for one in found["spec"].get("taints", []) if "kubernetes.io" not in one["key"]]
        return found["metadata"]["uid"], found["spec"].get("unschedulable", False), taints, kept


@contextmanager
def ground() -> Iterator[Ground]:
    """A ground, for as long as the block lasts."""
    cluster.cache_clear()
    made = Ground(cluster(), f"k-nodes-{uuid4().hex[:8]}")
    made.make()
    try:
        yield made
    finally:
        made.take_away()


def prepared(name: str, target: dict[str, Any], arguments: dict[str, Any] | None = None, seed: int = 7) -> list[Act]:
    """What a fault would do."""
    fault = shelf.fault(f"kubernetes.{name}")
    mark = Mark(run="01NODES", number=0, expires=moment(SystemClock().now() + timedelta(hours=1)))
    return fault.prepare(convert(fault.target, target), convert(fault.arguments, arguments or {}),
                         Setting(mark=mark, seed=seed, configuration={}))


def soon(holds: Callable[[], bool], within_s: float = 20.0) -> None:
    """Waits until it holds."""
    until_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until_s, "it did not come about"
        time.sleep(0.1)
