"""kubernetes.rollout_restart: a workload replaces all its pods, one after the other, as after a release."""

from datetime import UTC, datetime

from msgspec import convert, json, to_builtins

from chaos_runner.contracts import Act, Answer, Band, Evidence, Example, NoArguments, Restored, Setting
from chaos_runner.errors import Gone, NoTarget
from chaos_runner.faults.kubernetes._change import NEEDS
from chaos_runner.faults.kubernetes._fault import KubernetesFault
from chaos_runner.faults.kubernetes._template import ROLLED
from chaos_runner.faults.kubernetes._workloads import WorkloadTarget, chosen
from chaos_runner.targets.kubernetes.access import MERGE, same_cluster
from chaos_runner.targets.kubernetes.events import INJECTED, tell
from chaos_runner.targets.kubernetes.fields import value_at
from chaos_runner.targets.kubernetes.kinds import Ref
from chaos_runner.targets.kubernetes.rights import HIT, Need, Permissions

_KEY = "chaos-runner.io/restarted-at"


class RolloutRestart(KubernetesFault[WorkloadTarget, NoArguments]):
    """Writes the moment into the template's annotations, which makes the workload roll."""

    target = WorkloadTarget
    band = Band(word="rolling")
    healed_by = "the workload itself, which rolls to pods as they were"
    permissions = Permissions(do=(Need("patch", HIT),))
    needs = NEEDS
    example = Example(target={"namespace": "shop", "workload": "deployment/checkout"})

    def prepare(self, target: WorkloadTarget, arguments: NoArguments, setting: Setting) -> list[Act]:  # noqa: ARG002
        _, found = chosen(target, ROLLED)
        self.check_allowed(found, setting)
        return [Act(target=to_builtins(ref), do={"mark": str(setting.mark)}, was={}, label=ref.label,
                    where=ref.where({})) for ref in found]

    def apply(self, act: Act) -> Evidence:
        ref = convert(act.target, Ref)
        said = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {act.do['mark']}"
        body = {"metadata": {"uid": ref.uid}, "spec": {"template": {"metadata": {"annotations": {_KEY: said}}}}}
        try:
            there = json.decode(same_cluster(ref.context, ref.server).patch(ref.path, body, MERGE))
        except Gone as gone:
            raise NoTarget(str(gone)) from gone
        tell(same_cluster(ref.context, ref.server), ref, INJECTED, f"{self.name}: mark {act.do['mark']}")
        return Evidence(before=f"generation {int(value_at(there, ['metadata', 'generation'])) - 1}",
                        after=f"generation {value_at(there, ['metadata', 'generation'])}, rolling")

    def undo(self, act: Act) -> None:
        """Nothing: its pods are made as they were."""

    def verify(self, act: Act) -> Restored:
        return Restored(answer=Answer.GONE, diff=f"{act.label} rolls to pods as they were")
