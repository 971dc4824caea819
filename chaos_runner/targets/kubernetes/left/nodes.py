"""Nodes that take no pods: cordoned, or with a taint that no controller made."""

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.kinds import NODE, label_of
from chaos_runner.targets.kubernetes.left.leftover import Writer, Written, kubectl, tool_of
from chaos_runner.targets.kubernetes.marks import RUN
from chaos_runner.targets.kubernetes.objects import NodeSpec
from chaos_runner.targets.leftover import Leftover

_CONTROLLERS: Final = re.compile(r"controller|kubelet|autoscaler|karpenter|kubeadm|operator|k3s|rke2|kwok")
_OF_NODES: Final = "kube-controller-manager"
"""It makes system taints only, and writes the whole list: who made another that stands in it is not told."""
_SYSTEM_TAINTS: Final = re.compile(
    r"node\.kubernetes\.io/|node-role\.kubernetes\.io/|node\.cloudprovider\.|\w+OfClusterAutoscaler|"
    r"ToBeDeletedBy|karpenter\.|nvidia\.com/|amd\.com/|kubernetes\.azure\.com/|cloud\.google\.com/|eks\.amazonaws\.com/")


class _Node(Struct, frozen=True):
    metadata: Written
    spec: NodeSpec = NodeSpec()


def of_nodes(at: Cluster) -> Iterator[Leftover]:
    """Cordons and taints."""
    for node in at.list(NODE.path(""), _Node).items:
        if not node.metadata.annotations.get(RUN):
            yield from _cordon(at, node)
            yield from _taints(at, node)


def _cordon(at: Cluster, node: _Node) -> Iterator[Leftover]:
    if node.spec.unschedulable:
        wrote = node.metadata.writer("f:spec", "f:unschedulable")
        yield Leftover(code="cordon", what=label_of(NODE, node.metadata), says="no new pods are sent to it",
                       undo=kubectl(at, "uncordon", node.metadata.name), whose=tool_of(wrote.manager),
                       by=wrote.manager, since=wrote.time, first="nobody is at work on the node")


def _taints(at: Cluster, node: _Node) -> Iterator[Leftover]:
    wrote = node.metadata.writer("f:spec", "f:taints")
    if wrote.manager == _OF_NODES:
        wrote = Writer()
    elif _CONTROLLERS.search(wrote.manager):
        return
    for taint in node.spec.taints:
        if not _SYSTEM_TAINTS.match(taint.key):
            said = f"{taint.key}{f'={taint.value}' if taint.value else ''}:{taint.effect}"
            yield Leftover(code="taint", what=label_of(NODE, node.metadata), says=f"taint {said}",
                           undo=kubectl(at, "taint", "node", node.metadata.name, f"{taint.key}:{taint.effect}-"),
                           whose=tool_of(wrote.manager), by=wrote.manager, since=wrote.time,
                           first="it keeps no pods away on purpose, for a team or a kind of hardware")
