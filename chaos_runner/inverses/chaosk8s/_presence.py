"""Objects that are made and taken away again, and objects that are deleted and made anew."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from chaos_runner.contracts import Answer, Restored
from chaos_runner.errors import ActFailed, Gone, NoTarget
from chaos_runner.inverses.chaosk8s import _kept
from chaos_runner.inverses.chaosk8s._state import Change, State, agreed, alike, anew
from chaos_runner.inverses.chaosk8s._things import Thing, labels_of, read
from chaos_runner.mark import Mark
from chaos_runner.targets.kubernetes.access import Cluster, Conflict, Denied

_OPEN: Final = ("networkpolicy", "service", "ingress", "node")
"""Kinds without anything in them that a journal must not hold. What is in all others is kept on the platform."""
_SHOWS: Final = ("spec", "rules", "roleRef")
"""What of an object shows that it is the one that was made."""


def made(at: Cluster, thing: Thing, body: Mapping[str, Any]) -> Change | None:
    """What it is to make that object. None when there is one of that name: then nothing can be made.

    Raises NoTarget when the server would not make it: the action will not succeed either.
    """
    if read(at, thing) is not None:
        return None
    try:
        stored = msgspec.json.decode(at.create(thing.collection, body, {"dryRun": "All"}))
    except Conflict:
        return None
    except Gone as gone:
        raise NoTarget(str(gone)) from gone
    except Denied as denied:
        if "dry run" not in str(denied):  # else a webhook that cannot be tried
            raise NoTarget(str(denied)) from denied
        stored = {}
    shown = {key: agreed(body[key], stored.get(key) or {}) for key in _SHOWS if isinstance(body.get(key), Mapping)}
    return Change(thing=thing, do=State(there=True, body=shown if thing.kind in _OPEN else {}),
                  was=State(there=False), labels=labels_of({"metadata": body.get("metadata") or {}}))


def unseen(thing: Thing) -> Change:
    """What it is to make an object of that name that is not there, whatever is in it."""
    return Change(thing=thing, do=State(there=True), was=State(there=False))


def deleted(thing: Thing, found: Mapping[str, Any], mark: Mark) -> Change:
    """What it is to delete that object."""
    if thing.kind in _OPEN or not thing.namespace:
        was = State(there=True, body=anew(found))
    else:
        was = State(there=True, kept=_kept.name_of(mark, thing))
    return Change(thing=thing, do=State(there=False), was=was, labels=labels_of(found))


def keep(at: Cluster, change: Change) -> None:
    """Puts aside what is to be made anew and must not be recorded."""
    found = read(at, change.thing) if change.was.kept else None
    if found is not None:
        _kept.put(at, change, anew(found))


def take_away(at: Cluster, change: Change) -> None:
    """Deletes what the action made, if it still is that."""
    found = read(at, change.thing)
    if found is None or _is_ending(found) or not alike(change.do.body, found):
        return
    try:
        at.delete(change.thing.path, {"preconditions": {"uid": found["metadata"]["uid"]},
                                      "propagationPolicy": "Background"})
    except Gone:
        return
    except Denied as denied:
        raise ActFailed(str(denied)) from denied


def bring_back(at: Cluster, change: Change) -> None:
    """Makes anew what the action deleted, unless there is one of that name."""
    found = read(at, change.thing)
    if found is not None and _is_ending(found):
        raise ActFailed(f"{change.thing.label} is still being deleted")
    if found is None:
        try:
            at.create(change.thing.collection, _kept.take(at, change) if change.was.kept else change.was.body)
        except Conflict:
            pass  # somebody was faster
        except (Gone, Denied) as problem:
            raise ActFailed(f"{change.thing.label} cannot be made anew: {problem}") from problem
    if change.was.kept:
        _kept.drop(at, change)


def is_away(at: Cluster, change: Change) -> Restored:
    """Whether what the action made is gone."""
    found = read(at, change.thing)
    if found is None:
        return Restored(answer=Answer.RESTORED)
    if not alike(change.do.body, found):
        return Restored(answer=Answer.DRIFT, diff=f"{change.thing.label} is not the one that was made; left as it is")
    ending = " and is being deleted" if _is_ending(found) else ""
    return Restored(answer=Answer.NOT_RESTORED, diff=f"{change.thing.label} is still there{ending}")


def is_back(at: Cluster, change: Change) -> Restored:
    """Whether what the action deleted is there again, and nothing is left of what was kept."""
    found = read(at, change.thing)
    if found is None or _is_ending(found):
        return Restored(answer=Answer.NOT_RESTORED, diff=f"{change.thing.label} is not there")
    if change.was.kept and _kept.is_there(at, change):
        return Restored(answer=Answer.NOT_RESTORED, diff=f"the copy {change.was.kept} is still there")
    if found["metadata"]["uid"] != change.thing.uid and not alike(_shown(change.was.body), anew(found)):
        return Restored(answer=Answer.DRIFT, diff=f"somebody else made another {change.thing.label}; left as it is")
    return Restored(answer=Answer.RESTORED)


def command(change: Change) -> str:
    """What finishes it by hand."""
    thing = change.thing
    if change.do.there:
        return thing.command("delete")
    if change.was.kept:
        return _kept.command(change)
    return f"echo '{msgspec.json.encode(change.was.body).decode()}' | kubectl --context {thing.context} create -f -"


def _is_ending(found: Mapping[str, Any]) -> bool:
    return "deletionTimestamp" in found["metadata"]


def _shown(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key in _SHOWS}
