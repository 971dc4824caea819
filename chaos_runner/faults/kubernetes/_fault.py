"""What all faults on Kubernetes share: what they need is said once, and they are told of in the cluster itself."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from msgspec import convert

from chaos_runner.contracts import Act, Fault, Right, Setting
from chaos_runner.targets.kubernetes.access import same_cluster
from chaos_runner.targets.kubernetes.aftermath import events_about
from chaos_runner.targets.kubernetes.events import EVENTS
from chaos_runner.targets.kubernetes.kinds import EVENT, KINDS, POD, Ref
from chaos_runner.targets.kubernetes.notes import LOOKS, notes_on
from chaos_runner.targets.kubernetes.rights import (
    DO,
    LOOK,
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
        return [*target.looks(space), *around, *demands(self.permissions, hit), *self.beside(hit), *events]

    def check_allowed(self, refs: Sequence[Ref], setting: Setting) -> None:
        """Raises Refused when this user may not do it to all of these, and undo it; not where it is only looked."""
        if not setting.looking:
            check_rights([right for ref in _unlike(refs) for right in self._rights(ref)])

    def _rights(self, ref: Ref) -> list[Right]:
        at, kind = same_cluster(ref.context, ref.server), KINDS[ref.kind]
        beside = self.beside(Hit(kind, ref.namespace, (ref.name,)))
        return [*rights(at, self.permissions, ref, kind),
                *(right(at, one.purpose, one.need, one.namespace) for one in beside if one.purpose != LOOK)]


def _unlike(refs: Sequence[Ref]) -> list[Ref]:
    """Those that need different rights: all pods of a namespace need the same."""
    found: dict[tuple[str, str, str], Ref] = {}
    for ref in refs:
        found.setdefault((ref.kind, ref.namespace, "" if ref.kind == POD.name else ref.name), ref)
    return list(found.values())
