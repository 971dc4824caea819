"""The JSON Schema (draft 2020-12) of game days, for editors.

Its keys are the very tuples that the loader knows. It says yes to every file in which the loader finds nothing to
complain of. The loader sees more: whether a role or an experiment that is named is there.
"""

from typing import Final

from chaos_runner.experiment.schema_values import Schema, duration, filled, has, list_of, mapping, text, whole
from chaos_runner.gameday.model import Kind
from chaos_runner.gameday.reading import DAY_KEYS, ITEM_KEYS, ITEMS_MAX


def schema() -> Schema:
    """The whole schema, as ordinary data."""
    return {**whole("A game day of chaos-runner"), **mapping(DAY_KEYS, _DAY, ("title", "agenda")),
            "$defs": {"item": {"type": "object", "oneOf": [has(kind) for kind in Kind],
                               "allOf": [{"if": has(kind), "then": mapping(keys, _ITEM, (str(kind),))}
                                         for kind, keys in ITEM_KEYS.items()]}}}


_ROLE: Final = filled("A role.")
_DAY: Final[dict[str, Schema]] = {
    "title": filled("What the day is called."), "description": text("What it is for."), "owner": text("Who to ask."),
    "env": text("The environment of `chaos.yaml` that its experiments run in."),
    "roles": {"anyOf": [{"type": "object", "additionalProperties": {"type": ["string", "null"]}},
                        {"type": "array", "items": _ROLE}],
              "description": "Who plays what: roles and people, or only roles."},
    "agenda": {**list_of("item", "What is done, in this order."), "minItems": 1, "maxItems": ITEMS_MAX},
}
_ITEM: Final[dict[str, Schema]] = {
    "experiment": filled("An experiment's file."),
    "manual": filled("What people do."), "ask": filled("What must be answered with go."),
    "note": filled("What is said to all."), "title": text("What it is called on the day."),
    "sealed": {"type": "boolean", "description": "Responders see only that something happens, until the day is over."},
    "at-most": duration("How long it may take."),
    "observe": duration("How long people look on when it is over."), "role": {**_ROLE, "description": "Who does it."},
    "of": {"anyOf": [_ROLE, {"type": "array", "items": _ROLE, "minItems": 1}],
           "description": "Who must each say go; all roles if not given."},
}
