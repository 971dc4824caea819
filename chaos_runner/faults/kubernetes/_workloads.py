"""What faults on workloads share: which workload is meant."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from chaos_runner.contracts import NOTHING, Candidate
from chaos_runner.errors import Refused, UsageError
from chaos_runner.targets.kubernetes.access import Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import AUTOSCALER, WORKLOADS, Kind, Ref, workload_of
from chaos_runner.targets.kubernetes.objects import Whole
from chaos_runner.targets.kubernetes.pods import read_workload, ref_of
from chaos_runner.targets.kubernetes.rights import Demand, Hit, look, look_at_namespace
from chaos_runner.targets.kubernetes.spared import OPT_OUT, check_namespace, spared

_SOON_S: Final = 2.0
"""Who is only offered something does not wait for a cluster."""
_OFFERED: Final = (WORKLOADS["deployment"], WORKLOADS["statefulset"])


class WorkloadTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """One workload by its kind and name: "deployment/checkout". `namespace` is the context's own where nothing is said.
    """

    workload: str
    context: str = ""
    namespace: str = ""
    even_protected: bool = False

    def hits(self, space: str) -> Hit:
        """The workload, by its name."""
        kind, name = workload_of(self.workload)
        return Hit(kind, self.namespace or space, (name,))

    def looks(self, space: str) -> list[Demand]:
        """What finding it takes."""
        kind, name = workload_of(self.workload)
        here = self.namespace or space
        return [look_at_namespace(here), look("get", kind, here, name)]


def chosen(target: WorkloadTarget, kinds: Sequence[Kind]) -> tuple[Cluster, list[Ref]]:
    """The workload, of one of these kinds. Raises NoTarget, Refused, UsageError."""
    kind, _ = workload_of(target.workload)
    if kind not in kinds:
        raise UsageError(f"a {kind.name} cannot be hit so; it is for: {', '.join(each.name for each in kinds)}")
    at = cluster(target.context)
    space = target.namespace or at.namespace
    check_namespace(at, space, even_protected=target.even_protected)
    found = read_workload(at, space, target.workload)
    if spared(found.metadata):
        raise Refused(f"{kind.name} {space}/{found.metadata.name} has opted out: it bears the label {OPT_OUT}")
    return at, [ref_of(at, kind.name, found)]


def workloads_there(given: Mapping[str, Any], more: Mapping[str, Any] = NOTHING) -> list[Candidate]:
    """The Deployments and StatefulSets that agree with what is given, with `more` in their targets. Raises ActFailed,
    UsageError.
    """
    at = cluster(str(given.get("context", ""))).within(_SOON_S)
    space = str(given.get("namespace") or at.namespace)
    found = ((kind, one.metadata) for kind in _OFFERED for one in at.list(kind.path(space), Whole).items)
    return [Candidate(target={"namespace": space, "workload": f"{kind.name}/{meta.name}", **more},
                      label=f"{kind.name} {space}/{meta.name}")
            for kind, meta in found
            if not spared(meta) and given.get("workload", f"{kind.name}/{meta.name}") == f"{kind.name}/{meta.name}"]


class _ScaleTarget(Struct, frozen=True):
    kind: str
    name: str


class _AutoscalerSpec(Struct, frozen=True, rename="camel"):
    scale_target_ref: _ScaleTarget


class _Autoscaler(Whole, frozen=True):
    spec: _AutoscalerSpec


def autoscaler_of(at: Cluster, ref: Ref) -> Whole | None:
    """The HorizontalPodAutoscaler that scales a workload."""
    wanted = _ScaleTarget(WORKLOADS[ref.kind].camel, ref.name)
    found = at.list(AUTOSCALER.path(ref.namespace), _Autoscaler).items
    return next((one for one in found if one.spec.scale_target_ref == wanted), None)
