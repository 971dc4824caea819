"""What must not be recorded is kept where it was safe before: in a Secret of the same namespace, until it is undone."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from chaos_runner.errors import ActFailed, Gone, Refused
from chaos_runner.inverses.chaosk8s._state import Change
from chaos_runner.inverses.chaosk8s._things import Thing, read
from chaos_runner.mark import PREFIX, Mark, parse
from chaos_runner.targets.kubernetes.access import Cluster, Conflict, Denied
from chaos_runner.targets.kubernetes.kinds import SECRET, body_of
from chaos_runner.targets.kubernetes.marks import EXPIRES, RUN

_KEY: Final = "object"
_KIND: Final = "kept"
_DIGITS: Final = 10


def name_of(mark: Mark, thing: Thing) -> str:
    """What the Secret is called: by the mark, and by what is in it."""
    digest = hashlib.sha256(thing.path.encode()).hexdigest()[:_DIGITS]
    return f"{mark}-{digest}".lower()


def put(at: Cluster, change: Change, body: Mapping[str, Any]) -> None:
    """Keeps the object. Raises Refused when that cannot be."""
    thing = change.thing
    mark = parse(_mark_in(change.was.kept))
    notes = {RUN: str(mark), EXPIRES: mark.expires, "chaos-runner.io/keeps": thing.label} if mark else {}
    data = base64.b64encode(msgspec.json.encode(body)).decode()
    secret = body_of(SECRET, immutable=True, type="Opaque", data={_KEY: data}, metadata={
        "name": change.was.kept, "namespace": thing.namespace, "annotations": notes,
        "labels": {RUN: mark.run} if mark else {}})
    try:
        at.create(SECRET.path(thing.namespace), secret)
    except Conflict:
        return  # it was kept before
    except (Denied, Gone) as problem:
        raise Refused(f"{thing.label} cannot be kept in a Secret beside it: {problem}") from problem


def take(at: Cluster, change: Change) -> dict[str, Any]:
    """The object that was kept. Raises ActFailed when it is gone."""
    found = read(at, _place(change))
    if found is None:
        raise ActFailed(f"{change.thing.label} is gone, and so is its copy, the Secret {change.was.kept}")
    body: dict[str, Any] = msgspec.json.decode(base64.b64decode(found["data"][_KEY]))
    return body


def drop(at: Cluster, change: Change) -> None:
    """Deletes the copy."""
    found = read(at, _place(change))
    if found is None:
        return
    try:
        at.delete(_place(change).path, {"preconditions": {"uid": found["metadata"]["uid"]}})
    except Gone:
        return
    except Denied as denied:
        raise ActFailed(str(denied)) from denied


def is_there(at: Cluster, change: Change) -> bool:
    """Whether the copy is."""
    return read(at, _place(change)) is not None


def command(change: Change) -> str:
    """What makes the object anew from its copy, by hand."""
    get = _place(change).command("get", f"-o jsonpath='{{.data.{_KEY}}}'")
    return f"{get} | base64 -d | kubectl --context {change.thing.context} create -f -"


def _place(change: Change) -> Thing:
    thing = change.thing
    return msgspec.structs.replace(thing, kind=_KIND, api=SECRET.api, plural=SECRET.plural, name=change.was.kept,
                                   uid="")


def _mark_in(name: str) -> str:
    """The mark in the Secret's name, whose letters are small there."""
    return PREFIX + name.removeprefix(PREFIX).rpartition("-")[0].upper()
