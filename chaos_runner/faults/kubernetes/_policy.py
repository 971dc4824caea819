"""A fault that is a NetworkPolicy of ours, for as long as it lasts.

A whole workload is selected as it selects its own pods, so pods that come later are hit as well. Single pods get a
label of ours each, which only our policy knows. The policy is made first and deleted last: while the label stands on a
pod, the policy tells whose it is. So several such faults can be on one pod, and none hides another's mark.
"""

from abc import abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from chaos_runner.contracts import Act, Answer, Candidate, Evidence, Grade, Marked, Restored, Right, Setting
from chaos_runner.errors import ActFailed, Gone, NoTarget, Refused
from chaos_runner.faults.kubernetes._change import again, read
from chaos_runner.faults.kubernetes._fault import KubernetesFault
from chaos_runner.faults.kubernetes._isolated import (
    Selected,
    check_alone,
    check_reachable,
    hits,
    label_of,
    whole_or_pods,
)
from chaos_runner.faults.kubernetes._made import Made, body, found, is_ours, make, name_of, remove, tried
from chaos_runner.faults.kubernetes._pods import ref_of_act
from chaos_runner.faults.kubernetes._workloads import workloads_there
from chaos_runner.mark import Mark, parse
from chaos_runner.targets.kubernetes.access import JSON_PATCH, Cluster, Denied, cluster, same_cluster
from chaos_runner.targets.kubernetes.events import ENDED, INJECTED, tell
from chaos_runner.targets.kubernetes.fields import Field, value_at, with_fields
from chaos_runner.targets.kubernetes.kinds import POD, POLICY, WORKLOADS, Ref
from chaos_runner.targets.kubernetes.marks import RUN, Told, annotations, held_by, told
from chaos_runner.targets.kubernetes.objects import Meta, Whole
from chaos_runner.targets.kubernetes.pods import Chosen, PodTarget, find
from chaos_runner.targets.kubernetes.policies import ENFORCEMENT_LOOKS, Way, enforcement
from chaos_runner.targets.kubernetes.rights import DO, HIT, UNDO, Demand, Hit, Need, Permissions

NEEDS: Final = ("a Kubernetes cluster whose network enforces NetworkPolicies, and the right to create and delete them; "
                "for single pods, to patch pods as well")
_LABEL: Final = Need("patch", POD)
A = TypeVar("A")


class Rules(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """In which directions pods are isolated, and what they may do nevertheless."""

    policy_types: list[Way]
    ingress: list[dict[str, Any]] = []
    egress: list[dict[str, Any]] = []


class _Of(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom a policy of ours is for."""

    kind: str
    name: str
    uid: str


class PolicyFault(KubernetesFault[PodTarget, A], Generic[A]):
    """A policy for a workload, or one for each of single pods. Its name is that of its file."""

    target = PodTarget
    permissions = Permissions(
        look=(Need("list", POLICY),), do=(Need("get", HIT), Need("get", POLICY), Need("create", POLICY)),
        undo=(Need("get", HIT), Need("get", POLICY), Need("delete", POLICY)))
    needs = NEEDS
    undone_by = "the NetworkPolicy is deleted, and our label is taken off the pods"

    @abstractmethod
    def rules(self, chosen: Chosen, arguments: A) -> Rules:
        """What the policy says. Raises Refused, NoEffect, UsageError."""

    def prepare(self, target: PodTarget, arguments: A, setting: Setting) -> list[Act]:
        chosen = find(target, setting.seed)
        check_reachable(chosen.pods)
        rules = self.rules(chosen, arguments)
        check_alone(chosen, rules.policy_types)
        enforced = str(enforcement(chosen.cluster))
        found = hits(chosen, target, setting.mark)
        self.check_allowed([hit.ref for hit in found], setting)
        acts = [self._act(hit, rules, enforced, setting) for hit in found]
        for act in acts if not setting.looking else []:
            tried(_made(act), self._body(act))
        return acts

    def candidates(self, given: Mapping[str, Any]) -> list[Candidate]:
        return workloads_there(given)

    def rights(self, act: Act) -> list[Right]:
        return [Right(verb="do", needs=act.was["enforced"]), *super().rights(act)]

    def hit(self, target: PodTarget, space: str) -> Hit:
        """A workload where all of it is meant, else pods."""
        return whole_or_pods(target, space)

    def beside(self, hit: Hit) -> list[Demand]:
        """Single pods get a label; and what enforces policies is looked for in the whole cluster."""
        labels = [Demand(purpose, _LABEL, hit.namespace) for purpose in (DO, UNDO)] if hit.kind == POD else []
        return [*labels, *ENFORCEMENT_LOOKS]

    def apply(self, act: Act) -> Evidence:
        ref, made = ref_of_act(act), _made(act)
        _check_there(made.at, ref)
        make(made, self._body(act))
        try:
            if ref.kind == POD.name:
                again(partial(_set_label, made, ref, _mark(act).run))
        except (Refused, Gone) as problem:
            raise ActFailed(str(problem)) from problem
        if not is_ours(made, act.do["mark"]):
            raise ActFailed(f"{made.label} was made, and is not there")
        tell(made.at, ref, INJECTED, f"{self.name}: {made.label} {_spoken(act)}; mark {act.do['mark']}")
        return Evidence(grade=Grade.REPORTED, before="no policy of ours",
                        after=f"read back: {made.label} {_spoken(act)}; not measured, and {act.was['enforced']}")

    def undo(self, act: Act) -> None:
        ref, made = ref_of_act(act), _made(act)
        try:
            if ref.kind == POD.name:
                again(partial(_take_label, made, ref, _mark(act).run))
            undone = remove(made, act.do["mark"])
        except Denied as denied:
            raise ActFailed(str(denied)) from denied
        if undone:
            tell(made.at, ref, ENDED, f"{self.name} is undone; mark {act.do['mark']}")

    def verify(self, act: Act) -> Restored:
        ref, made = ref_of_act(act), _made(act)
        there, labels = found(made), _labels(made.at, ref)
        if there is not None and held_by(there) == act.do["mark"]:
            return Restored(answer=Answer.NOT_RESTORED, diff=f"{made.label} is still there")
        if labels is not None and labels.get(label_of(made.name)) == _mark(act).run:
            return Restored(answer=Answer.NOT_RESTORED, diff=f"{ref.label} still bears our label")
        if there is not None:
            return Restored(answer=Answer.DRIFT, diff=f"somebody took our mark off {made.label}; left as it is")
        if labels is None:
            return Restored(answer=Answer.GONE, diff=f"{ref.label} is no longer there, and our policy neither")
        return Restored(answer=Answer.RESTORED)

    def by_hand(self, act: Act) -> str:
        ref, policy = ref_of_act(act), _policy_ref(act)
        label = f"; {ref.command('label', f'{label_of(policy.name)}-')}" if ref.kind == POD.name else ""
        return f"{policy.command('delete')}{label}"

    def marked(self, where: str) -> list[Marked]:
        """The policies that bear a mark of this fault in the cluster of that context."""
        at = cluster(where)
        return [self._marked(at, one.metadata, said, where)
                for one in at.list(POLICY.path(""), Whole, {"labelSelector": RUN}).items
                if (said := told(one.metadata)) and said.fault == self.name]

    def _act(self, hit: Selected, rules: Rules, enforced: str, setting: Setting) -> Act:
        mark = setting.mark.signed(setting.key, self.name, hit.ref.uid)
        spec = {"podSelector": hit.selector, **msgspec.to_builtins(rules)}
        return Act(target=msgspec.to_builtins(hit.ref), do={"mark": str(mark), "spec": spec},
                   was={"enforced": enforced}, label=hit.ref.label, group=hit.group, where=hit.ref.where(hit.labels))

    def _body(self, act: Act) -> dict[str, Any]:
        ref, mark = ref_of_act(act), _mark(act)
        of = {"of": {"kind": ref.kind, "name": ref.name, "uid": ref.uid}}
        return body(_made(act), mark, annotations(mark, self.name, of, {}), act.do["spec"])

    def _marked(self, at: Cluster, meta: Meta, said: Told, where: str) -> Marked:
        of, doubt = self._of(meta, said)
        ref = Ref(context=at.context, server=at.server, kind=of.kind, namespace=meta.namespace, name=of.name,
                  uid=of.uid)
        act = Act(target=msgspec.to_builtins(ref), do={"mark": str(said.mark)}, was={}, label=ref.label)
        return Marked(mark=said.mark, act=act, fault=self.name, where=where, target=of.uid, doubt=doubt)

    def _of(self, meta: Meta, said: Told) -> tuple[_Of, str]:
        """Whom the policy says it is for; else the policy itself, and why it cannot be one that we made."""
        itself = _Of(kind=POLICY.name, name=meta.name, uid=meta.uid)
        try:
            of = msgspec.convert(said.do.get("of"), _Of)
        except msgspec.ValidationError:
            return itself, f"{self.name} never writes such a mark"
        if of.kind not in (POD.name, *WORKLOADS) or meta.name != name_of(said.mark, of.uid):
            return itself, f"{self.name} would have called it otherwise"
        return of, ""


def _policy_ref(act: Act) -> Ref:
    ref = ref_of_act(act)
    name = ref.name if ref.kind == POLICY.name else name_of(_mark(act), ref.uid)
    return msgspec.structs.replace(ref, kind=POLICY.name, name=name, uid="")


def _made(act: Act) -> Made:
    policy = _policy_ref(act)
    return Made(same_cluster(policy.context, policy.server), POLICY, policy.namespace, policy.name)


def _mark(act: Act) -> Mark:
    mark = parse(act.do["mark"])
    if mark is None:
        raise ActFailed(f"{act.label}: {act.do['mark']!r} is no mark of ours")
    return mark


def _check_there(at: Cluster, ref: Ref) -> None:
    try:
        there = read(at, ref)
    except Gone as gone:
        raise NoTarget(str(gone)) from gone
    if there["metadata"].get("deletionTimestamp"):
        raise NoTarget(f"{ref.label} is being deleted")


def _labels(at: Cluster, ref: Ref) -> dict[str, str] | None:
    """The target's labels. None when it is no longer there."""
    try:
        labels: dict[str, str] = read(at, ref)["metadata"].get("labels", {})
    except Gone:
        return None
    return labels


def _set_label(made: Made, ref: Ref, run: str) -> None:
    there = read(made.at, ref)
    field = Field(["metadata", "labels", label_of(made.name)], run)
    if value_at(there, field.path) != run:
        made.at.patch(ref.path, with_fields(there, [field]), JSON_PATCH)


def _take_label(made: Made, ref: Ref, run: str) -> None:
    """A pod that is gone has no label of ours."""
    try:
        there = read(made.at, ref)
        field = Field(["metadata", "labels", label_of(made.name)])
        if value_at(there, field.path) == run:
            made.at.patch(ref.path, with_fields(there, [field]), JSON_PATCH)
    except Gone:
        return


def _spoken(act: Act) -> str:
    return f"isolates {' and '.join(act.do['spec']['policyTypes']).lower()}"
