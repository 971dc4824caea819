"""kubernetes.pod_evict: asks for pods to leave, as a drain does; their disruption budgets have a say."""

import time

from msgspec import Struct, to_builtins

from chaos_runner.contracts import (
    Act,
    Answer,
    Band,
    Evidence,
    Example,
    Grade,
    Restored,
    Seconds,
    Setting,
)
from chaos_runner.errors import Gone, NoTarget, Refused
from chaos_runner.faults.kubernetes._evicting import EVICT, check_deadline
from chaos_runner.faults.kubernetes._fault import KubernetesFault
from chaos_runner.faults.kubernetes._pods import NEEDS, check_healed, pod_of, ref_of_act
from chaos_runner.targets.kubernetes.access import Cluster, same_cluster
from chaos_runner.targets.kubernetes.kinds import POD, Ref
from chaos_runner.targets.kubernetes.leaving import evict
from chaos_runner.targets.kubernetes.pods import PodTarget, find
from chaos_runner.targets.kubernetes.rights import Need, Permissions

_AGAIN_S = 1.0


class PodEvictArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`grace`: how long the pods may take to end; without it they have the time that they ask for. `deadline`: how long
    each is asked again while a budget forbids it, up to 50 s; 0 asks once.
    """

    grace: Seconds | None = None
    deadline: Seconds = 0.0


class PodEvict(KubernetesFault[PodTarget, PodEvictArguments]):
    """Evicts pods by name and UID through the Eviction API. What a PodDisruptionBudget forbids is not done, and is told
    as a fault without effect: the run is inconclusive, never passed. A pod that no workload would replace is refused.
    """

    target = PodTarget
    arguments = PodEvictArguments
    band = Band(word="evicted")
    healed_by = "their workload, which makes new pods"
    permissions = Permissions(do=(Need("get", POD), EVICT))
    needs = NEEDS
    example = Example(target={"namespace": "shop", "workload": "deployment/checkout", "count": 1})

    def prepare(self, target: PodTarget, arguments: PodEvictArguments, setting: Setting) -> list[Act]:
        check_deadline(arguments.deadline)
        found = find(target, setting.seed)
        for pod in found.pods:
            check_healed(pod)
        self.check_allowed([found.ref(pod) for pod in found.pods], setting)
        grace = {} if arguments.grace is None else {"grace_s": round(arguments.grace)}
        return [Act(target=to_builtins(ref := found.ref(pod)), do={"deadline_s": arguments.deadline, **grace},
                    label=ref.label, group=found.group, where=ref.where(pod.metadata.labels),
                    was={"owner": pod.metadata.owner_references[0].name, "ready": pod.ready})
                for pod in found.pods]

    def apply(self, act: Act) -> Evidence:
        ref = ref_of_act(act)
        at = same_cluster(ref.context, ref.server)
        before = "ready" if act.was["ready"] else "not ready"
        try:
            against = _ask(at, ref, act.do.get("grace_s"), time.monotonic() + act.do["deadline_s"])
        except Gone as gone:
            raise NoTarget(f"{ref.label} was gone before it was hit") from gone
        if against:
            return Evidence(grade=Grade.NONE, before=before, after=f"not evicted: {against}")
        there = pod_of(at, ref)
        if there is not None and there.metadata.deletion_timestamp is None:
            raise Refused(f"{ref.label} was not evicted: something keeps it")
        state = "gone" if there is None else "ending"
        return Evidence(before=before, after=f"the pod of UID {ref.uid}: {state}")

    def undo(self, act: Act) -> None:
        """Nothing: its workload brings another."""

    def verify(self, act: Act) -> Restored:
        ref = ref_of_act(act)
        there = pod_of(same_cluster(ref.context, ref.server), ref)
        if there is not None and there.metadata.deletion_timestamp is None:
            return Restored(answer=Answer.RESTORED, diff=f"{act.label} was not evicted")
        return Restored(answer=Answer.GONE, diff=f"{act.label} does not come back; {act.was['owner']} makes another")


def _ask(at: Cluster, ref: Ref, grace_s: int | None, until_s: float) -> str:
    """What is against it until then; "" once it is granted."""
    while True:
        against = evict(at, ref, grace_s)
        if not against or time.monotonic() + _AGAIN_S > until_s:
            return against
        time.sleep(_AGAIN_S)
