"""JSON Schema of what narrows a run, wherever it stands."""

from typing import Final

from chaos_runner.experiment import safeguards as guards
from chaos_runner.experiment.schema_values import Schema, duration, list_of, mapping, share

PATTERNS: Final[Schema] = {"type": "array", "minItems": 1, "items": {"type": ["string", "integer"], "minLength": 1}}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 1}
SAFEGUARDS: Final[dict[str, Schema]] = {
    "limits": mapping(guards.LIMIT_KEYS, {
        "max-share": share("Of each group that targets are chosen from, all faults together."),
        "max-targets": {**_COUNT, "description": "Of all faults together."},
        "max-duration": duration("From the first fault to the beginning of the undo."),
        **{key: {**PATTERNS, "description": f"Patterns of the {key} in which targets may stand."}
           for key in guards.PATTERN_KEYS}}),
    "confirm-above": mapping(guards.CONFIRM_KEYS, {
        "share": share("More of any group, and somebody is asked."),
        "targets": {"type": "integer", "minimum": 0, "description": "More targets, and somebody is asked."}}),
    "gates": list_of("gate", "Each must be open before the first fault; with `watch` it ends the run when it closes."),
    "require-proof": {"type": "boolean", "description": "Only measured evidence counts: what is merely reported is "
                                                        "inconclusive."},
    "require-verified-undo": {"type": "boolean", "description": "Every action must have an undo that is verified."},
    "rehearse": {"type": "boolean", "description": "Trip each stop rule with an invented bad sample, before the first "
                                                   "fault."},
    "locks": {"type": "array", "items": {"type": "string", "pattern": "^(s3|dynamodb)://[A-Za-z0-9._-]{3,255}/.*[^/]$"},
              "description": "Held while it runs, so that no other run that names one of them does at the same time: "
                             "s3://bucket/path or dynamodb://table/name."},
    "max-abort-latency": duration("How long a rehearsed stop may take from its sample to an undo that is ready."),
}
_LABELS: Final[Schema] = {"type": "object", "additionalProperties": {"type": "string"}}
PROTECTED: Final[Schema] = mapping(guards.PROTECTED_KEYS, {
    "names": {**PATTERNS, "description": "Patterns of the names that nothing may hit."},
    "labels": {**_LABELS, "description": "What has one of these labels is never hit."},
    "tags": {**_LABELS, "description": "The same for what has tags."}})
