"""Reading and changing single fields of an object, each change only if the object is still as it was read.

A path is a list: names of fields, and, for a member of a list, what names it: ["spec", "containers", {"name": "web"},
"image"]. None stands for a field, or a member of a list, that is not there: for the API that is the same.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

Path = list[str | dict[str, str]]


class Field(Struct, frozen=True):
    """One field, and a value it has or is to have."""

    path: Path
    value: Any = None

    @property
    def name(self) -> str:
        """As people write it: spec.replicas, containers[web].image."""
        words = [f"[{next(iter(part.values()))}]" if isinstance(part, dict) else f".{part}" for part in self.path]
        return "".join(words).removeprefix(".").removeprefix("spec.template.spec.")


def value_at(found: Any, path: Sequence[str | dict[str, str]]) -> Any:
    """What stands at a path. None when nothing does."""
    for part in path:
        if isinstance(part, dict):
            found = next((each for each in found or [] if part.items() <= each.items()), None)
        else:
            found = found.get(part) if isinstance(found, dict) else None
        if found is None:
            return None
    return found


def with_fields(found: Any, fields: Sequence[Field]) -> list[dict[str, Any]]:
    """The JSON patch that gives an object these values. It meets a conflict when the object is no longer as it was
    read: that is what writing its version means. A `test` would fail as any wrong patch does.
    """
    guard = {"op": "replace", "path": "/metadata/resourceVersion", "value": found["metadata"]["resourceVersion"]}
    made: set[str] = set()
    changes = [change for field in fields for change in _changes(found, field, made)]
    gone = [change for change in changes if change["op"] == "remove"]
    kept = [change for change in changes if change["op"] != "remove"]
    return [guard, *kept, *sorted(gone, key=_number, reverse=True)]


def merged(fields: Sequence[Field]) -> dict[str, Any]:
    """The merge patch that gives an object these values, whatever it is like now; a member of a list is told by what
    names it.
    """
    patch: dict[str, Any] = {}
    for field in fields:
        *parents, last = field.path
        below: Any = patch
        for part, following in zip(parents, [*parents[1:], last], strict=True):
            below = _below(below, part, [] if isinstance(following, dict) else {})
        if isinstance(last, dict):
            below.append({**last, "$patch": "delete"} if field.value is None else {**last, **field.value})
        else:
            below[last] = field.value
    return patch


def _below(there: Any, part: str | dict[str, str], empty: Any) -> Any:
    """What stands below a part of a path in a patch that is being made."""
    if isinstance(part, str):
        return there.setdefault(part, empty)
    found = next((one for one in there if part.items() <= one.items()), None)
    if found is None:
        there.append(found := dict(part))
    return found


def _changes(found: Any, field: Field, made: set[str]) -> Iterator[dict[str, Any]]:
    """A parent that is not there is made first, once."""
    pointer, there = "", found
    *parents, last = field.path
    for part, below in zip(parents, field.path[1:], strict=True):
        pointer, there = _step(pointer, there, part)
        if there is None and field.value is None:
            return
        if there is None and pointer not in made:
            made.add(pointer)
            yield {"op": "add", "path": pointer, "value": [] if isinstance(below, dict) else {}}
    if isinstance(last, dict) and value_at(there, [last]) is None:
        if field.value is not None:
            yield {"op": "add", "path": f"{pointer}/-", "value": field.value}
        return
    pointer, there = _step(pointer, there, last)
    if field.value is not None:
        yield {"op": "add" if there is None else "replace", "path": pointer, "value": field.value}
    elif there is not None:
        yield {"op": "remove", "path": pointer}


def _step(pointer: str, there: Any, part: str | dict[str, str]) -> tuple[str, Any]:
    if isinstance(part, dict):
        number = next((number for number, each in enumerate(there or []) if part.items() <= each.items()), None)
        if number is None:
            raise LookupError(f"nothing is named {part}")
        return f"{pointer}/{number}", there[number]
    below = there.get(part) if isinstance(there, dict) else None
    return f"{pointer}/{part.replace('~', '~0').replace('/', '~1')}", below


def _number(change: dict[str, Any]) -> int:
    """A list's later members go first: what stands behind one that has gone has another number."""
    last = change["path"].rpartition("/")[2]
    return int(last) if last.isdigit() else 0
