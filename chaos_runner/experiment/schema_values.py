"""JSON Schema for what stands behind a colon: durations, shares, sizes, and the arguments of faults and probes."""

import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import NODEFAULT, Struct

from chaos_runner.experiment.arguments import required, spoken_type, unit_of
from chaos_runner.units import DURATION, SIZE, Unit, spoken

Schema = dict[str, Any]

_OPEN: Final = r"\$\{"
"""A `${name}` anywhere in the text: it is believed until it is filled."""
PATTERNS: Final = {
    Unit.SECONDS: f"^{DURATION}$",
    Unit.SHARE: r"^\s*0*(?:\d{1,2}(?:\.\d+)?|100(?:\.0+)?)\s*%\s*$",
    Unit.BYTES: f"^{SIZE}$",
}
_ZERO: Final[Schema] = {"const": 0}
_KINDS: Final[dict[Any, str]] = {str: "string", int: "integer", float: "number", bool: "boolean", dict: "object",
                                 list: "array", type(None): "null"}


def text(says: str, **more: Any) -> Schema:
    """A text."""
    return {"type": "string", "description": says, **more}


def words(says: str, choices: Iterable[str]) -> Schema:
    """One of a few words."""
    return {"enum": list(choices), "description": says}


def filled(says: str) -> Schema:
    """A text that is not empty."""
    return text(says, pattern=r"\S")


def duration(says: str) -> Schema:
    """A duration of the format's own keys: a number and its unit."""
    return text(says, pattern=PATTERNS[Unit.SECONDS], examples=["200ms", "30s", "5m"])


def share(says: str) -> Schema:
    """A share of the format's own keys."""
    return text(says, pattern=PATTERNS[Unit.SHARE], examples=["1%", "34%"])


def pause(says: str) -> Schema:
    """Chaos Toolkit's plain seconds, a duration, or exactly one `${name}`."""
    pattern = rf"{PATTERNS[Unit.SECONDS]}|^\$\{{[\s\S]*\}}$"
    return {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": pattern}], "description": says}


def bound(unit: Unit) -> Schema:
    """What a limit compares with, for a probe that reads numbers of this unit."""
    if unit is not Unit.COUNT:
        return {"anyOf": [_ZERO, {"type": "string", "pattern": PATTERNS[unit]}]}
    return {"anyOf": [{"type": "number"}, {"type": "string", "pattern": "|".join(PATTERNS.values())}]}


def to(name: str) -> Schema:
    """What is defined under that name."""
    return {"$ref": f"#/$defs/{name}"}


def list_of(name: str, says: str) -> Schema:
    """A list of what is defined under that name."""
    return {"type": "array", "items": to(name), "description": says}


def whole(title: str) -> Schema:
    """What a schema begins with."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}


def mapping(keys: Iterable[str], known: Mapping[str, Schema], needed: Iterable[str] = ()) -> Schema:
    """A mapping of these keys and the author's own; null counts as absent but for those that are needed."""
    wanted = list(needed)
    properties = {key: known[key] if key in wanted else or_null(known[key]) for key in keys}
    return {"type": "object", "properties": properties, "required": wanted, "patternProperties": {"^x-": {}},
            "additionalProperties": False}


def or_null(schema: Schema) -> Schema:
    """The same, or nothing: a key whose value is null counts as absent."""
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    if not schema.keys() - {"description"}:
        return schema
    inner = {key: value for key, value in schema.items() if key != "description"}
    said = {"description": schema["description"]} if "description" in schema else {}
    return {"anyOf": [inner, {"type": "null"}], **said}


def has(key: str) -> Schema:
    """A mapping that has this key, and not as null."""
    return {"required": [key], "properties": {key: {"not": {"type": "null"}}}}


def arguments(kind: type[Struct]) -> Schema:
    """The arguments, or the target, of a fault or a probe."""
    hints = get_type_hints(kind, include_extras=True)
    properties = {field.encode_name: _argument(field, hints[field.name]) for field in msgspec.structs.fields(kind)}
    return {"type": "object", "description": says(kind), "properties": properties, "required": list(required(kind)),
            "additionalProperties": False}


def says(thing: Any) -> str:
    """A docstring in one line."""
    return " ".join((thing.__doc__ or "").split())


def _argument(field: msgspec.structs.FieldInfo, hint: Any) -> Schema:
    plain = _typed(hint)
    takes_any_text = plain == {"type": "string"}
    schema = plain if takes_any_text else {"anyOf": [plain, {"type": "string", "pattern": _OPEN}]}
    return {**schema, "description": spoken_type(hint) + _default(field, unit_of(hint))}


def _default(field: msgspec.structs.FieldInfo, unit: Unit | None) -> str:
    if field.default in (NODEFAULT, None, ""):
        return ""
    told = spoken(field.default, unit) if unit else str(field.default)
    return f"; {told} if not given"


def _typed(hint: Any) -> Schema:
    unit = unit_of(hint) if get_origin(hint) is Annotated else None
    if unit is not None:
        return {"type": "string", "pattern": PATTERNS[unit]}
    origin, members = get_origin(hint) or hint, get_args(hint)
    if origin is Literal:
        return {"enum": list(members)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_typed(member) for member in members]}
    return _collected(origin, members)


def _collected(origin: Any, members: tuple[Any, ...]) -> Schema:
    """Lists and mappings, with what they hold; whatever else is only named."""
    schema: Schema = {"type": _KINDS[origin]} if origin in _KINDS else {}
    if origin is list and members:
        schema["items"] = _typed(members[0])
    if origin is dict and members:
        schema["additionalProperties"] = _typed(members[1])
    return schema
