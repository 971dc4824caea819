"""kubernetes.scale: gives a workload another number of replicas; undo gives back the number it had."""

from collections.abc import Sequence

from msgspec import Struct

from chaos_runner.contracts import Band, Example, Setting
from chaos_runner.errors import Refused
from chaos_runner.faults.kubernetes._change import ChangeFault, Wanted
from chaos_runner.faults.kubernetes._workloads import WorkloadTarget, autoscaler_of, chosen
from chaos_runner.targets.kubernetes.fields import Field, Path
from chaos_runner.targets.kubernetes.kinds import WORKLOADS

_PATH: Path = ["spec", "replicas"]


class ScaleArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many replicas it is to have."""

    replicas: int


class Scale(ChangeFault[WorkloadTarget, ScaleArguments]):
    """Scales Deployments, StatefulSets, ReplicaSets or Argo Rollouts, down to nothing if that is asked.

    An autoscaler would fight it, so a workload that has one is refused: see kubernetes.hpa_freeze.
    """

    target = WorkloadTarget
    arguments = ScaleArguments
    band = Band(word="scaled")
    kinds = tuple(WORKLOADS[name] for name in ("deployment", "statefulset", "replicaset", "rollout"))
    example = Example(target={"namespace": "shop", "workload": "deployment/checkout"}, arguments={"replicas": 1})

    def wanted(self, target: WorkloadTarget, arguments: ScaleArguments, setting: Setting) -> list[Wanted]:  # noqa: ARG002
        if arguments.replicas < 0:
            raise Refused(f"{arguments.replicas} replicas: a number from 0 on")
        at, found = chosen(target, self.kinds)
        scaler = autoscaler_of(at, found[0])
        if scaler:
            raise Refused(f"{found[0].label} is scaled by the autoscaler {scaler.metadata.name}, which would fight it: "
                          "hold it with kubernetes.hpa_freeze")
        return [Wanted(at, ref, [Field(_PATH, arguments.replicas)]) for ref in found]

    def touches(self, path: Sequence[str | dict[str, str]]) -> bool:
        return list(path) == _PATH
