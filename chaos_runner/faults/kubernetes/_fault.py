"""What all faults on Kubernetes share: what they need is said once, and they are told of in the cluster itself."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar, Generic, TypeVar

from msgspec import convert, to_builtins

from chaos_runner.contracts import Act, Answer, Fault, Mark, Marked, Restored, Right, Setting
from chaos_runner.errors import ActFailed, Gone
from chaos_runner.mark import Key
from chaos_runner.targets.kubernetes import leases
from chaos_runner.targets.kubernetes.access import Cluster, Denied, cluster, same_cluster
from chaos_runner.targets.kubernetes.aftermath import events_about
from chaos_runner.targets.kubernetes.events import EVENTS
from chaos_runner.targets.kubernetes.kinds import EVENT, KINDS, LEASE, POD, Ref
from chaos_runner.targets.kubernetes.marks import held_by, told
from chaos_runner.targets.kubernetes.notes import LOOKS, notes_on
from chaos_runner.targets.kubernetes.objects import Whole
from chaos_runner.targets.kubernetes.pods import ref_of
from chaos_runner.targets.kubernetes.rights import (
    DO,
    LOOK,
    UNDO,
    Aim,
    Demand,
    Hit,
    Permissions,
    check_rights,
    demands,
    look,
    right,
    rights,
)

T = TypeVar("T", bound=Aim)
A = TypeVar("A")


class KubernetesFault(Fault[T, A], Generic[T, A]):
    """A fault whose acts have a Ref as their target."""

    permissions: ClassVar[Permissions]
    """What it needs, for each of its verbs."""

    @property
    def name(self) -> str:
        """Its name on the shelf: that of its file."""
        return f"kubernetes.{type(self).__module__.rpartition('.')[2]}"

    def rights(self, act: Act) -> list[Right]:
        return self._rights(convert(act.target, Ref))

    def notes(self, acts: Sequence[Act]) -> list[str]:
        return notes_on([convert(act.target, Ref) for act in acts])

    def aftermath(self, act: Act, since: datetime) -> list[str]:
        """The cluster's Events about the target."""
        ref = convert(act.target, Ref)
        return events_about(same_cluster(ref.context, ref.server), ref, since)

    def hit(self, target: T, space: str) -> Hit:
        """What it hits, for a target; where that is not what the target names, a fault says so here."""
        return target.hits(space)

    def beside(self, hit: Hit) -> list[Demand]:  # noqa: ARG002 -- for those who override it
        """What it needs of objects other than what is hit, though they be of that kind: of what it makes itself."""
        return []

    def demands(self, target: T, space: str) -> list[Demand]:
        """All that it needs for this target, without asking a cluster: for a role that has no more."""
        hit = self.hit(target, space)
        events = [Demand(DO, EVENTS, hit.namespace or "default"), look("list", EVENT, hit.namespace)]
        around = [one._replace(namespace=hit.namespace if one.need.kind.namespaced else "") for one in LOOKS]
        holding = [Demand(purpose, need, hit.namespace) for purpose, needs in ((DO, leases.HOLD), (UNDO, leases.LET_GO))
                   for need in needs if hit.namespace]
        return [*target.looks(space), *around, *demands(self.permissions, hit), *self.beside(hit), *events, *holding]

    def check_allowed(self, refs: Sequence[Ref], setting: Setting) -> None:
        """Raises Refused when this user may not do it to all of these, and undo it, or when another run has hold of one
        of their groups; not where it is only looked.
        """
        if setting.looking or not refs:
            return
        check_rights([right for ref in _unlike(refs) for right in self._rights(ref)])
        at = same_cluster(refs[0].context, refs[0].server)
        leases.check_free(at, refs, setting.mark.run, datetime.now(UTC))

    def hold(self, act: Act, mark: Mark, key: Key) -> None:
        """A Lease on the group of what is hit."""
        ref = convert(act.target, Ref)
        leases.hold(same_cluster(ref.context, ref.server), ref, mark, self.name, key)

    def let_go(self, acts: Sequence[Act], mark: Mark) -> None:
        refs = [convert(act.target, Ref) for act in acts]
        for context, server, space in dict.fromkeys((ref.context, ref.server, ref.namespace) for ref in refs):
            if space:
                leases.let_go(same_cluster(context, server), space, mark.run)

    def held(self, where: str) -> list[Marked]:
        """The Leases that faults have taken in the cluster of that context."""
        at = cluster(where)
        return [Marked(mark=said.mark, fault=said.fault, where=at.context, hold=True,
                       target=f"{lease.metadata.namespace}/{lease.metadata.name}", act=_act_of(at, lease))
                for lease in leases.ours(at, "") if (said := told(lease.metadata))]

    def release(self, act: Act) -> Restored:
        ref = convert(act.target, Ref)
        at = same_cluster(ref.context, ref.server)
        try:
            meta = at.get(ref.path, Whole).metadata
            if meta.uid == ref.uid and held_by(meta) == act.do["mark"]:
                leases.delete(at, meta)
            return Restored(answer=Answer.RESTORED)
        except Gone:
            return Restored(answer=Answer.GONE)
        except Denied as denied:
            raise ActFailed(str(denied)) from denied

    def _rights(self, ref: Ref) -> list[Right]:
        at, kind = same_cluster(ref.context, ref.server), KINDS[ref.kind]
        beside = self.beside(Hit(kind, ref.namespace, (ref.name,)))
        return [*rights(at, self.permissions, ref, kind),
                *(right(at, one.purpose, one.need, one.namespace) for one in beside if one.purpose != LOOK)]


def _act_of(at: Cluster, lease: leases.Lease) -> Act:
    ref = ref_of(at, LEASE.name, Whole(metadata=lease.metadata))
    return Act(target=to_builtins(ref), do={"mark": held_by(lease.metadata)}, was={}, label=ref.label)


def _unlike(refs: Sequence[Ref]) -> list[Ref]:
    """Those that need different rights: all pods of a namespace need the same."""
    found: dict[tuple[str, str, str], Ref] = {}
    for ref in refs:
        found.setdefault((ref.kind, ref.namespace, "" if ref.kind == POD.name else ref.name), ref)
    return list(found.values())
