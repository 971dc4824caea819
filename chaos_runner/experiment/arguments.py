"""From the words of a file to the frozen arguments of a fault or a probe: "200ms" becomes 0.2 where seconds are wanted.

What an argument wants is written in its type: `Seconds`, `Share`, `Size` are numbers that carry a unit in the file.
"""

import types
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import NODEFAULT, Struct

from chaos_runner import units
from chaos_runner.units import NoUnit, Unit

S = TypeVar("S", bound=Struct)


class BadArgument(Struct, frozen=True):
    """One argument that cannot be used: which, what was wanted, and whether it is unknown or missing."""

    name: str
    wanted: str
    unknown: bool = False
    missing: bool = False


class BadArguments(ValueError):
    """Arguments that cannot be used, all at once."""

    def __init__(self, problems: list[BadArgument]) -> None:
        super().__init__("; ".join(f"{problem.name}: {problem.wanted}" for problem in problems))
        self.problems = problems


def convert(kind: type[S], given: Mapping[str, Any]) -> S:
    """The arguments as `kind`, units turned into numbers. Raises BadArguments with every complaint."""
    problems = complaints(kind, given)
    if problems:
        raise BadArguments(problems)
    hints, known = _hints(kind), names(kind)
    return kind(**{known[name]: _number(hints[known[name]], value) for name, value in given.items()})


def complaints(kind: type[Struct], given: Mapping[str, Any]) -> list[BadArgument]:
    """What is wrong with these arguments. A value that is `${name}` is believed until it is filled."""
    hints, known = _hints(kind), names(kind)
    found = [BadArgument(name, "no such argument", unknown=True) for name in given if name not in known]
    for name, value in given.items():
        if name in known and not _open(value):
            wanted = _complaint(hints[known[name]], value)
            if wanted:
                found.append(BadArgument(name, wanted))
    return found + [BadArgument(name, "is required", missing=True) for name in required(kind) if name not in given]


@cache
def names(kind: type[Struct]) -> Mapping[str, str]:
    """The arguments as they are written in files, and the fields behind them."""
    return {field.encode_name: field.name for field in msgspec.structs.fields(kind)}


@cache
def required(kind: type[Struct]) -> Sequence[str]:
    """The arguments without which nothing works."""
    return [field.encode_name for field in msgspec.structs.fields(kind)
            if field.default is NODEFAULT and field.default_factory is NODEFAULT]


def unit_of(hint: Any) -> Unit | None:
    """The unit that a type asks for."""
    if get_origin(hint) is Annotated:
        return next((extra for extra in get_args(hint)[1:] if isinstance(extra, Unit)), None)
    if get_origin(hint) in (Union, types.UnionType):
        return next((unit for member in get_args(hint) if (unit := unit_of(member))), None)
    return None


@cache
def _hints(kind: type[Struct]) -> Mapping[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _open(value: Any) -> bool:
    return isinstance(value, str) and "${" in value


def _complaint(hint: Any, value: Any) -> str:
    try:
        _number(hint, value)
    except NoUnit as problem:
        return f"wanted {problem}"
    except (msgspec.ValidationError, TypeError):
        return f"wanted {spoken_type(hint)}, found {value!r:.80}"
    return ""


def _number(hint: Any, value: Any) -> Any:
    """The value as its type wants it. Raises NoUnit or msgspec.ValidationError."""
    unit = unit_of(hint)
    if unit is None or value is None:
        return msgspec.convert(value, hint)
    if not isinstance(value, str):
        raise NoUnit(f"{_EXAMPLES[unit]}, not {value!r}: a number that carries a dimension has a unit")
    return _PARSERS[unit](value)


def spoken_type(hint: Any) -> str:
    """A type as people call it."""
    unit = unit_of(hint)
    if unit is not None:
        return _EXAMPLES[unit]
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(spoken_type(member) for member in get_args(hint) if member is not type(None))
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(str, get_args(hint)))}"
    return _WORDS.get(get_origin(hint) or hint, str(hint))


_PARSERS: dict[Unit, Any] = {Unit.SECONDS: units.seconds, Unit.SHARE: units.share, Unit.BYTES: units.size_bytes}
_EXAMPLES = {Unit.SECONDS: "a duration such as 200ms", Unit.SHARE: "a share such as 34%",
             Unit.BYTES: "a size such as 10Mi", Unit.COUNT: "a number"}
_WORDS: dict[Any, str] = {str: "a text", int: "a whole number", float: "a number", bool: "true or false",
                          dict: "a mapping", list: "a list"}
