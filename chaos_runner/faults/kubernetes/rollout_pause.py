"""kubernetes.rollout_pause: a Deployment's rollout stands still; undo lets it go on."""

from collections.abc import Sequence

from chaos_runner.contracts import Band, Example, NoArguments, Setting
from chaos_runner.faults.kubernetes._change import ChangeFault, Wanted
from chaos_runner.faults.kubernetes._workloads import WorkloadTarget, chosen
from chaos_runner.targets.kubernetes.fields import Field, Path
from chaos_runner.targets.kubernetes.kinds import WORKLOADS

_PATH: Path = ["spec", "paused"]


class RolloutPause(ChangeFault[WorkloadTarget, NoArguments]):
    """Pauses Deployments and Argo Rollouts: what is changed meanwhile takes effect only after the undo."""

    target = WorkloadTarget
    band = Band(word="paused")
    kinds = (WORKLOADS["deployment"], WORKLOADS["rollout"])
    example = Example(target={"namespace": "shop", "workload": "deployment/checkout"})

    def wanted(self, target: WorkloadTarget, arguments: NoArguments, setting: Setting) -> list[Wanted]:  # noqa: ARG002
        at, found = chosen(target, self.kinds)
        return [Wanted(at, ref, [Field(_PATH, value=True)]) for ref in found]

    def touches(self, path: Sequence[str | dict[str, str]]) -> bool:
        return list(path) == _PATH
