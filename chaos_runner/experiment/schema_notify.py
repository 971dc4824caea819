"""JSON Schema of `notify:`, wherever it stands."""

import types
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec

from chaos_runner.experiment.arguments import names, required
from chaos_runner.experiment.notifying import CHANNEL_KEYS
from chaos_runner.experiment.schema_values import Schema, filled, has, mapping, says
from chaos_runner.notify.channel import Way, way, way_names
from chaos_runner.notify.notice import CHOICES

_TEXT: Final[Schema] = {"type": "string"}
_OWN: Final[dict[str, Schema]] = {
    "name": filled("What it is called in what is told of it."),
    "events": {"type": "array", "items": {"enum": list(CHOICES)}, "minItems": 1,
               "description": "Of what is told; without, of all but that a run starts or is skipped."},
}


def channels_schema() -> Schema:
    """A list of channels, each by one way."""
    ways = {name: way(name) for name in way_names()}
    return {"type": "array", "description": "Who is told of it, beside those whom the project names.",
            "items": {"type": "object", "oneOf": [has(name) for name in ways],
                      "allOf": [{"if": has(name), "then": _channel(chosen)} for name, chosen in ways.items()]}}


def _channel(chosen: Way[Any]) -> Schema:
    kind = chosen.settings
    hints = get_type_hints(kind)
    settings = {field.encode_name: _setting(hints[field.name]) for field in msgspec.structs.fields(kind)}
    return {**mapping((*names(kind), *CHANNEL_KEYS), {**settings, **_OWN}, required(kind)), "description": says(chosen)}


def _setting(hint: Any) -> Schema:
    """A text, where a secret is kept, or a mapping of either."""
    if get_origin(hint) in (Union, types.UnionType):
        return {"anyOf": [_setting(one) for one in get_args(hint) if one is not type(None)]}
    if get_origin(hint) is dict:
        return {"type": "object", "additionalProperties": _setting(get_args(hint)[1])}
    return _TEXT if hint is str else _kept(hint)


def _kept(place: Any) -> Schema:
    """Where a secret is kept: `type` says in what kind of place."""
    said = msgspec.structs.fields(place)
    return {"type": "object", "description": says(place), "additionalProperties": False,
            "properties": {"type": {"const": place.__struct_config__.tag}, **{one.name: _TEXT for one in said}},
            "required": ["type", *(one.name for one in said)]}
