"""Annotations on what we touch: whose it is, until when, and how it was. From another machine they are all there is.

They are believed no further than they must be: whoever can write to the object can write them.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from chaos_runner.errors import Gone
from chaos_runner.mark import Mark, parse
from chaos_runner.targets.kubernetes.access import Cluster, compact
from chaos_runner.targets.kubernetes.kinds import Kind, label_of
from chaos_runner.targets.kubernetes.objects import Meta, Whole
from chaos_runner.targets.leftover import Bearer

RUN: Final = "chaos-runner.io/run"
UNDO: Final = "chaos-runner.io/undo"
EXPIRES: Final = "chaos-runner.io/expires"
KEYS: Final = (RUN, UNDO, EXPIRES)


class Told(Struct, frozen=True, kw_only=True):
    """What our annotations tell: the mark, the fault that left it, and what it did and found."""

    mark: Mark
    fault: str
    do: dict[str, Any]
    was: dict[str, Any]


class _Undo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fault: str
    do: dict[str, Any]
    was: dict[str, Any]
    uid: str = ""


def annotations(mark: Mark, fault: str, do: Mapping[str, Any], was: Mapping[str, Any], uid: str = "") -> dict[str, str]:
    """Our annotations on one object. With its UID, where it has one already, a copy is known as such: Deployments give
    their ReplicaSets all the annotations that they have, and never take them away again.
    """
    said = {"fault": fault, "do": do, "was": was, **({"uid": uid} if uid else {})}
    return {RUN: str(mark), EXPIRES: mark.expires, UNDO: compact(said)}


def told(meta: Meta) -> Told | None:
    """What an object's annotations tell. None when there are none of ours, when what they say is not to be read, and
    for a copy of another object's.
    """
    mark = parse(meta.annotations.get(RUN, ""))
    if mark is None:
        return None
    try:
        said = msgspec.json.decode(meta.annotations.get(UNDO, "").encode(), type=_Undo)
    except (msgspec.DecodeError, UnicodeError):
        return None
    if said.uid != meta.uid and (said.uid or _is_copy(meta)):
        return None
    return Told(mark=mark, fault=said.fault, do=said.do, was=said.was)


def bearers(at: Cluster, kind: Kind) -> list[Bearer]:
    """The objects of a kind that bear a mark, copies aside. None of a kind that the cluster does not know. Raises
    Denied and ApiUnreachable.
    """
    try:
        found = [one.metadata for one in at.list(kind.path(""), Whole).items if one.metadata.annotations.get(RUN)]
    except Gone:
        return []
    return [Bearer(label_of(kind, meta), meta.annotations[RUN], said.fault if said else "")
            for meta in found if (said := told(meta)) or not _is_copy(meta)]


def _is_copy(meta: Meta) -> bool:
    """Whether it is of those that are given the annotations of whoever owns them."""
    return meta.owner is not None and meta.owner.kind in ("Deployment", "Rollout")


def held_by(meta: Meta) -> str:
    """The mark that an object bears. Empty without one."""
    return meta.annotations.get(RUN, "")
