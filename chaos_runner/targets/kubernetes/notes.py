"""What somebody should know before objects are hit: budgets, majorities, what else goes on around them. Only looks."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeVar

from msgspec import Struct

from chaos_runner.contracts import Right
from chaos_runner.errors import ActFailed, ChaosRunnerError, Gone, Refused
from chaos_runner.targets.kubernetes.access import Cluster, same_cluster
from chaos_runner.targets.kubernetes.kinds import (
    AUTOSCALER,
    BUDGET,
    DEPLOYMENT,
    LEASE,
    NODE,
    POD,
    POLICY,
    REPLICASET,
    SERVICE,
    WORKLOADS,
    Kind,
    Ref,
    label_of,
)
from chaos_runner.targets.kubernetes.leases import HOLD, LEASES, LET_GO, Lease
from chaos_runner.targets.kubernetes.marks import told
from chaos_runner.targets.kubernetes.objects import Meta, Pod, Selector, Whole, Workload
from chaos_runner.targets.kubernetes.others import running
from chaos_runner.targets.kubernetes.rights import DO, Demand, look, right

STATEFULSET: Final = WORKLOADS["statefulset"]
_RUN: Final = (DEPLOYMENT, STATEFULSET, WORKLOADS["daemonset"])
_BESIDE: Final = (SERVICE, POLICY, AUTOSCALER)
LOOKS: Final[list[Demand]] = [look("list", kind, "") for kind in (POD, REPLICASET, BUDGET, LEASE, *_RUN, *_BESIDE)]
"""What it takes to see all of it, in the namespace of what is hit."""
_NAMED_MOST: Final = 5
T = TypeVar("T")


class _BudgetSpec(Struct, frozen=True):
    selector: Selector | None = None


class _BudgetStatus(Struct, frozen=True, rename="camel"):
    disruptions_allowed: int = 0


class _Budget(Struct, frozen=True):
    metadata: Meta
    spec: _BudgetSpec = _BudgetSpec()
    status: _BudgetStatus = _BudgetStatus()

    def covers(self, namespace: str, labels: dict[str, str]) -> bool:
        """Whether pods with these labels count for it. One without a selector covers none."""
        selector = self.spec.selector
        return selector is not None and self.metadata.namespace == namespace and selector.matches(labels)


class _Touched(NamedTuple):
    """A workload, and how many of its pods are hit; None when it is hit itself."""

    kind: Kind
    found: Workload
    pods: int | None

    @property
    def label(self) -> str:
        return label_of(self.kind, self.found.metadata)


class _Around:
    """What can be seen around the targets; what cannot is kept, to be told."""

    def __init__(self, at: Cluster, namespace: str) -> None:
        self.at = at
        self.namespace = namespace
        self.unseen: list[str] = []

    def list(self, kind: Kind, item: type[T], **query: str) -> list[T]:
        """All of a kind. Nothing of a kind that the cluster does not know."""
        try:
            return self.at.list(kind.path(self.namespace), item, query).items
        except Gone:
            return []
        except (Refused, ActFailed) as problem:
            self.unseen.append(f"{kind.plural} could not be looked at: {problem}")
            return []


def notes_on(refs: Sequence[Ref]) -> list[str]:
    """What to know about hitting all of these. What could not be found out is a note too."""
    found: list[str] = []
    for context, server, namespace in dict.fromkeys((ref.context, ref.server, ref.namespace) for ref in refs):
        here = [ref for ref in refs if (ref.context, ref.namespace) == (context, namespace)]
        try:
            found += _notes(_Around(same_cluster(context, server), namespace), here)
        except ChaosRunnerError as problem:
            found.append(f"what surrounds the targets could not be looked at: {problem}")
    return list(dict.fromkeys(found))


def _notes(around: _Around, refs: Sequence[Ref]) -> list[str]:
    pods = _hit(around, refs)
    workloads = {kind: around.list(kind, Workload) for kind in _RUN}
    touched = list(_touched(around, workloads, pods, refs))
    return [*_budgets(around, pods, touched), *(said for one in touched for said in _about(one)),
            *_ours(around, workloads, refs), *running(around.at, around.namespace), *around.unseen]


def _hit(around: _Around, refs: Sequence[Ref]) -> list[Pod]:
    """The pods that are hit: by themselves, or with their nodes."""
    uids = {ref.uid for ref in refs if ref.kind == POD.name}
    nodes = [ref.name for ref in refs if ref.kind == NODE.name]
    found = [pod for pod in around.list(POD, Pod) if pod.metadata.uid in uids] if uids else []
    return found + [pod for node in nodes for pod in around.list(POD, Pod, fieldSelector=f"spec.nodeName={node}")]


def _touched(around: _Around, workloads: dict[Kind, list[Workload]], pods: Sequence[Pod],
             refs: Sequence[Ref]) -> Iterator[_Touched]:
    """The workloads that are hit, or whose pods are."""
    makers = {one.metadata.uid: one.metadata.owner.uid
              for one in (around.list(REPLICASET, Whole) if pods else []) if one.metadata.owner}
    counts = Counter(makers.get(pod.metadata.owner.uid, pod.metadata.owner.uid) for pod in pods if pod.metadata.owner)
    itself = {ref.uid for ref in refs}
    for kind, found in workloads.items():
        for one in found:
            if one.metadata.uid in itself:
                yield _Touched(kind, one, None)
            elif counts[one.metadata.uid]:
                yield _Touched(kind, one, counts[one.metadata.uid])


def _budgets(around: _Around, pods: Sequence[Pod], touched: Sequence[_Touched]) -> Iterator[str]:
    """Budgets that allow less than is hit. Of a workload that is hit itself only the bare budget can be told."""
    for budget in around.list(BUDGET, _Budget):
        most = budget.status.disruptions_allowed
        said = f"{label_of(BUDGET, budget.metadata)} allows {most or 'no'} disruption{'' if most == 1 else 's'} now"
        count = sum(1 for pod in pods if pod.ready and budget.covers(pod.metadata.namespace, pod.metadata.labels))
        if count > most:
            yield f"{said}, and {count} of its pods would be hit"
        for one in touched:
            labels = one.found.spec.template.metadata.get("labels") or {}
            if one.pods is None and not most and budget.covers(one.found.metadata.namespace, labels):
                yield f"{said}, and {one.label} is among what it covers"


def _about(one: _Touched) -> Iterator[str]:
    spec, label = one.found.spec, one.label
    if spec.replicas == 1:
        yield f"{label} has one replica: nothing takes over from it"
    containers = spec.template.spec.containers
    if containers and not any(container.readiness_probe for container in containers):
        yield f"{label} has no readiness probe: its pods get traffic as soon as they have started"
    if _rolls(one):
        yield f"{label} has a rollout in progress"
    replicas, hit = spec.replicas or 0, one.pods or 0
    if one.kind is STATEFULSET and replicas > 1 and hit and replicas - hit < replicas // 2 + 1:
        yield f"{hit} of {replicas} pods of {label} would be hit: no majority of them is left"


def _rolls(one: _Touched) -> bool:
    status, wanted = one.found.status, one.found.spec.replicas or 0
    if status.observed_generation < one.found.metadata.generation:
        return True
    if one.kind is STATEFULSET:
        return status.current_revision != status.update_revision
    return one.kind is DEPLOYMENT and (status.updated_replicas < wanted or status.replicas > status.updated_replicas)


def _ours(around: _Around, workloads: dict[Kind, list[Workload]], refs: Sequence[Ref]) -> Iterator[str]:
    """What else of ours is under way: marks on what is near, and Leases on groups of targets."""
    near: list[tuple[Kind, Meta]] = [(kind, one.metadata) for kind, found in workloads.items() for one in found]
    near += [(kind, one.metadata) for kind in _BESIDE for one in around.list(kind, Whole)]
    uids = {ref.uid for ref in refs}
    yield from _by_run((kind, meta) for kind, meta in near if meta.uid not in uids)
    now = datetime.now(UTC)
    for lease in around.list(LEASE, Lease):
        if lease.metadata.name.startswith(LEASES) and lease.keeps_off("", now):
            yield f"another run is at work here: {lease.said}"
    if around.namespace and (lacks := [one.lacks for one in _rights_to_hold(around) if one.lacks]):
        yield f"other runs are not kept off what is hit: {lacks[0]}"


def _rights_to_hold(around: _Around) -> list[Right]:
    try:
        return [right(around.at, DO, need, around.namespace) for need in (*HOLD, *LET_GO)]
    except (Refused, ActFailed):
        return []


def _by_run(near: Iterable[tuple[Kind, Meta]]) -> Iterator[str]:
    runs: dict[tuple[str, str], list[str]] = {}
    for kind, meta in near:
        if found := told(meta):
            runs.setdefault((found.mark.run, found.mark.expires), []).append(label_of(kind, meta))
    for (run, expires), labels in runs.items():
        more = f" and {len(labels) - _NAMED_MOST} more" if len(labels) > _NAMED_MOST else ""
        yield f"run {run} has left its mark on {', '.join(labels[:_NAMED_MOST])}{more}; it may live until {expires}"
