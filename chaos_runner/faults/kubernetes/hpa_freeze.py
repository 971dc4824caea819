"""kubernetes.hpa_freeze: an autoscaler may neither grow nor shrink its workload; undo gives back its bounds."""

from collections.abc import Sequence

from chaos_runner.contracts import Band, Example, NoArguments, Setting
from chaos_runner.errors import NoTarget
from chaos_runner.faults.kubernetes._change import ChangeFault, Wanted
from chaos_runner.faults.kubernetes._workloads import WorkloadTarget, autoscaler_of, chosen
from chaos_runner.targets.kubernetes.fields import Field, Path
from chaos_runner.targets.kubernetes.kinds import AUTOSCALER, WORKLOADS
from chaos_runner.targets.kubernetes.pods import read_workload, ref_of
from chaos_runner.targets.kubernetes.rights import Need

_LEAST: Path = ["spec", "minReplicas"]
_MOST: Path = ["spec", "maxReplicas"]


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
        found = autoscaler_of(at, refs[0])
        if found is None:
            raise NoTarget(f"{refs[0].label} has no HorizontalPodAutoscaler")
        return [Wanted(at, ref_of(at, AUTOSCALER.name, found), [Field(_LEAST, now), Field(_MOST, now)])]

    def touches(self, path: Sequence[str | dict[str, str]]) -> bool:
        return list(path) in (_LEAST, _MOST)
