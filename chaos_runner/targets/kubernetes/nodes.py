"""Choosing nodes: by labels, role, zone, or what runs on them."""

import random
from typing import Final

from msgspec import Struct

from chaos_runner.contracts import Group, Share
from chaos_runner.errors import NoTarget
from chaos_runner.targets.choosing import how_many, meant
from chaos_runner.targets.kubernetes.access import Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import NODE
from chaos_runner.targets.kubernetes.objects import Node, Selector
from chaos_runner.targets.kubernetes.pods import pods_of, workload_looks
from chaos_runner.targets.kubernetes.rights import Demand, Hit, look
from chaos_runner.targets.kubernetes.spared import spared

ZONE: Final = "topology.kubernetes.io/zone"
_SOON_S: Final = 2.0
"""Who is only offered something does not wait for a cluster."""
ROLE: Final = "node-role.kubernetes.io/"


class NodeTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Which nodes: every key that is given must hold. `workload` (in `namespace`): the nodes that its pods run on.

    `count` or `percent` of those that match, chosen at random; without them all.
    """

    context: str = ""
    names: list[str] = []
    labels: dict[str, str] = {}
    role: str = ""
    zone: str = ""
    workload: str = ""
    namespace: str = ""
    ready: bool | None = None
    count: int | None = None
    percent: Share | None = None

    def hits(self, space: str) -> Hit:  # noqa: ARG002 -- nodes stand in no namespace
        """Nodes, by their names where they are given."""
        return Hit(NODE, "", tuple(self.names))

    def looks(self, space: str) -> list[Demand]:
        """What finding them takes."""
        return [look("list", NODE, ""),
                *(workload_looks(self.workload, self.namespace or space) if self.workload else [])]


class ChosenNodes(Struct, frozen=True, kw_only=True):
    """The nodes to hit, and the group they were chosen from; None for nodes that were named."""

    cluster: Cluster
    nodes: list[Node]
    group: Group | None


def find(target: NodeTarget, seed: int) -> ChosenNodes:
    """The nodes to hit. The same seed chooses the same among the same. Raises Refused, NoTarget, UsageError."""
    at = cluster(target.context)
    matching = [node for node in _matching(at, target) if not spared(node.metadata)]
    if not matching:
        raise NoTarget(f"no node of {at.context} matches {_spoken(target)}")
    count = how_many(target.count, target.percent, len(matching))
    chosen = random.Random(seed).sample(matching, count)  # noqa: S311 (chance, no secret)
    group = None if target.names else Group(name=_spoken(target), size=len(matching))
    return ChosenNodes(cluster=at, nodes=sorted(chosen, key=_name), group=group)


def of_zone(context: str, zone: str) -> ChosenNodes:
    """All nodes of a zone, of all of the cluster. Raises NoTarget, and says which zones there are."""
    at = cluster(context)
    every = at.list(NODE.path(""), Node).items
    inside = [node for node in every if node.metadata.labels.get(ZONE) == zone and not spared(node.metadata)]
    if not inside:
        zones = sorted({node.metadata.labels[ZONE] for node in every if ZONE in node.metadata.labels})
        raise NoTarget(f"no node of {at.context} is in zone {zone!r}{meant(zone, zones)}")
    return ChosenNodes(cluster=at, nodes=sorted(inside, key=_name),
                       group=Group(name=f"nodes of {at.context}", size=len(every)))


def offered(context: str) -> list[Node]:
    """The nodes that could be hit, soon or not at all. Raises ApiUnreachable."""
    every = cluster(context).within(_SOON_S).list(NODE.path(""), Node).items
    return sorted((node for node in every if not spared(node.metadata)), key=_name)


def _matching(at: Cluster, target: NodeTarget) -> list[Node]:
    labels = {**target.labels, **({ZONE: target.zone} if target.zone else {})}
    text = ",".join([Selector(match_labels=labels).text, *([f"{ROLE}{target.role}"] if target.role else [])]).strip(",")
    found = at.list(NODE.path(""), Node, {"labelSelector": text} if text else {}).items
    if target.names:
        found = [node for node in found if node.metadata.name in target.names]
        missing = sorted(set(target.names) - {node.metadata.name for node in found})
        if missing:
            raise NoTarget(f"no node of {at.context} is named {', '.join(missing)} and is as the target says")
    if target.ready is not None:
        found = [node for node in found if node.ready is target.ready]
    if target.workload:
        on = {pod.spec.node_name for pod in pods_of(at, target.namespace or at.namespace, target.workload)}
        found = [node for node in found if node.metadata.name in on]
    return sorted(found, key=_name)


def _spoken(target: NodeTarget) -> str:
    said = [f"{key}={value}" for key, value in target.labels.items()]
    said += [f"{word} {value}" for word in ("role", "zone") if (value := getattr(target, word))]
    said += [f"that run {target.workload}"] if target.workload else []
    said += [f"named {', '.join(target.names)}"] if target.names else []
    return f"nodes {', '.join(said)}" if said else "all nodes"


def _name(node: Node) -> str:
    return node.metadata.name
