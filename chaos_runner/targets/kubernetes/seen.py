"""What is kept of the objects that are watched: of each no more than is asked about, and when we saw it change.

The API tells times in whole seconds; ours are those at which the watch told us, monotonic, in seconds.
"""

from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from chaos_runner.targets.kubernetes.kinds import AUTOSCALER, CLAIM, EVENT, NODE, POD, SLICE, Kind
from chaos_runner.targets.kubernetes.objects import Condition, Meta, Node, Owner
from chaos_runner.targets.kubernetes.watching import Collection

_SETS: Final = "ReplicaSet"
_HASHES: Final = ("pod-template-hash", "rollouts-pod-template-hash")
_TOLD_MOST: Final = 200
_TEXT_MOST: Final = 120


# ── pods ────────────────────────────────────────────────────────────────────────────────────────────────────────────

class _PodMeta(Struct, frozen=True, kw_only=True, rename="camel"):
    name: str
    uid: str
    labels: dict[str, str] = {}
    owner_references: list[Owner] = []
    deletion_timestamp: str = ""


class _Held(Struct, frozen=True):
    type: str
    status: str


class _ContainerStatus(Struct, frozen=True, rename="camel"):
    restart_count: int = 0
    state: dict[str, Any] = {}


class _PodSpec(Struct, frozen=True, rename="camel"):
    node_name: str = ""


class _PodStatus(Struct, frozen=True, rename="camel"):
    phase: str = ""
    conditions: list[_Held] = []
    container_statuses: list[_ContainerStatus] = []
    init_container_statuses: list[_ContainerStatus] = []


class _Pod(Struct, frozen=True):
    metadata: _PodMeta
    spec: _PodSpec = _PodSpec()
    status: _PodStatus = _PodStatus()


class SeenPod(Struct, frozen=True, kw_only=True):
    """A pod, and when we saw it begin, be scheduled, have all its containers started, and become ready: None where that
    is not so now. `reasons` are what its containers wait for or ended with: "CrashLoopBackOff", "OOMKilled".
    """

    uid: str
    name: str
    labels: dict[str, str]
    owner_kind: str
    owner_name: str
    owner_uid: str
    phase: str
    ending: bool
    restarts: int
    reasons: tuple[str, ...]
    seen_s: float
    scheduled_s: float | None
    started_s: float | None
    ready_s: float | None
    restarts_at_first: int

    @property
    def ready(self) -> bool:
        """Whether Services send it traffic, and it is not on its way out."""
        return self.ready_s is not None


def _see_pod(old: SeenPod | None, pod: _Pod, at_s: float) -> SeenPod:
    meta, status = pod.metadata, pod.status
    owner = next((one for one in meta.owner_references if one.controller), None)
    ending = bool(meta.deletion_timestamp)
    ready = not ending and any(one.type == "Ready" and one.status == "True" for one in status.conditions)
    restarts = sum(one.restart_count for one in status.container_statuses)
    return SeenPod(
        uid=meta.uid, name=meta.name, labels=meta.labels, owner_kind=owner.kind if owner else "",
        owner_name=owner.name if owner else "", owner_uid=owner.uid if owner else "", phase=status.phase, ending=ending,
        restarts=restarts, reasons=_reasons(status), seen_s=old.seen_s if old else at_s,
        scheduled_s=_since(old.scheduled_s if old else None, at_s, holds=bool(pod.spec.node_name)),
        started_s=_since(_started(old, restarts), at_s, holds=_runs(status)),
        ready_s=_since(old.ready_s if old else None, at_s, holds=ready),
        restarts_at_first=old.restarts_at_first if old else restarts)


def _since(before_s: float | None, at_s: float, *, holds: bool) -> float | None:
    """Since when something holds that holds now."""
    if not holds:
        return None
    return at_s if before_s is None else before_s


def _started(old: SeenPod | None, restarts: int) -> float | None:
    """A container that was started again between two looks has begun anew."""
    return old.started_s if old and old.restarts == restarts else None


def _runs(status: _PodStatus) -> bool:
    return bool(status.container_statuses) and all("running" in one.state for one in status.container_statuses)


def _reasons(status: _PodStatus) -> tuple[str, ...]:
    told = [state.get("reason") for one in (*status.init_container_statuses, *status.container_statuses)
            for state in one.state.values() if isinstance(state, dict)]
    return tuple(reason for reason in told if reason)


def pods(namespace: str) -> Collection[_Pod, SeenPod]:
    """All pods of a namespace: which of them are asked about is sorted out here, so that one watch serves all."""
    return Collection(POD.path(namespace), _Pod, _see_pod, group=_maker)


def _maker(pod: SeenPod) -> str:
    return pod.owner_uid


# ── workloads ───────────────────────────────────────────────────────────────────────────────────────────────────────

class _WorkloadMeta(Meta, frozen=True, kw_only=True, rename="camel"):
    generation: int = 0


class _WorkloadSpec(Struct, frozen=True, rename="camel"):
    replicas: int | None = None
    paused: bool = False
    update_strategy: dict[str, Any] = {}


class _WorkloadStatus(Struct, frozen=True, kw_only=True, rename="camel"):
    observed_generation: int | str = 0
    replicas: int = 0
    ready_replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    desired_number_scheduled: int = 0
    updated_number_scheduled: int = 0
    number_available: int = 0
    current_revision: str = ""
    update_revision: str = ""
    phase: str = ""
    conditions: list[Condition] = []


class SeenWorkload(Struct, frozen=True, kw_only=True):
    """A workload as the API has it, as far as one asks how it fares."""

    metadata: _WorkloadMeta
    spec: _WorkloadSpec = _WorkloadSpec()
    status: _WorkloadStatus = _WorkloadStatus()

    @property
    def name(self) -> str:
        return self.metadata.name

    def made(self, pod: SeenPod) -> bool:
        """Whether it made that pod. A Deployment's ReplicaSets are called after it and the hash its pods bear."""
        if pod.owner_uid == self.metadata.uid:
            return True
        return pod.owner_kind == _SETS and any(
            pod.owner_name == f"{self.name}-{pod.labels.get(each)}" for each in _HASHES)

    @property
    def wanted_replicas(self) -> int:
        """How many replicas its spec says."""
        return 1 if self.spec.replicas is None else self.spec.replicas

    def wanted(self, kind: Kind) -> int:
        """How many pods it is to have."""
        return self.status.desired_number_scheduled if kind.name == "daemonset" else self.wanted_replicas


def _as_it_is(_: SeenWorkload | None, found: SeenWorkload, __: float) -> SeenWorkload:
    return found


def workloads(kind: Kind, namespace: str) -> Collection[SeenWorkload, SeenWorkload]:
    """All workloads of a kind in a namespace."""
    return Collection(kind.path(namespace), SeenWorkload, _as_it_is)


# ── nodes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

class SeenNode(Struct, frozen=True):
    """A node: its labels, and what is said of its conditions."""

    name: str
    labels: dict[str, str]
    conditions: dict[str, str]
    unschedulable: bool


def _see_node(_: SeenNode | None, node: Node, __: float) -> SeenNode:
    return SeenNode(node.metadata.name, node.metadata.labels,
                    {one.type: one.status for one in node.status.conditions}, node.spec.unschedulable)


def nodes() -> Collection[Node, SeenNode]:
    """All nodes."""
    return Collection(NODE.path(""), Node, _see_node)


# ── endpoints ───────────────────────────────────────────────────────────────────────────────────────────────────────

class _Endpoint(Struct, frozen=True, rename="camel"):
    addresses: list[str] = []
    conditions: dict[str, bool | None] = {}
    target_ref: dict[str, Any] | None = None


class _Slice(Struct, frozen=True):
    metadata: Meta
    endpoints: list[_Endpoint] | None = None


class SeenSlice(Struct, frozen=True):
    """An EndpointSlice: whose it is, and what it sends traffic to: pods by UID, anything else by address."""

    service: str
    ready: frozenset[str]
    known: frozenset[str]


def _see_slice(_: SeenSlice | None, found: _Slice, __: float) -> SeenSlice:
    known = {_who(one): one.conditions.get("ready") is not False for one in found.endpoints or []}
    return SeenSlice(found.metadata.labels.get("kubernetes.io/service-name", ""),
                     frozenset(who for who, ready in known.items() if ready), frozenset(known))


def _who(endpoint: _Endpoint) -> str:
    return str((endpoint.target_ref or {}).get("uid") or ",".join(endpoint.addresses))


def slices(namespace: str) -> Collection[_Slice, SeenSlice]:
    """All EndpointSlices of a namespace."""
    return Collection(SLICE.path(namespace), _Slice, _see_slice)


# ── events ──────────────────────────────────────────────────────────────────────────────────────────────────────────

class _Series(Struct, frozen=True, rename="camel"):
    count: int = 0
    last_observed_time: datetime | None = None


class _Event(Struct, frozen=True, kw_only=True, rename="camel"):
    metadata: Meta
    count: int | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: _Series | None = None
    message: str = ""
    reason: str = ""
    involved_object: dict[str, Any] = {}

    @property
    def times(self) -> int:
        """How often it has been told."""
        return (self.series.count if self.series else 0) or self.count or 1

    @property
    def last(self) -> datetime | None:
        """When it was told last."""
        return (self.series and self.series.last_observed_time) or self.last_timestamp or self.event_time \
            or self.metadata.creation_timestamp


class SeenEvent(Struct, frozen=True):
    """An Event: how often it was told by when (seconds since 1970), as far as we know, the newest last."""

    times: int
    told: tuple[tuple[float, int], ...]
    text: str


def _see_event(old: SeenEvent | None, event: _Event, _: float) -> SeenEvent:
    """Of what was told before we looked only the last time is known: that is one. Each growth is as many."""
    at_s = event.last.timestamp() if event.last else 0.0
    more = event.times - old.times if old else 1
    told = (*(old.told if old else ()), (at_s, more))[-_TOLD_MOST:] if more > 0 else old.told if old else ()
    who = f"{event.involved_object.get('kind', '')} {event.involved_object.get('name', '')}".strip()
    return SeenEvent(event.times, told, f"{event.reason} of {who}: {event.message[:_TEXT_MOST]}")


def events(namespace: str, fields: str) -> Collection[_Event, SeenEvent]:
    """Events, chosen by the server: a busy namespace has tens of thousands."""
    return Collection(EVENT.path(namespace), _Event, _see_event, fields=fields)


# ── anything ────────────────────────────────────────────────────────────────────────────────────────────────────────

def _whole(_: dict[str, Any] | None, found: dict[str, Any], __: float) -> dict[str, Any]:
    return found


def everything(path: str, name: str = "", labels: str = "") -> Collection[dict[str, Any], dict[str, Any]]:
    """Whole objects: one of that name, or those with these labels."""
    return Collection(path, dict[str, Any], _whole, labels=labels, fields=f"metadata.name={name}" if name else "")


# ── autoscalers, claims ─────────────────────────────────────────────────────────────────────────────────────────────

class _ScalerSpec(Struct, frozen=True, rename="camel"):
    max_replicas: int = 0


class _ScalerStatus(Struct, frozen=True, rename="camel"):
    current_replicas: int = 0
    desired_replicas: int = 0
    conditions: list[Condition] = []


class SeenScaler(Struct, frozen=True):
    """A HorizontalPodAutoscaler."""

    metadata: Meta
    spec: _ScalerSpec = _ScalerSpec()
    status: _ScalerStatus = _ScalerStatus()

    @property
    def problem(self) -> str:
        """Why it cannot scale: it gets no metrics, say. Empty while it can."""
        return next((f"{one.reason}: {one.message}" for one in self.status.conditions
                     if one.type == "ScalingActive" and one.status == "False"), "")


def _scaler(_: SeenScaler | None, found: SeenScaler, __: float) -> SeenScaler:
    return found


def scalers(namespace: str) -> Collection[SeenScaler, SeenScaler]:
    """All autoscalers of a namespace."""
    return Collection(AUTOSCALER.path(namespace), SeenScaler, _scaler)


class _ClaimStatus(Struct, frozen=True):
    phase: str = ""


class SeenClaim(Struct, frozen=True):
    """A PersistentVolumeClaim: "Pending", "Bound" or "Lost"."""

    metadata: Meta
    status: _ClaimStatus = _ClaimStatus()


def _claim(_: SeenClaim | None, found: SeenClaim, __: float) -> SeenClaim:
    return found


def claims(namespace: str) -> Collection[SeenClaim, SeenClaim]:
    """All claims of a namespace."""
    return Collection(CLAIM.path(namespace), SeenClaim, _claim)
