"""How a Kubernetes cluster, and what runs in it, fares.

Whatever is asked about pods of one namespace is read from one watch, however many probes ask: see
`targets/kubernetes/watching.py`. The API server measures: while it does not answer, or what it told is too old, samples
are missing. What it says is not there, is a bad sample.
"""

from collections.abc import Sequence
from time import monotonic
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from chaos_runner.contracts import BadQuestion, NoData, Reading, Seconds, Unreachable, probe
from chaos_runner.probes._kubernetes import Place, PodsArguments, WorkloadArguments, asking, is_meant, meant, some
from chaos_runner.probes._kubernetes_events import counted, selector
from chaos_runner.probes._kubernetes_field import address, value_of
from chaos_runner.probes._kubernetes_logs import lines_matching
from chaos_runner.probes._kubernetes_rollout import missing
from chaos_runner.targets.kubernetes import seen
from chaos_runner.targets.kubernetes.kinds import AUTOSCALER, CLAIM, EVENT, KINDS, NODE, POD, SLICE, Kind
from chaos_runner.targets.kubernetes.recovering import Disturbance, recovering, restarted
from chaos_runner.targets.kubernetes.rights import LOOK, Demand, Need
from chaos_runner.targets.kubernetes.watching import watched
from chaos_runner.units import Unit

_ROLE = "node-role.kubernetes.io/"
_ZONE = "topology.kubernetes.io/zone"
_CHECKOUT = {"namespace": "shop", "workload": "deployment/checkout"}


# ── pods ────────────────────────────────────────────────────────────────────────────────────────────────────────────

class ReadyShareArguments(PodsArguments, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which pods, and of how many the share is: of those that the workload is to have, unless `of` says otherwise."""

    of: int | None = None


@probe(ReadyShareArguments, Unit.SHARE, example={"arguments": _CHECKOUT, "at-least": "60%", "every": "1s"})
def ready_share(arguments: ReadyShareArguments) -> Reading:
    """The share of a workload's pods that are ready, of those that it is to have.

    A pod on its way out is not ready. A workload that is to have none has the share 0: nobody is served. With `labels`
    and no workload it is the share of the pods that are there. `of: 4` says of how many: then pods that a fault scaled
    away are missed too. More than all count as all.
    """
    with asking(arguments) as asked:
        kind, maker = asked.lasting(arguments.workload) if arguments.workload else (None, None)
        found = asked.each(arguments, _readiness)
    ready, live = sum(one.ready for one in found), sum(one.live for one in found)
    others = [name for one in found for name in one.others]
    wanted = maker.wanted(kind) if kind and maker else live
    whole = wanted if arguments.of is None else arguments.of
    if whole < 0 or arguments.of == 0:
        raise BadQuestion("`of` is a number from 1 on")
    note = f"{ready} of {whole} ready" + (f"; not ready: {some(others)}" if others else "")
    return Reading(value=min(1.0, ready / whole) if whole else 0.0, note=note if ready < whole or not whole else "")


class _Readiness(NamedTuple):
    """How many are ready, how many have not ended, and what the others are."""

    ready: int
    live: int
    others: list[str]


def _readiness(pods: Sequence[seen.SeenPod]) -> _Readiness:
    live = [pod for pod in pods if pod.phase not in ("Succeeded", "Failed")]
    others = [f"{pod.name} ({_state(pod)})" for pod in pods if not pod.ready]
    return _Readiness(sum(pod.ready for pod in live), len(live), others)


def _state(pod: seen.SeenPod) -> str:
    return "Terminating" if pod.ending else pod.reasons[0] if pod.reasons else pod.phase


@probe(PodsArguments, Unit.COUNT, example={"arguments": _CHECKOUT, "at-most": 0, "every": "5s"})
def restarts(arguments: PodsArguments) -> Reading:
    """How often containers of these pods were started again since the run first looked, pods that are gone included.

    Restarts of before are not counted. While the API server is away none is seen; those of pods that are there
    afterwards are then made up for.
    """
    with asking(arguments) as asked:
        there = {name: times for found in asked.each(arguments, _restarts) for name, times in found.items()}
        maker = asked.workload(arguments.workload)[1] if arguments.workload else None
        for pod in restarted(asked.at, asked.namespace).gone:
            if is_meant(pod, maker, arguments.labels):
                there[pod.name] = pod.restarts - pod.restarts_at_first
    return Reading(value=sum(there.values()), note=some(f"{name}: {times}" for name, times in there.items()))


def _restarts(pods: Sequence[seen.SeenPod]) -> dict[str, int]:
    return {pod.name: pod.restarts - pod.restarts_at_first for pod in pods if pod.restarts > pod.restarts_at_first}


class PhaseArguments(PodsArguments, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which pods, in which `phase`, or with a container that waits for or ended with `reason`: "CrashLoopBackOff".

    "Terminating" are those on their way out; they count as nothing else. `give: share` gives the share of all of them.
    """

    phase: Literal["Pending", "Running", "Succeeded", "Failed", "Unknown", "Terminating"] | None = None
    reason: str = ""
    give: Literal["count", "share"] = "count"


@probe(PhaseArguments, Unit.COUNT,
       example={"arguments": {"namespace": "shop", "phase": "Pending"}, "at-most": 0, "every": "1s"})
def pod_phase(arguments: PhaseArguments) -> Reading:
    """How many pods are in a phase, or which share of them (`give: share`). No pods at all have no share: a bad sample.
    """
    if arguments.phase is None and not arguments.reason:
        raise BadQuestion("say which `phase` or which `reason`")
    with asking(arguments) as asked:
        groups = asked.each(arguments, _InPhase(arguments.phase, arguments.reason))
    size, found = sum(size for size, _ in groups), [name for _, names in groups for name in names]
    if arguments.give == "count":
        return Reading(value=len(found), note=some(found))
    if not size:
        raise Unreachable("there is no such pod")
    return Reading(value=len(found) / size, note=some(found))


class _InPhase(Struct, frozen=True):
    """How many pods there are, and which of them are in a phase."""

    phase: str | None
    reason: str

    def __call__(self, pods: Sequence[seen.SeenPod]) -> tuple[int, list[str]]:
        return len(pods), [pod.name for pod in pods if self._holds(pod)]

    def _holds(self, pod: seen.SeenPod) -> bool:
        phase = "Terminating" if pod.ending else pod.phase
        return self.phase in (None, phase) and (not self.reason or self.reason in pod.reasons)


class LogArguments(PodsArguments, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose lines, what they must contain (a regular expression), and of the last how many whole seconds.

    Of one container, where `container` names it; pods with several have a default one, or it must be named.
    """

    matching: str
    within: Seconds = 10.0
    container: str = ""

    def looks(self, space: str) -> list[Demand]:
        """The pods, and their logs."""
        return [*super().looks(space), Demand(LOOK, Need("get", POD, "log"), self.namespace or space)]


@probe(LogArguments, Unit.COUNT,
       example={"arguments": {**_CHECKOUT, "matching": "ERROR|Traceback"}, "at-most": 0, "every": "5s"})
def logs_matching(arguments: LogArguments) -> Reading:
    """How many lines of the pods' logs in the last seconds match a regular expression.

    Each sample reads the logs of at most 20 pods, and at most 4 MiB of each. Pods without a log yet have no lines.
    Raises NoData where a log cannot be read: its node does not answer.
    """
    with asking(arguments) as asked:
        return lines_matching(asked, asked.pods(arguments), arguments)


# ── workloads ───────────────────────────────────────────────────────────────────────────────────────────────────────

@probe(WorkloadArguments, Unit.COUNT, example={"arguments": _CHECKOUT, "equals": True, "every": "1s"})
def rollout_complete(arguments: WorkloadArguments) -> Reading:
    """Whether all pods of a workload are of its newest template and available, as `kubectl rollout status` has it."""
    with asking(arguments) as asked:
        kind, found = asked.workload(arguments.workload)
        lacks = missing(kind, found)
    return Reading(value=not lacks, note=lacks)


@probe(WorkloadArguments, Unit.SECONDS, example={"arguments": _CHECKOUT, "below": "30s", "every": "1s"})
def recovered(arguments: WorkloadArguments) -> Reading:
    """The longest time for which not all pods of a workload were ready, since the run first looked.

    0 if they always were. While it lasts it is the time until now, a lower bound: put `kubernetes.ready_share` beside
    it, which says whether it is over. The note tells how each pod came back: scheduled, started, ready. The time is
    that at which the watch told us, so that what is between two samples is seen too.
    """
    with asking(arguments) as asked:
        kind, found = asked.lasting(arguments.workload)
        known = recovering(asked.at, kind, asked.namespace, found.name).disturbances()
        now_s = monotonic()
        asked.all(seen.pods)
    longest = max(known, key=lambda one: one.lasted(now_s), default=None)
    if longest is None:
        return Reading(value=0.0)
    return Reading(value=longest.lasted(now_s), note=_told(longest))


def _told(one: Disturbance) -> str:
    over = ["not over"] if one.ended_s is None else []
    return "; ".join([*over, f"{one.fewest} ready at the least", *map(str, one.returns[-3:])])


class ScalerArguments(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A HorizontalPodAutoscaler by its name."""

    name: str

    def kinds(self) -> tuple[Kind, ...]:
        """Autoscalers."""
        return (AUTOSCALER,)


@probe(ScalerArguments, Unit.COUNT,
       example={"arguments": {"namespace": "shop", "name": "checkout"}, "equals": False, "every": "5s"})
def hpa_at_maximum(arguments: ScalerArguments) -> Reading:
    """Whether an autoscaler wants, or has, as many replicas as it may. Raises NoData while it gets no metrics."""
    with asking(arguments) as asked:
        there = asked.all(seen.scalers)
        found = next((one for one in there if one.metadata.name == arguments.name), None)
        if found is None:
            names = (one.metadata.name for one in there)
            raise asked.nothing(f"autoscaler {arguments.name!r}", meant(arguments.name, names))
    if found.problem:
        raise NoData(f"the autoscaler cannot scale: {found.problem}")
    now, most = max(found.status.current_replicas, found.status.desired_replicas), found.spec.max_replicas
    return Reading(value=now >= most, note=f"{now} of at most {most} replicas")


class ClaimArguments(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Claims by their names or labels; without either, all of the namespace."""

    names: list[str] = msgspec.field(default_factory=list)
    labels: dict[str, str] = msgspec.field(default_factory=dict)

    def kinds(self) -> tuple[Kind, ...]:
        """Claims."""
        return (CLAIM,)


@probe(ClaimArguments, Unit.SHARE,
       example={"arguments": {"namespace": "shop", "names": ["orders-db"]}, "at-least": "100%", "every": "5s"})
def pvc_bound(arguments: ClaimArguments) -> Reading:
    """The share of PersistentVolumeClaims that are bound. A claim that is named and not there is not bound."""
    with asking(arguments) as asked:
        there = [one for one in asked.all(seen.claims)
                 if arguments.labels.items() <= one.metadata.labels.items()
                 and (not arguments.names or one.metadata.name in arguments.names)]
        phases = {**dict.fromkeys(arguments.names, "not there"),
                  **{one.metadata.name: one.status.phase for one in there}}
        if not phases:
            raise asked.nothing("PersistentVolumeClaim that matches")
    others = [f"{name} ({phase})" for name, phase in phases.items() if phase != "Bound"]
    return Reading(value=1 - len(others) / len(phases), note=some(others))


# ── Services, nodes, Events, anything ───────────────────────────────────────────────────────────────────────────────

class ServiceArguments(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Service by its name."""

    service: str

    def kinds(self) -> tuple[Kind, ...]:
        """EndpointSlices."""
        return (SLICE,)


@probe(ServiceArguments, Unit.COUNT,
       example={"arguments": {"namespace": "shop", "service": "checkout"}, "at-least": 1, "every": "1s"})
def endpoints(arguments: ServiceArguments) -> Reading:
    """How many ready endpoints a Service has, as its EndpointSlices say; one with two addresses counts once."""
    with asking(arguments) as asked:
        there = asked.all(seen.slices)
        found = [one for one in there if one.service == arguments.service]
        if not found:
            names = {one.service for one in there}
            raise asked.nothing(f"Service {arguments.service!r} with endpoints", meant(arguments.service, names))
    ready = frozenset[str]().union(*(one.ready for one in found))
    known = frozenset[str]().union(*(one.known for one in found))
    return Reading(value=len(ready), note=f"{len(known - ready)} not ready" if known - ready else "")


class NodeArguments(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which nodes, by names, labels, role or zone (all, where nothing is said), and the condition: "Ready",
    "MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable".
    """

    condition: str = "Ready"
    names: list[str] = msgspec.field(default_factory=list)
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    role: str = ""
    zone: str = ""

    def kinds(self) -> tuple[Kind, ...]:
        """Nodes."""
        return (NODE,)


@probe(NodeArguments, Unit.SHARE, example={"arguments": {"zone": "eu-1a"}, "at-least": "100%", "every": "5s"})
def node_condition(arguments: NodeArguments) -> Reading:
    """The share of the nodes of which a condition is true.

    A node that is named and not there counts as one of which it is not; "unknown" is not true either.
    """
    with asking(arguments) as asked:
        there = [one for one in watched(asked.at, seen.nodes()).look() if _is_node(one, arguments)]
    said = {**dict.fromkeys(arguments.names, "not there"),
            **{one.name: one.conditions.get(arguments.condition, "not told") for one in there}}
    if not said:
        raise Unreachable(f"no node of {asked.at.context} is meant")
    held = [name for name, status in said.items() if status == "True"]
    others = [f"{name} ({status})" for name, status in said.items() if status not in ("True", "False")
              or (status == "False" and arguments.condition == "Ready")]
    words = ([f"not {arguments.condition}: {some(others)}"] if others else []) + (
        [f"{arguments.condition}: {some(held)}"] if held and arguments.condition != "Ready" else [])
    return Reading(value=len(held) / len(said), note="; ".join(words))


def _is_node(node: seen.SeenNode, arguments: NodeArguments) -> bool:
    return ((not arguments.names or node.name in arguments.names) and arguments.labels.items() <= node.labels.items()
            and (not arguments.role or f"{_ROLE}{arguments.role}" in node.labels)
            and arguments.zone in ("", node.labels.get(_ZONE)))


class EventArguments(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which Events: of a `reason` ("BackOff"), a `type`, an `object` ("pod", or "pod/checkout-0"), told in the last
    `within`.
    """

    reason: str = ""
    type: Literal["", "Normal", "Warning"] = ""
    object: str = ""
    within: Seconds = 60.0

    def kinds(self) -> tuple[Kind, ...]:
        """Events."""
        return (EVENT,)


@probe(EventArguments, Unit.COUNT,
       example={"arguments": {"namespace": "shop", "type": "Warning"}, "at-most": 3, "every": "5s"})
def events(arguments: EventArguments) -> Reading:
    """How often Events were told in the last while. One that is told again counts again, as far as it was watched.

    Their times are the cluster's, compared with this machine's clock.
    """
    with asking(arguments) as asked:
        chosen = selector(arguments.reason, arguments.type, arguments.object)
        told = watched(asked.at, seen.events(asked.namespace, chosen)).look()
    times = counted(told, arguments.within)
    said = some(text if often == 1 else f"{text} ({often} times)" for text, often in times.items())
    return Reading(value=sum(times.values()), note=said)


class FieldArguments(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An object by its kind and name ("deployment/checkout"), and the path of a field: `.status.readyReplicas`, or
    `.status.conditions[?(@.type=="Available")].status`.

    `api` says where other kinds stand: "example.com/v1". `default` is taken for a field that is not there: the API
    leaves out zeros.
    """

    object: str
    path: str
    api: str = ""
    default: int | float | str | bool | None = None

    def kinds(self) -> tuple[Kind, ...]:
        """The object's kind. Of one that only the cluster knows it cannot be said here."""
        found = KINDS.get(self.object.partition("/")[0].lower())
        return (found,) if found and not self.api else ()


@probe(FieldArguments, Unit.COUNT, example={
    "arguments": {"namespace": "shop", "object": "deployment/checkout", "path": ".status.readyReplicas", "default": 0},
    "at-least": 2, "every": "1s"})
def field(arguments: FieldArguments) -> Reading:
    """What stands in a field of any object: a number, a text, true or false; a list, where the path has `[*]`.

    An object or a field that is not there is a bad sample, unless `default` is given. Secrets are not read.
    """
    with asking(arguments) as asked:
        path, name = address(asked, arguments.object, arguments.api)
        there = watched(asked.at, seen.everything(path, name)).look()
        if not there:
            raise asked.nothing(f"{arguments.object}")
    return Reading(value=value_of(there[0], arguments.path, arguments.default))
