"""What a fault makes in the cluster and deletes again: named after its run and step, marked from its first moment on.

It is ours while it has that name and bears that mark. Whoever wants to keep it takes the mark off.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from chaos_runner.errors import ActFailed, Gone, Refused
from chaos_runner.mark import PREFIX, Mark
from chaos_runner.targets.kubernetes.access import Cluster, Conflict, Denied
from chaos_runner.targets.kubernetes.kinds import Kind, body_of
from chaos_runner.targets.kubernetes.marks import RUN, held_by
from chaos_runner.targets.kubernetes.objects import Meta, Whole

_DIGITS = 8


class Made(NamedTuple):
    """One thing that is, or was, or will be made."""

    at: Cluster
    kind: Kind
    namespace: str
    name: str

    @property
    def label(self) -> str:
        """How people call it."""
        return f"{self.kind.name} {self.namespace}/{self.name}"


def name_of(mark: Mark, uid: str = "") -> str:
    """What a step makes is called so; where it makes several, each has the UID it is made for in its name."""
    name = f"{PREFIX}{mark.run.lower()}-{mark.number}"
    return f"{name}-{sha256(uid.encode()).hexdigest()[:_DIGITS]}" if uid else name


def body(made: Made, mark: Mark, signs: Mapping[str, str], spec: Mapping[str, Any]) -> dict[str, Any]:
    """The object as it is to be made."""
    meta = {"name": made.name, "namespace": made.namespace, "labels": {RUN: mark.run}, "annotations": dict(signs)}
    return body_of(made.kind, metadata=meta, spec=dict(spec))


def tried(made: Made, wanted: Mapping[str, Any]) -> None:
    """Has the API server check it, and makes nothing. Raises Denied: a rule, a webhook, a quota."""
    try:
        made.at.create(made.kind.path(made.namespace), wanted, {"dryRun": "All"})
    except Conflict:
        return  # it is there: `make` finds out whether it is ours
    except Denied as denied:
        if "dry run" not in str(denied):  # a webhook that cannot be tried
            raise


def make(made: Made, wanted: Mapping[str, Any]) -> None:
    """Makes it, or finds that it is made. Raises Refused when another has its name."""
    try:
        made.at.create(made.kind.path(made.namespace), wanted)
    except Conflict as conflict:
        there = found(made)
        if there is None or held_by(there) != wanted["metadata"]["annotations"][RUN]:
            raise Refused(f"{made.label} is there, and does not bear our mark: {conflict}") from conflict


def found(made: Made) -> Meta | None:
    """What is there under its name. None when nothing is."""
    try:
        return made.at.get(made.kind.path(made.namespace, made.name), Whole).metadata
    except Gone:
        return None


def is_ours(made: Made, mark: str) -> bool:
    """Whether it is there and bears this very mark."""
    there = found(made)
    return there is not None and held_by(there) == mark


def remove(made: Made, mark: str) -> bool:
    """Deletes it, if it bears this very mark. Says whether it did. Raises ActFailed."""
    there = found(made)
    if there is None or held_by(there) != mark:
        return False
    options = {"preconditions": {"uid": there.uid}, "propagationPolicy": "Background"}
    try:
        made.at.delete(made.kind.path(made.namespace, made.name), options)
    except (Gone, Conflict):
        return False
    except Denied as denied:
        raise ActFailed(str(denied)) from denied
    return True
