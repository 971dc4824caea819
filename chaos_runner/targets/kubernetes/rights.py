"""Asking the API server what this user may do, before anything is done."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from chaos_runner.contracts import Right
from chaos_runner.errors import Refused
from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.kinds import Kind, body_of

_REVIEW: Final = Kind("review", "authorization.k8s.io/v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview",
               namespaced=False)


class Need(NamedTuple):
    """One verb on one kind, or on what is below it: ("create", POD, "eviction")."""

    verb: str
    kind: Kind
    below: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.kind.plural}{f'/{self.below}' if self.below else ''}"


class _Status(Struct, frozen=True):
    allowed: bool = False
    reason: str = ""


class _Reviewed(Struct, frozen=True):
    status: _Status = _Status()


def right(at: Cluster, verb: str, need: Need, namespace: str) -> Right:
    """Whether that is allowed; `verb` is "do" or "undo"."""
    space = namespace if need.kind.namespaced else ""
    needs = f"{need}{f' in {space}' if space else ''}"
    group, _, _ = need.kind.api.rpartition("/")
    asked = {"verb": need.verb, "group": group, "resource": need.kind.plural, "subresource": need.below,
             "namespace": space}
    answer = at.create(_REVIEW.path(""), body_of(_REVIEW, spec={"resourceAttributes": asked}))
    status = msgspec.json.decode(answer, type=_Reviewed).status
    lacks = "" if status.allowed else f"no right to {needs}{f': {status.reason}' if status.reason else ''}"
    return Right(verb=verb, needs=needs, lacks=lacks)


def check_may(at: Cluster, needs: Sequence[Need], namespace: str) -> None:
    """Raises Refused when this user may not do it: for what no dry run finds out before something is changed."""
    lacking = [said.lacks for need in needs if (said := right(at, "do", need, namespace)).lacks]
    if lacking:
        raise Refused("; ".join(lacking))


def check_way_back(at: Cluster, needs: Sequence[Need], namespace: str) -> None:
    """Raises Refused when this user may not undo: then nothing may be done."""
    lacking = [said.lacks for need in needs if (said := right(at, "undo", need, namespace)).lacks]
    if lacking:
        raise Refused(f"it could not be undone: {'; '.join(lacking)}")
