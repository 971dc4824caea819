"""kubernetes.pod_kill: deletes pods; their workload makes new ones."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, to_builtins

from chaos_runner.contracts import (
    Act,
    Answer,
    Band,
    Candidate,
    Evidence,
    Example,
    Restored,
    Seconds,
    Setting,
)
from chaos_runner.errors import Gone, NoTarget, Refused
from chaos_runner.faults.kubernetes._fault import KubernetesFault
from chaos_runner.faults.kubernetes._pods import NEEDS, check_healed, pod_of, ref_of_act
from chaos_runner.faults.kubernetes._workloads import workloads_there
from chaos_runner.targets.kubernetes.access import same_cluster
from chaos_runner.targets.kubernetes.aftermath import events_about, replacements
from chaos_runner.targets.kubernetes.events import INJECTED, tell
from chaos_runner.targets.kubernetes.kinds import POD
from chaos_runner.targets.kubernetes.objects import Pod
from chaos_runner.targets.kubernetes.pods import PodTarget, find
from chaos_runner.targets.kubernetes.rights import Need, Permissions


class PodKillArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the pods may take to end; 0 kills them at once. Without `grace` they have the time that they ask for."""

    grace: Seconds | None = None


class PodKill(KubernetesFault[PodTarget, PodKillArguments]):
    """Deletes pods by name and UID: one that was replaced meanwhile is not hit. A pod that no workload would replace is
    refused.
    """

    target = PodTarget
    arguments = PodKillArguments
    band = Band(word="killed")
    healed_by = "their workload, which makes new pods"
    permissions = Permissions(do=(Need("get", POD), Need("delete", POD)))
    needs = NEEDS
    example = Example(target={"namespace": "shop", "workload": "deployment/checkout", "count": 1})

    def prepare(self, target: PodTarget, arguments: PodKillArguments, setting: Setting) -> list[Act]:
        found = find(target, setting.seed)
        for pod in found.pods:
            check_healed(pod)
        self.check_allowed([found.ref(pod) for pod in found.pods], setting)
        do = {} if arguments.grace is None else {"grace_s": round(arguments.grace)}
        return [Act(target=to_builtins(ref := found.ref(pod)), do=do, label=ref.label, group=found.group,
                    where=ref.where(pod.metadata.labels), was=_was(pod))
                for pod in found.pods]

    def candidates(self, given: Mapping[str, Any]) -> list[Candidate]:
        return workloads_there(given, {"count": 1})

    def apply(self, act: Act) -> Evidence:
        ref = ref_of_act(act)
        at = same_cluster(ref.context, ref.server)
        grace = {"gracePeriodSeconds": act.do["grace_s"]} if "grace_s" in act.do else {}
        try:
            at.delete(ref.path, {"preconditions": {"uid": ref.uid}, **grace})
        except Gone as gone:
            raise NoTarget(f"{ref.label} was gone before it was hit") from gone
        tell(at, ref, INJECTED, f"{self.name}: deleted")
        there = pod_of(at, ref)
        if there is not None and there.metadata.deletion_timestamp is None:
            raise Refused(f"{ref.label} was not deleted: something keeps it")
        state = "gone" if there is None else "ending"
        return Evidence(before="ready" if act.was["ready"] else "not ready", after=f"the pod of UID {ref.uid}: {state}")

    def undo(self, act: Act) -> None:
        """Nothing: its workload brings another."""

    def aftermath(self, act: Act, since: datetime) -> list[str]:
        ref = ref_of_act(act)
        at = same_cluster(ref.context, ref.server)
        return [*replacements(at, ref.namespace, act.was["owner_uid"], since), *events_about(at, ref, since)]

    def verify(self, act: Act) -> Restored:
        return Restored(answer=Answer.GONE, diff=f"{act.label} does not come back; {act.was['owner']} makes another")


def _was(pod: Pod) -> dict[str, Any]:
    owner = pod.metadata.owner
    assert owner  # noqa: S101 -- a pod without one was refused
    return {"owner": owner.name, "owner_uid": owner.uid, "ready": pod.ready}
