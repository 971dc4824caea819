"""Objects that get other values in some of their fields, and get their own back."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from chaos_runner.contracts import Answer, Restored
from chaos_runner.errors import ActFailed, Refused
from chaos_runner.inverses.chaosk8s._state import Change, State, differences
from chaos_runner.inverses.chaosk8s._things import Thing, labels_of, read
from chaos_runner.redaction import named_like_a_secret
from chaos_runner.targets.kubernetes.access import JSON_PATCH, Cluster, Conflict, Denied
from chaos_runner.targets.kubernetes.fields import Field, value_at, with_fields

_TRIES: Final = 8
"""How often a patch is made anew because somebody else wrote the object at the same moment."""


def changed(thing: Thing, found: Mapping[str, Any], fields: Sequence[Field]) -> Change:
    """What it is to give these fields these values."""
    was = [Field(field.path, value_at(found, field.path)) for field in fields]
    return Change(thing=thing, do=State(fields=list(fields)), was=State(fields=was), labels=labels_of(found))


def compared(thing: Thing, found: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
    """What it is to make that of it. Raises Refused for values that must not be recorded."""
    pairs = list(differences(found, after))
    if any(_tells_a_secret(field.value) for pair in pairs for field in pair):
        raise Refused(f"{thing.label} has a value in what would be recorded whose name says that it is a secret: "
                      "take it from a Secret by `valueFrom`")
    return Change(thing=thing, do=State(fields=[after for after, _ in pairs]),
                  was=State(fields=[before for _, before in pairs]), labels=labels_of(found))


def _tells_a_secret(value: Any) -> bool:
    """Whether there is a variable of a container, written out, with a name of that kind."""
    if isinstance(value, Mapping):
        own = named_like_a_secret(str(value.get("name", ""))) and bool(value.get("value"))
        return own or any(map(_tells_a_secret, value.values()))
    return isinstance(value, list) and any(map(_tells_a_secret, value))


def give_back(at: Cluster, change: Change) -> None:
    """Each field that still is as the action left it gets its former value."""
    for _ in range(_TRIES):
        found = _the_very(at, change.thing)
        if found is None:
            return
        back = [before for field, before in zip(change.do.fields, change.was.fields, strict=True)
                if value_at(found, field.path) == field.value]
        if not back:
            return
        try:
            at.patch(change.thing.path, with_fields(found, back), JSON_PATCH)
        except Conflict:
            continue
        except Denied as denied:
            raise ActFailed(str(denied)) from denied
        return
    raise ActFailed(f"others write {change.thing.label} all the time")


def looked_back(at: Cluster, change: Change) -> Restored:
    """Whether its fields are as they were."""
    found = _the_very(at, change.thing)
    if found is None:
        return Restored(answer=Answer.GONE, diff=f"{change.thing.label} is no longer there")
    now = [Field(field.path, value_at(found, field.path)) for field in change.was.fields]
    trios = list(zip(now, change.do.fields, change.was.fields, strict=True))
    left = [_said(is_) for is_, do, was in trios if is_.value == do.value != was.value]
    if left:
        return Restored(answer=Answer.NOT_RESTORED, diff=f"{change.thing.label} still has {', '.join(left)}")
    drift = [_said(is_) for is_, _, was in trios if is_.value != was.value]
    if drift:
        return Restored(answer=Answer.DRIFT, diff=f"somebody changed {change.thing.label}: {', '.join(drift)}; left as "
                                                  "it is")
    return Restored(answer=Answer.RESTORED)


def command(change: Change) -> str:
    """What gives them back by hand."""
    body: dict[str, Any] = {}
    for field in change.was.fields:
        below = body
        for part in field.path[:-1]:
            below = below.setdefault(str(part), {})
        below[str(field.path[-1])] = field.value
    return change.thing.command("patch", "--type=merge", f"-p '{msgspec.json.encode(body).decode()}'")


def _the_very(at: Cluster, thing: Thing) -> dict[str, Any] | None:
    found = read(at, thing)
    return found if found and found["metadata"]["uid"] == thing.uid else None


def _said(field: Field) -> str:
    return f"{field.name} {'nothing' if field.value is None else msgspec.json.encode(field.value).decode()}"
