"""Pods that have to leave: which do when their node is emptied, which stay and why, and asking for one to go."""

import os
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from chaos_runner.errors import Gone
from chaos_runner.targets.kubernetes.access import IN_CLUSTER, BudgetForbids, Cluster, Conflict, Denied
from chaos_runner.targets.kubernetes.kinds import EVICTION, NAMESPACE, POD, Ref, body_of
from chaos_runner.targets.kubernetes.objects import Pod, Whole
from chaos_runner.targets.kubernetes.spared import OPT_OUT, PROTECTED, spared

_MIRROR: Final = "kubernetes.io/config.mirror"
_OVER: Final = ("Succeeded", "Failed")


class Stays(StrEnum):
    """Why a pod is not made to leave its node."""

    STATIC = "static"
    DAEMON = "of a DaemonSet"
    OVER = "ended"
    ALONE = "without a workload that would make it anew"
    PROTECTED = "in a protected namespace"
    OPTED_OUT = "opted out"
    OURS = "running this very experiment"


BOUND: Final = (Stays.STATIC, Stays.DAEMON, Stays.OVER)
"""What belongs to its node, or is over: nobody misses it elsewhere."""


class Leaving(NamedTuple):
    """The pods of some nodes that are to leave, and those that stay, with the reason."""

    going: list[Pod]
    staying: list[tuple[Pod, Stays]]


def leaving(at: Cluster, nodes: Iterable[str], *, even_protected: bool) -> Leaving:
    """The pods of these nodes, sorted. Those that are ending already are among those that are going."""
    kept, protected = _opted_out(at), () if even_protected else PROTECTED
    reasons = [(pod, _stays(at, pod, kept, protected)) for node in nodes for pod in on_node(at, node)]
    return Leaving([pod for pod, why in reasons if why is None], [(pod, why) for pod, why in reasons if why])


def on_node(at: Cluster, node: str) -> list[Pod]:
    """Every pod that is bound to a node."""
    return at.list(POD.path(""), Pod, {"fieldSelector": f"spec.nodeName={node}"}).items


def evict(at: Cluster, ref: Ref, grace_s: int | None = None) -> str:
    """Asks for the eviction of one very pod. Gives what is against it for now, or "" when it is granted.

    Raises Gone when that pod is not there, or another has its name; Denied for a right or a webhook.
    """
    body = body_of(EVICTION, metadata={"name": ref.name, "namespace": ref.namespace},
                   deleteOptions=_options(ref, grace_s))
    try:
        at.create(POD.path(ref.namespace, ref.name, "eviction"), body)
    except BudgetForbids as forbids:
        return str(forbids)
    except Conflict as conflict:
        _check_same(at, ref, conflict)
        return str(conflict)
    return ""


def delete(at: Cluster, ref: Ref, grace_s: int | None = None) -> None:
    """Deletes one very pod, whatever a budget says.

    Raises Gone when that pod is not there, or another has its name; Denied for a right or a webhook.
    """
    try:
        at.delete(ref.path, _options(ref, grace_s))
    except Conflict as conflict:
        _check_same(at, ref, conflict)
        raise


def _options(ref: Ref, grace_s: int | None) -> dict[str, Any]:
    grace = {} if grace_s is None else {"gracePeriodSeconds": grace_s}
    return {"preconditions": {"uid": ref.uid}, **grace}


def _check_same(at: Cluster, ref: Ref, conflict: Conflict) -> None:
    """Raises Gone when the conflict came about because another pod has its name."""
    if at.get(ref.path, Whole).metadata.uid != ref.uid:
        raise Gone(f"{ref.label} was replaced by another of that name") from conflict


def spoken(staying: Sequence[tuple[Pod, Stays]]) -> str:
    """Who stays and why, in words: "1 of a DaemonSet (kube-system/proxy-x2k)"."""
    by_reason: dict[Stays, list[str]] = {}
    for pod, why in staying:
        by_reason.setdefault(why, []).append(pod.label)
    return "; ".join(f"{len(labels)} {why} ({some(labels)})" for why, labels in by_reason.items())


def some(labels: Sequence[str], most: int = 5) -> str:
    """The first of them, and how many more there are."""
    more = len(labels) - most
    return ", ".join(labels[:most]) + (f" and {more} more" if more > 0 else "")


def _stays(at: Cluster, pod: Pod, kept: set[str], protected: Sequence[str]) -> Stays | None:
    tests = (
        (Stays.STATIC, _MIRROR in pod.metadata.annotations),
        (Stays.DAEMON, pod.metadata.owner is not None and pod.metadata.owner.kind == "DaemonSet"),
        (Stays.OVER, pod.status.phase in _OVER),
        (Stays.OPTED_OUT, spared(pod.metadata) or pod.metadata.namespace in kept),
        (Stays.PROTECTED, pod.metadata.namespace in protected),
        (Stays.ALONE, pod.metadata.owner is None),
        (Stays.OURS, at.context == IN_CLUSTER and _is_ours(at, pod)),
    )
    return next((why for why, holds in tests if holds), None)


def _is_ours(at: Cluster, pod: Pod) -> bool:
    return (pod.metadata.namespace, pod.metadata.name) == (at.namespace, os.environ.get("HOSTNAME"))


def _opted_out(at: Cluster) -> set[str]:
    """Namespaces whose owners have opted out. Who may not list namespaces is told of none."""
    try:
        found = at.list(NAMESPACE.path(""), Whole, {"labelSelector": OPT_OUT}).items
    except Denied:
        return set()
    return {one.metadata.name for one in found if spared(one.metadata)}
