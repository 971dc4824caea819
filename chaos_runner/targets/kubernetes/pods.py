"""Choosing pods: by what people say of them, counted against the group they were chosen from."""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from chaos_runner.contracts import Group, Seconds, Share
from chaos_runner.errors import Gone, NoTarget, Refused, UsageError
from chaos_runner.targets.choosing import how_many, meant
from chaos_runner.targets.kubernetes.access import Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import LEASE, NODE, POD, SERVICE, SLICE, WORKLOADS, Kind, Ref, workload_of
from chaos_runner.targets.kubernetes.objects import Node, Pod, Selector, Whole, Workload
from chaos_runner.targets.kubernetes.rights import Demand, Hit, look, look_at_namespace
from chaos_runner.targets.kubernetes.spared import check_namespace, spared

Order = Literal["random", "oldest", "newest", "most-restarted", "leader"]
_BY_SETS: Final = ("deployment", "rollout")
"""Workloads that make their pods through ReplicaSets."""
_ZONE: Final = "topology.kubernetes.io/zone"
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class PodTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Which pods: every key that is given must hold. `namespace` is the context's own where nothing is said.

    `count` or `percent` of those that match; without them all. `expressions` are written as the API has them:
    {key: tier, operator: In, values: [web]}. `leader` puts the holder of the Lease named by `lease` first.
    """

    context: str = ""
    namespace: str = ""
    workload: str = ""
    labels: dict[str, str] = {}
    expressions: list[dict[str, Any]] = []
    fields: dict[str, str] = {}
    annotations: dict[str, str] = {}
    service: str = ""
    names: list[str] = []
    node: str = ""
    zone: str = ""
    phase: str = ""
    ready: bool | None = None
    older_than: Seconds | None = None
    count: int | None = None
    percent: Share | None = None
    order: Order = "random"
    lease: str = ""
    even_protected: bool = False

    def hits(self, space: str) -> Hit:
        """Pods. Their names change too fast for a role to name them."""
        return Hit(POD, self.namespace or space)

    def looks(self, space: str) -> list[Demand]:
        """What finding them takes."""
        here = self.namespace or space
        found = [look_at_namespace(here), look("list", POD, here)]
        found += workload_looks(self.workload, here) if self.workload else []
        found += [look("get", SERVICE, here, self.service), look("list", SLICE, here)] if self.service else []
        found += [look("list", NODE, here)] if self.zone else []
        return found + ([look("get", LEASE, here, self.lease)] if self.lease else [])


class Chosen(Struct, frozen=True, kw_only=True):
    """The pods to hit, and the group they were chosen from; None for pods that were named."""

    cluster: Cluster
    pods: list[Pod]
    group: Group | None

    def ref(self, pod: Pod) -> Ref:
        """What an act keeps of a pod."""
        return ref_of(self.cluster, POD.name, pod)


def workload_looks(workload: str, namespace: str) -> list[Demand]:
    """What it takes to find the pods of a workload."""
    kind, name = workload_of(workload)
    made = [look("list", WORKLOADS["replicaset"], namespace)] if kind.name in _BY_SETS else []
    return [look("get", kind, namespace, name), look("list", POD, namespace), *made]


def ref_of(at: Cluster, kind: str, found: Pod | Node | Workload | Whole) -> Ref:
    """What an act keeps of an object."""
    meta = found.metadata
    return Ref(context=at.context, server=at.server, kind=kind, namespace=meta.namespace, name=meta.name, uid=meta.uid)


def find(target: PodTarget, seed: int) -> Chosen:
    """The pods to hit. The same seed chooses the same among the same. Raises Refused, NoTarget, UsageError."""
    at = cluster(target.context)
    space = target.namespace or at.namespace
    check_namespace(at, space, even_protected=target.even_protected)
    matching = [pod for pod in _matching(at, space, target) if not spared(pod.metadata)]
    if not matching:
        raise NoTarget(f"no pod in namespace {space!r} of {at.context} matches {_spoken(target)}")
    chosen = _in_order(at, space, target, matching, seed)[:how_many(target.count, target.percent, len(matching))]
    named = Group(name=_spoken(target), size=len(matching))
    return Chosen(cluster=at, pods=chosen, group=None if target.names else named)


def pods_of(at: Cluster, namespace: str, workload: str) -> list[Pod]:
    """The pods that a workload has made, through its selector and its owners. Raises NoTarget without the workload."""
    kind, _ = workload_of(workload)
    found = read_workload(at, namespace, workload)
    pods = at.list(POD.path(namespace), Pod, _labels(found.spec.selector)).items
    makers = {found.metadata.uid} | ({one.metadata.uid for one in _made_by(at, namespace, found)}
                                     if kind.name in _BY_SETS else set())
    return [pod for pod in pods if pod.metadata.owner and pod.metadata.owner.uid in makers]


def read_workload(at: Cluster, namespace: str, workload: str) -> Workload:
    """The workload of that name. Raises NoTarget, and says which there are."""
    kind, name = workload_of(workload)
    try:
        return at.get(kind.path(namespace, name), Workload)
    except Gone as gone:
        raise NoTarget(f"there is no {kind.name} {name!r} in namespace {namespace!r} of {at.context}"
                       f"{meant(name, _names(at, kind, namespace))}") from gone


def _names(at: Cluster, kind: Kind, namespace: str) -> list[str]:
    """Those that there are, for a hint: whoever may not list them gets none."""
    try:
        return [one.metadata.name for one in at.list(kind.path(namespace), Whole).items]
    except (Refused, Gone):
        return []


def _made_by(at: Cluster, namespace: str, workload: Workload) -> list[Whole]:
    kind = WORKLOADS["replicaset"]
    sets = at.list(kind.path(namespace), Whole, _labels(workload.spec.selector)).items
    return [one for one in sets if one.metadata.owner and one.metadata.owner.uid == workload.metadata.uid]


def _labels(selector: Selector | None) -> dict[str, str]:
    return {"labelSelector": selector.text} if selector and selector.text else {}


def _matching(at: Cluster, space: str, target: PodTarget) -> list[Pod]:
    """The server does what it can: labels, expressions, fields, the node and the phase."""
    if target.workload:
        found = pods_of(at, space, target.workload)
    else:
        found = at.list(POD.path(space), Pod, _query(target)).items
    tests = list(_tests(at, space, target))
    return sorted((pod for pod in found if pod.metadata.deletion_timestamp is None and all(t(pod) for t in tests)),
                  key=_name)


def _query(target: PodTarget) -> dict[str, str]:
    labels = Selector(match_labels=target.labels, match_expressions=target.expressions).text
    fields = {**target.fields, **({"spec.nodeName": target.node} if target.node else {}),
              **({"status.phase": target.phase} if target.phase else {})}
    query = {"labelSelector": labels, "fieldSelector": ",".join(f"{key}={value}" for key, value in fields.items())}
    return {key: value for key, value in query.items() if value}


def _tests(at: Cluster, space: str, target: PodTarget) -> list[Callable[[Pod], bool]]:
    """What the server cannot be asked, and, for a workload's pods, what it was not asked."""
    tests: list[Callable[[Pod], bool]] = []
    if target.workload:
        tests += [lambda pod: target.labels.items() <= pod.metadata.labels.items(),
                  lambda pod: target.node in ("", pod.spec.node_name),
                  lambda pod: target.phase in ("", pod.status.phase)]
    if target.annotations:
        tests.append(lambda pod: target.annotations.items() <= pod.metadata.annotations.items())
    if target.names:
        tests.append(lambda pod: pod.metadata.name in target.names)
    if target.ready is not None:
        tests.append(lambda pod: pod.ready is target.ready)
    if target.older_than is not None:
        born_s = time.time() - target.older_than
        tests.append(lambda pod: (pod.metadata.creation_timestamp or _NEVER).timestamp() < born_s)
    if target.zone:
        nodes = {one.metadata.name for one in at.list(NODE.path(""), Node, {"labelSelector": f"{_ZONE}={target.zone}"})
                 .items}
        tests.append(lambda pod: pod.spec.node_name in nodes)
    if target.service:
        behind = _behind(at, space, target.service)
        tests.append(lambda pod: pod.metadata.uid in behind)
    return tests


class _Endpoint(Struct, frozen=True, rename="camel"):
    target_ref: dict[str, Any] | None = None


class _Slice(Struct, frozen=True):
    endpoints: list[_Endpoint] | None = None


def _behind(at: Cluster, space: str, service: str) -> set[str]:
    """The pods that a Service sends traffic to, by UID, as its EndpointSlices say. Raises NoTarget."""
    try:
        at.get(SERVICE.path(space, service), Whole)
    except Gone as gone:
        raise NoTarget(f"there is no Service {service!r} in namespace {space!r}"
                       f"{meant(service, _names(at, SERVICE, space))}") from gone
    slices = at.list(SLICE.path(space), _Slice, {"labelSelector": f"kubernetes.io/service-name={service}"}).items
    return {str((endpoint.target_ref or {}).get("uid")) for one in slices for endpoint in one.endpoints or []}


def _in_order(at: Cluster, space: str, target: PodTarget, pods: list[Pod], seed: int) -> list[Pod]:
    match target.order:
        case "oldest":
            return sorted(pods, key=_born)
        case "newest":
            return sorted(pods, key=_born, reverse=True)
        case "most-restarted":
            return sorted(pods, key=lambda pod: -pod.restarts)
        case "leader":
            return _leader_first(at, space, target, pods)
        case _:
            return random.Random(seed).sample(pods, len(pods))  # noqa: S311 (chance, no secret)


class _LeaseSpec(Struct, frozen=True, rename="camel"):
    holder_identity: str | None = None


class _Lease(Struct, frozen=True):
    spec: _LeaseSpec = _LeaseSpec()


def _leader_first(at: Cluster, space: str, target: PodTarget, pods: list[Pod]) -> list[Pod]:
    """The holder's name begins with the pod's in client-go's own leader election: "checkout-7d9f-x2k_1a2b…"."""
    if not target.lease:
        raise UsageError('`order: leader` needs `lease`: the name of the Lease that the leader holds')
    holder = at.get(LEASE.path(space, target.lease), _Lease).spec.holder_identity or ""
    leads = [pod for pod in pods if holder.partition("_")[0] == pod.metadata.name]
    if not leads:
        raise NoTarget(f"the Lease {target.lease!r} is held by {holder!r}, which is none of the pods that match")
    return leads + [pod for pod in pods if pod not in leads]


def _spoken(target: PodTarget) -> str:
    """The group, as people would call it: "pods of deployment/checkout, on node worker-1"."""
    said = msgspec.to_builtins(target)
    words = [f"pods of {target.workload}" if target.workload else "pods"]
    if target.labels:
        words.append(f"with {', '.join(f'{key}={value}' for key, value in target.labels.items())}")
    words += [f"{key} {_told(said[key])}" for key in ("service", "node", "zone", "phase", "names", "fields",
                                                      "annotations", "expressions") if said.get(key)]
    if target.ready is not None:
        words.append("ready" if target.ready else "not ready")
    return ", ".join(words) if len(words) > 1 else words[0] if target.workload else "all pods"


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={each}" for key, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _name(pod: Pod) -> str:
    return pod.metadata.name


def _born(pod: Pod) -> datetime:
    return pod.metadata.creation_timestamp or _NEVER
