"""What faults on workloads share: which workload is meant."""

from collections.abc import Sequence

from msgspec import Struct

from chaos_runner.errors import Refused, UsageError
from chaos_runner.targets.kubernetes.access import Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import Kind, Ref, workload_of
from chaos_runner.targets.kubernetes.pods import read_workload, ref_of
from chaos_runner.targets.kubernetes.rights import Demand, Hit, look, look_at_namespace
from chaos_runner.targets.kubernetes.spared import OPT_OUT, check_namespace, spared


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
