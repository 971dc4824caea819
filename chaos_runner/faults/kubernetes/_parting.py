"""Pods that are made to go, by whatever way, and that their workload replaces."""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final, TypeVar

from msgspec import Struct, to_builtins

from chaos_runner.contracts import Act, Answer, Candidate, Evidence, Example, Grade, Restored, Setting
from chaos_runner.errors import ActFailed, Gone, NoTarget
from chaos_runner.faults.kubernetes._fault import KubernetesFault
from chaos_runner.faults.kubernetes._pods import NEEDS, check_healed, pod_of, ref_of_act
from chaos_runner.faults.kubernetes._workloads import workloads_there
from chaos_runner.targets.kubernetes.access import PATIENCE_S, Cluster, Denied, same_cluster
from chaos_runner.targets.kubernetes.aftermath import events_about, replacements
from chaos_runner.targets.kubernetes.events import INJECTED, tell
from chaos_runner.targets.kubernetes.kinds import Ref
from chaos_runner.targets.kubernetes.objects import Pod
from chaos_runner.targets.kubernetes.pods import PodTarget, find

A = TypeVar("A", bound=Struct)
_UNHEARD: Final = "an answer was lost, so it was asked for more than once"


class PartingFault(KubernetesFault[PodTarget, A]):
    """Sends pods off by name and UID: one that was replaced meanwhile is not hit, one that no workload would replace is
    refused. A fault says only how a pod is sent off.
    """

    target = PodTarget
    healed_by = "their workload, which makes new pods"
    needs = NEEDS
    example = Example(target={"namespace": "shop", "workload": "deployment/checkout", "count": 1})
    deed: ClassVar[str]
    """What has become of a pod: "deleted"."""

    @abstractmethod
    def order(self, arguments: A) -> dict[str, Any]:
        """What an act keeps of the arguments. Raises Refused for what is not possible."""

    @abstractmethod
    def send_off(self, at: Cluster, ref: Ref, do: Mapping[str, Any]) -> str:
        """Asks that this very pod goes. Gives what is against it, or "" when it is granted. Raises Gone for one that is
        not there, or has another UID.
        """

    def prepare(self, target: PodTarget, arguments: A, setting: Setting) -> list[Act]:
        do = self.order(arguments)
        found = find(target, setting.seed)
        for pod in found.pods:
            check_healed(pod)
        self.check_allowed([found.ref(pod) for pod in found.pods], setting)
        return [Act(target=to_builtins(ref := found.ref(pod)), do=do, label=ref.label, group=found.group,
                    where=ref.where(pod.metadata.labels), was=_was(pod))
                for pod in found.pods]

    def candidates(self, given: Mapping[str, Any]) -> list[Candidate]:
        return workloads_there(given, {"count": 1})

    def apply(self, act: Act) -> Evidence:
        ref = ref_of_act(act)
        at = same_cluster(ref.context, ref.server).within(PATIENCE_S)
        if not _stays(pod_of(at, ref)):
            raise NoTarget(f"{ref.label} was gone, or going, before it was hit")
        asked = at.within(PATIENCE_S)
        try:
            against = self.send_off(asked, ref, act.do)
        except (Gone, Denied) as problem:
            return self._unsure(asked, act, problem)
        there = pod_of(at, ref)
        if against and _stays(there):
            return Evidence(grade=Grade.NONE, before=_before(act), after=f"not {self.deed}: {against}")
        if _stays(there):
            raise ActFailed(f"{ref.label} is still there and not on its way out, although the API server has said that "
                            f"it is {self.deed}: something keeps it")
        return self._told(at, act, "ending" if there else "gone")

    def _unsure(self, asked: Cluster, act: Act, problem: Exception) -> Evidence:
        """It was there, and now it is not, or must not be sent off: our own doing if we were not heard before."""
        if not asked.unheard:
            raise NoTarget(f"{act.label} was gone before it was hit") if isinstance(problem, Gone) else problem
        there = pod_of(asked, ref_of_act(act))
        if _stays(there):
            raise ActFailed(f"{problem}; {_UNHEARD}") from problem
        return self._told(asked, act, f"{'ending' if there else 'gone'}; {_UNHEARD}")

    def undo(self, act: Act) -> None:
        """Nothing: its workload brings another."""

    def aftermath(self, act: Act, since: datetime) -> list[str]:
        ref = ref_of_act(act)
        at = same_cluster(ref.context, ref.server)
        return [*replacements(at, ref.namespace, act.was["owner_uid"], since), *events_about(at, ref, since)]

    def verify(self, act: Act) -> Restored:
        ref = ref_of_act(act)
        if _stays(pod_of(same_cluster(ref.context, ref.server), ref)):
            return Restored(answer=Answer.RESTORED, diff=f"{act.label} was not {self.deed}")
        return Restored(answer=Answer.GONE, diff=f"{act.label} does not come back; {act.was['owner']} makes another")

    def _told(self, at: Cluster, act: Act, state: str) -> Evidence:
        ref = ref_of_act(act)
        tell(at, ref, INJECTED, f"{self.name}: {self.deed}")
        return Evidence(before=_before(act), after=f"the pod of UID {ref.uid}: {state}")


def _stays(pod: Pod | None) -> bool:
    """Whether it is there, and not on its way out."""
    return pod is not None and pod.metadata.deletion_timestamp is None


def _before(act: Act) -> str:
    return "ready" if act.was["ready"] else "not ready"


def _was(pod: Pod) -> dict[str, Any]:
    owner = pod.metadata.owner
    assert owner  # noqa: S101 -- a pod without one was refused
    return {"owner": owner.name, "owner_uid": owner.uid, "ready": pod.ready}
