"""What is asked of the API server, said once: for checking before anything is done, and for a role that has no more."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol, runtime_checkable

import msgspec
from msgspec import Struct

from chaos_runner.contracts import Right
from chaos_runner.errors import Refused
from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.kinds import NAMESPACE, POD, Kind, Ref, body_of

LOOK: Final = "look"
DO: Final = "do"
UNDO: Final = "undo"
HIT: Final = Kind("what is hit", "", "what is hit", "")
"""Stands for the kind of the very object that is hit, where a fault can hit several kinds."""
_REVIEW: Final = Kind("review", "authorization.k8s.io/v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview",
               namespaced=False)
_NAMELESS: Final = ("list", "watch", "deletecollection")


class Need(NamedTuple):
    """One verb on one kind, or on what is below it: ("create", POD, "eviction")."""

    verb: str
    kind: Kind
    below: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.kind.plural}{f'/{self.below}' if self.below else ''}"

    @property
    def takes_name(self) -> bool:
        """Whether a role can allow it for single names. What is made has none yet; pods get new names all the time."""
        return self.kind is not POD and self.verb not in _NAMELESS and (self.verb != "create" or bool(self.below))


class Permissions(NamedTuple):
    """What a fault needs for its verbs: to do it, to undo it from any process, and to look for more than its target
    says by itself.
    """

    do: tuple[Need, ...] = ()
    undo: tuple[Need, ...] = ()
    look: tuple[Need, ...] = ()


class Hit(NamedTuple):
    """What a target aims at, as far as its words say it: no names where they are found out later."""

    kind: Kind
    namespace: str
    names: tuple[str, ...] = ()


class Demand(NamedTuple):
    """One need in one place. `purpose` is LOOK, DO or UNDO; no names: whatever name it has; no namespace: all."""

    purpose: str
    need: Need
    namespace: str
    names: tuple[str, ...] = ()


@runtime_checkable
class Seeking(Protocol):
    """A target, or a probe's arguments: says itself what finding it takes."""

    def looks(self, space: str) -> list[Demand]:
        """What it takes to find what it means. `space` is the context's own namespace, for where it names none."""


@runtime_checkable
class Aim(Seeking, Protocol):
    """A target: it says itself what it aims at."""

    def hits(self, space: str) -> Hit:
        """What it aims at."""


@runtime_checkable
class Demanding(Protocol):
    """What says, without a cluster, what it needs from one."""

    def demands(self, target: Aim, space: str) -> list[Demand]:
        """All that is needed for this target. `space` is the context's own namespace."""


class _Status(Struct, frozen=True):
    allowed: bool = False
    reason: str = ""


class _Reviewed(Struct, frozen=True):
    status: _Status = _Status()


def look(verb: str, kind: Kind, namespace: str, *names: str) -> Demand:
    """What a target needs to find whom it aims at."""
    return Demand(LOOK, Need(verb, kind), namespace if kind.namespaced else "", names)


def look_at_namespace(name: str) -> Demand:
    """To see whether it has opted out."""
    return look("get", NAMESPACE, "", name)


def demands(permissions: Permissions, hit: Hit) -> list[Demand]:
    """What a fault needs for what it hits."""
    each = [(LOOK, permissions.look), (DO, permissions.do), (UNDO, permissions.undo)]
    return [_placed(purpose, need, hit) for purpose, needs in each for need in needs]


def rights(at: Cluster, permissions: Permissions, ref: Ref, kind: Kind) -> list[Right]:
    """Whether this user may do it to that very object, and undo it."""
    hit = Hit(kind, ref.namespace, (ref.name,))
    return [right(at, one.purpose, one.need, one.namespace, *one.names)
            for one in demands(permissions._replace(look=()), hit)]


def right(at: Cluster, verb: str, need: Need, namespace: str, name: str = "") -> Right:
    """Whether that is allowed; `verb` is DO or UNDO."""
    space = namespace if need.kind.namespaced else ""
    needs = f"{need}{f' {name}' if name else ''}{f' in {space}' if space else ''}"
    group, _, _ = need.kind.api.rpartition("/")
    asked = {"verb": need.verb, "group": group, "resource": need.kind.plural, "subresource": need.below,
             "namespace": space, "name": name}
    answer = at.create(_REVIEW.path(""), body_of(_REVIEW, spec={"resourceAttributes": asked}))
    status = msgspec.json.decode(answer, type=_Reviewed).status
    lacks = "" if status.allowed else f"no right to {needs}{f': {status.reason}' if status.reason else ''}"
    return Right(verb=verb, needs=needs, lacks=lacks)


def check_rights(found: Sequence[Right]) -> None:
    """Raises Refused when this user may not do it, or may not undo it: then nothing may be done."""
    lacking = list(dict.fromkeys(one.lacks for one in found if one.lacks and one.verb == DO))
    stuck = list(dict.fromkeys(one.lacks for one in found if one.lacks and one.verb == UNDO))
    said = [*lacking, *([f"it could not be undone: {'; '.join(stuck)}"] if stuck else [])]
    if said:
        raise Refused("; ".join(said))


def check_way_back(at: Cluster, needs: Sequence[Need], namespace: str) -> None:
    """Raises Refused when this user may not undo: then nothing may be done."""
    check_rights([right(at, UNDO, need, namespace) for need in needs])


def _placed(purpose: str, need: Need, hit: Hit) -> Demand:
    """Where it is needed: for what is hit itself by its names, for anything else in its namespace."""
    own = need.kind == HIT
    found = need._replace(kind=hit.kind) if own else need
    names = hit.names if own and found.takes_name else ()
    return Demand(purpose, found, hit.namespace if found.kind.namespaced else "", names)
