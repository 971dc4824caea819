"""The way back of every action of the package: what they have in common."""

from collections.abc import Callable, Iterable

from chaos_runner.contracts import Act, Restored
from chaos_runner.errors import NoTarget
from chaos_runner.inverses._looking import Access, Asked, Looking
from chaos_runner.inverses.chaosk8s import _fields, _presence
from chaos_runner.inverses.chaosk8s._state import Change
from chaos_runner.inverses.chaosk8s._things import Thing, cluster_again, cluster_of
from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.kinds import SECRET, Kind
from chaos_runner.targets.kubernetes.rights import Need, check_way_back

Find = Callable[[Cluster, Asked], Iterable[Change | None]]
"""What an action with these arguments would change. Raises NoTarget, and KeyError for an argument that is not there."""


class Known(Looking):
    """An action of chaostoolkit-kubernetes, by what it changes."""

    def __init__(self, find: Find, says: str = "") -> None:
        self._find = find
        self.says = says

    def look(self, asked: Asked) -> list[Act]:
        at = cluster_of(asked.call.access)
        earlier = [Change.of(act) for act in asked.earlier if _is_ours(act)]
        try:
            found = [since for one in self._find(at, asked) if one and (since := one.since(earlier))]
        except (KeyError, TypeError, AttributeError, ValueError) as problem:  # what the package stumbles over as well
            raise NoTarget(f"its arguments cannot be understood: {problem}") from problem
        _check_way_back(at, found)
        return [change.act for change in found]

    def keep(self, act: Act, access: Access) -> None:
        change = Change.of(act)
        if change.was.kept:
            _presence.keep(cluster_again(change.thing, access), change)

    def undo(self, act: Act, access: Access) -> None:
        change = Change.of(act)
        at = cluster_again(change.thing, access)
        if change.do.there is None:
            _fields.give_back(at, change)
        elif change.do.there:
            _presence.take_away(at, change)
        else:
            _presence.bring_back(at, change)

    def verify(self, act: Act, access: Access) -> Restored:
        change = Change.of(act)
        at = cluster_again(change.thing, access)
        if change.do.there is None:
            return _fields.looked_back(at, change)
        return _presence.is_away(at, change) if change.do.there else _presence.is_back(at, change)

    def by_hand(self, act: Act) -> str:
        change = Change.of(act)
        return _fields.command(change) if change.do.there is None else _presence.command(change)


def _is_ours(act: Act) -> bool:
    return "plural" in act.target


def _check_way_back(at: Cluster, changes: Iterable[Change]) -> None:
    """Raises Refused when this user may not undo. Each right is asked for once, however many objects need it."""
    needs = {(need, change.thing.namespace) for change in changes for need in _needs(change)}
    for need, namespace in sorted(needs, key=str):
        check_way_back(at, [need], namespace)


def _needs(change: Change) -> list[Need]:
    kind = _kind(change.thing)
    if change.do.there is None:
        return [Need("patch", kind)]
    if change.do.there:
        return [Need("delete", kind)]
    kept = [Need(verb, SECRET) for verb in ("create", "get", "delete")] if change.was.kept else []
    return [Need("create", kind), *kept]


def _kind(thing: Thing) -> Kind:
    return thing.its_kind
