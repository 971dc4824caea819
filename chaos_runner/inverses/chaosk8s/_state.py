"""How an object is, or was, as far as an action changes it; and comparing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from chaos_runner.contracts import Act
from chaos_runner.inverses.chaosk8s._things import Thing
from chaos_runner.targets.kubernetes.fields import Field

_MANAGED: Final = ("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
                   "deletionGracePeriodSeconds", "managedFields", "selfLink")
"""What the server itself writes into `metadata`."""
_COUNTED: Final = ("deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation")
"""Annotations in which the server counts changes."""
_BY_CONDITION: Final = frozenset(f"node.kubernetes.io/{word}" for word in (
    "not-ready", "unreachable", "memory-pressure", "disk-pressure", "pid-pressure", "network-unavailable",
    "unschedulable"))
"""Taints that come and go with how a node is (kubernetes.io/docs: taint nodes by condition): a new one begins with the
first, until it is ready.
"""


class State(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some of its fields (`there` is None), or that it is there at all, and what it then is.

    `body` is all of it, to be made anew, or what of it shows that it is the one that was made. `kept` is the name of
    the Secret that holds what must not be recorded.
    """

    fields: list[Field] = []
    there: bool | None = None
    body: dict[str, Any] = {}
    kept: str = ""


class Change(Struct, frozen=True, kw_only=True):
    """What an action does to one object."""

    thing: Thing
    do: State
    was: State
    labels: dict[str, str] = {}

    @classmethod
    def of(cls, act: Act) -> "Change":
        """What was recorded."""
        return cls(thing=msgspec.convert(act.target, Thing), do=msgspec.convert(act.do, State),
                   was=msgspec.convert(act.was, State), labels=act.where.labels)

    @property
    def act(self) -> Act:
        """As it is recorded."""
        return Act(target=msgspec.to_builtins(self.thing), do=msgspec.to_builtins(self.do),
                   was=msgspec.to_builtins(self.was), label=self.thing.label, where=self.thing.where(self.labels))

    def since(self, earlier: Sequence["Change"]) -> "Change | None":
        """The same from how it was before the run first changed it. None when the run has only taken its own back:
        then it is the earlier change that is undone.
        """
        same = [one for one in earlier if one.thing.server == self.thing.server and one.thing.path == self.thing.path]
        if self.do.there is None:
            return self._fields_since([field for one in same for field in one.was.fields])
        made = self.do.there is False and any(one.do.there and not one.was.there for one in same)
        return None if made else self

    def _fields_since(self, first: Sequence[Field]) -> "Change | None":
        was = [next((one for one in first if one.path == field.path), field) for field in self.was.fields]
        pairs = [(do, before) for do, before in zip(self.do.fields, was, strict=True) if do.value != before.value]
        if not pairs:
            return None
        return msgspec.structs.replace(self, do=State(fields=[do for do, _ in pairs]),
                                       was=State(fields=[before for _, before in pairs]))


def anew(found: Mapping[str, Any]) -> dict[str, Any]:
    """An object without what the server has written into it: as it could be made again."""
    meta = {key: value for key, value in found["metadata"].items() if key not in _MANAGED}
    made = {**{key: value for key, value in found.items() if key != "status"}, "metadata": meta}
    return {**made, "spec": _spec_of_node(found["spec"])} if found.get("kind") == "Node" else made


def _spec_of_node(spec: Mapping[str, Any]) -> dict[str, Any]:
    taints = [taint for taint in spec.get("taints", []) if taint["key"] not in _BY_CONDITION]
    return {**spec, "taints": taints}


def differences(before: Any, after: Any, path: Sequence[str] = ()) -> Iterator[tuple[Field, Field]]:
    """Each field that is another, as it is after and before. Lists are compared as a whole."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        if before != after:
            yield Field([*path], after), Field([*path], before)
        return
    for key in {**before, **after}:
        if not _is_server_s(tuple(path), key):
            yield from differences(before.get(key), after.get(key), (*path, key))


def _is_server_s(path: tuple[str, ...], key: str) -> bool:
    match path:
        case ():
            return key == "status"
        case ("metadata",):
            return key in _MANAGED
        case _:
            return path == ("metadata", "annotations") and key in _COUNTED


def alike(wanted: Any, found: Any) -> bool:
    """Whether everything that is wanted is there. What is empty is as good as not there, as for the API."""
    if isinstance(wanted, Mapping):
        return all(alike(value, found.get(key) if isinstance(found, Mapping) else None)
                   for key, value in wanted.items())
    return bool(wanted == found) or (not wanted and not found)


def agreed(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """What of the wanted the server would store as it is: it writes some numbers and times in its own way."""
    found: dict[str, Any] = {}
    for key, value in wanted.items():
        there = stored.get(key)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            found[key] = agreed(value, there)
        elif value == there:
            found[key] = value
    return found
