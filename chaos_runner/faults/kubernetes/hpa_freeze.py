"""kubernetes.hpa_freeze: an autoscaler may neither grow nor shrink its workload; undo gives back its bounds."""

from collections.abc import Sequence

from msgspec import Struct

from chaos_runner.contracts import Band, Example, NoArguments, Setting
from chaos_runner.errors import NoTarget
from chaos_runner.faults.kubernetes._change import ChangeFault, Wanted
from chaos_runner.faults.kubernetes._workloads import WorkloadTarget, chosen
from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.fields import Field, Path
from chaos_runner.targets.kubernetes.kinds import AUTOSCALER, WORKLOADS, Ref
from chaos_runner.targets.kubernetes.objects import Meta
from chaos_runner.targets.kubernetes.pods import read_workload
from chaos_runner.targets.kubernetes.rights import Need

_LEAST: Path = ["spec", "minReplicas"]
_MOST: Path = ["spec", "maxReplicas"]


class _ScaleTarget(Struct, frozen=True):
    kind: str
    name: str


class _Spec(Struct, frozen=True, rename="camel"):
    scale_target_ref: _ScaleTarget


class _Autoscaler(Struct, frozen=True):
    metadata: Meta
    spec: _Spec


class HpaFreeze(ChangeFault[WorkloadTarget, NoArguments]):
    """Holds a workload's HorizontalPodAutoscaler at the number of replicas that there are now."""

    target = WorkloadTarget
    band = Band(word="frozen")
    kinds = (AUTOSCALER,)
    permissions = ChangeFault.permissions._replace(look=(*ChangeFault.permissions.look, Need("list", AUTOSCALER)))
    example = Example(target={"namespace": "shop", "workload": "deployment/checkout"})

    def wanted(self, target: WorkloadTarget, arguments: NoArguments, setting: Setting) -> list[Wanted]:  # noqa: ARG002
        at, refs = chosen(target, tuple(WORKLOADS.values()))
        now = max(1, read_workload(at, refs[0].namespace, target.workload).spec.replicas or 0)
        found = _autoscaler_of(at, refs[0])
        meta = found.metadata
        ref = Ref(context=at.context, server=at.server, kind=AUTOSCALER.name, namespace=meta.namespace, name=meta.name,
                  uid=meta.uid)
        return [Wanted(at, ref, [Field(_LEAST, now), Field(_MOST, now)])]

    def touches(self, path: Sequence[str | dict[str, str]]) -> bool:
        return list(path) in (_LEAST, _MOST)


def _autoscaler_of(at: Cluster, ref: Ref) -> _Autoscaler:
    kind = WORKLOADS[ref.kind].camel
    for one in at.list(AUTOSCALER.path(ref.namespace), _Autoscaler).items:
        if (one.spec.scale_target_ref.kind, one.spec.scale_target_ref.name) == (kind, ref.name):
            return one
    raise NoTarget(f"{ref.label} has no HorizontalPodAutoscaler")
