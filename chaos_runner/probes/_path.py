"""Where a field of an object stands, as kubectl writes it: `.status.conditions[?(@.type=="Ready")].status`.

Names after dots or in brackets, numbers in brackets (from the end, if negative), `[*]` for every member, and a filter
that compares one field with a text, a number or true, false, null. Braces around it and the first dot may be left out.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from chaos_runner.contracts import BadQuestion

_NAME: Final = re.compile(r"\.?(?P<name>(?:[^.\[\]\\{}\s]|\\.)+)")
_PART: Final = re.compile(
    r"""\.?\[\s*(?:(?P<every>\*)|(?P<number>-?\d+)|'(?P<single>[^']*)'|"(?P<double>[^"]*)")\s*\]""")
_FILTER: Final = re.compile(r"""\.?\[\?\(\s*@\.(?P<field>[^=!\s]+)\s*(?P<how>==|!=)\s*(?P<value>[^\])]+?)\s*\)\]""")


class Name(Struct, frozen=True):
    """The field of that name."""

    name: str


class Number(Struct, frozen=True):
    """The member of that number, from 0 on."""

    number: int


class Every(Struct, frozen=True):
    """Every member."""


class Those(Struct, frozen=True):
    """The members whose field has that value, or has not."""

    path: "Path"
    value: Any
    equal: bool


Part = Name | Number | Every | Those
Path = tuple[Part, ...]


@cache
def parsed(text: str) -> Path:
    """The parts of a path. Raises BadQuestion."""
    inner = text.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1].strip()
    parts = tuple(_parts(inner.removeprefix("$"), text))
    if not parts:
        raise BadQuestion(f"a path such as .status.phase, not {text!r}")
    return parts


def found_at(thing: Any, path: Path) -> list[Any]:
    """Everything that stands at the path."""
    found = [thing]
    for part in path:
        found = [below for each in found for below in _below(each, part)]
    return found


def is_one(path: Path) -> bool:
    """Whether it can only lead to one thing. A filter is for the one that is meant."""
    return not any(isinstance(part, Every) for part in path)


def _parts(rest: str, text: str) -> Iterator[Part]:
    at = 0
    while at < len(rest):
        found = _FILTER.match(rest, at) or _PART.match(rest, at) or _NAME.match(rest, at)
        if not found:
            raise BadQuestion(f"{text!r} cannot be read from {rest[at:]!r} on: write it as .status.phase, "
                              '.spec.containers[0].image or .status.conditions[?(@.type=="Ready")].status')
        yield _part(found.groupdict())
        at = found.end()


def _part(said: dict[str, str | None]) -> Part:
    match said:
        case {"field": str() as field, "how": how, "value": str() as value}:
            return Those(parsed(field), _literal(value), equal=how == "==")
        case {"every": str()}:
            return Every()
        case {"number": str() as number}:
            return Number(int(number))
        case {"name": str() as name}:
            return Name(re.sub(r"\\(.)", r"\1", name))
        case _:
            return Name(said.get("single") or said.get("double") or "")


def _literal(text: str) -> Any:
    if text[:1] in "'\"" and text[-1:] == text[:1]:
        return text[1:-1]
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as problem:
        raise BadQuestion(f"a filter compares with a text in quotes, a number, true, false or null, not with {text}") \
            from problem


def _below(thing: Any, part: Part) -> Sequence[Any]:
    match part:
        case Name(name):
            return [thing[name]] if isinstance(thing, dict) and name in thing else []
        case Number(number):
            return [thing[number]] if isinstance(thing, list) and -len(thing) <= number < len(thing) else []
        case Every():
            return thing if isinstance(thing, list) else list(thing.values()) if isinstance(thing, dict) else []
        case Those(path, value, equal):
            members = thing if isinstance(thing, list) else []
            return [each for each in members if (found_at(each, path) == [value]) is equal]
