"""The JSON Schema (draft 2020-12) of schedules, for editors.

Its keys are the very tuples that the loader knows. It says yes to every file in which the loader finds nothing to
complain of. The loader sees more: whether a zone, a calendar or a file is there, and whether a blackout ends after it
begins.
"""

from typing import Final

from chaos_runner.experiment.schema import gate_definitions
from chaos_runner.experiment.schema_notify import channels_schema
from chaos_runner.experiment.schema_values import Schema, duration, filled, has, list_of, mapping, text, whole, words
from chaos_runner.schedule import reading
from chaos_runner.schedule.model import WEEK, Gap, Overlap, Per, Twice

_TIME: Final = r"\d{1,2}:\d{2}"
_DAY: Final = "(?:{})".format("|".join("".join(f"[{letter}{letter.upper()}]" for letter in day) for day in WEEK))
_MOMENT: Final = r"^\d{4}"
_ICAL: Final = r"\.[iI][cC][sS]$"


def schema() -> Schema:
    """The whole schema, as ordinary data. Imports every probe on the shelf."""
    keys = {**_KEYS, "notify": channels_schema()}
    return {**whole("A schedule of chaos-runner"),
            **mapping(reading.SCHEDULE_KEYS, keys, ("experiment", "timezone")),
            "oneOf": [has(way) for way in reading.WHENS], "allOf": _TOGETHER, "$defs": gate_definitions()}


def _one_or_more(one: Schema, says: str) -> Schema:
    return {"anyOf": [one, {"type": "array", "items": one}], "description": says}


def _moment(says: str) -> Schema:
    return text(says, pattern=_MOMENT, examples=["2026-12-24", "2026-12-24 18:00"])


_WEEKDAYS: Final = {"type": "string", "pattern": rf"^\s*{_DAY}"}
_RANGE: Final = mapping(reading.BLACKOUT_KEYS, {
    "from": _moment("Its first day, or the moment it begins."), "to": _moment("Its last day, or the moment it ends."),
    "why": text("Why nothing may run.")}, ("from", "to"))
_KEYS: Final[dict[str, Schema]] = {
    "experiment": text("The experiment's file."),
    "env": text("The environment of `chaos.yaml` that it runs in."),
    "cron": filled("When it is due, in five fields: minute, hour, day of month, month, weekday."),
    "every": {**duration("How often it is due: whole seconds, and a minute or more."), "examples": ["1h", "1d"]},
    "starting": _moment("Where `every` begins to count, by the wall of the zone."),
    "random": mapping(reading.RANDOM_KEYS, {
        "times": {"type": "integer", "minimum": 1, "maximum": reading.TIMES_MAX, "description": "How often."},
        "per": words("In what time.", Per)}, ("times", "per")),
    "timezone": text("The zone by whose wall it is due.", examples=["Europe/Berlin", "UTC"]),
    "dst": mapping(reading.DST_KEYS, {
        "gap": words("What becomes of a time that the clocks jump over; next if not given.", Gap),
        "overlap": words("Which counts, of a time that comes twice; first if not given.", Twice)}),
    "window": _one_or_more({"type": "string", "pattern": rf"^\s*{_TIME}\s*-\s*{_TIME}\s*$",
                            "examples": ["09:00-16:00"]}, "The hours in which it may run, its undo included."),
    "days": {"anyOf": [{"const": reading.BUSINESS}, _WEEKDAYS, {"type": "array", "items": _WEEKDAYS}],
             "description": "business, or days such as mon-fri or [mon, thu]."},
    "calendar": _one_or_more({"type": "string", "examples": ["DE-BE"]},
                             "Whose holidays count: a country or its part, NYSE, an iCal file, or dates."),
    "blackouts": _one_or_more({"anyOf": [{"type": "string", "anyOf": [{"pattern": _ICAL}, {"pattern": _MOMENT}]},
                                         _RANGE]}, "When nothing may run: dates, ranges, or iCal files."),
    "jitter": duration("How much later than due it may begin; its seed is the occurrence."),
    "missed": {"anyOf": [{"const": reading.RECORD}, mapping(reading.MISSED_KEYS, {
        "run-once-within": duration("How late a run may still begin.")}, ("run-once-within",))],
        "description": "What becomes of what nobody was there for; record if not given, and it is never begun late."},
    "overlap": words("What becomes of it while the last one still runs; skip if not given.", Overlap),
    "pause-after": {"type": "integer", "minimum": 1, "description": "Pause it after so many failures in a row."},
    "gates": list_of("gate", "Each must be open before it runs; with `watch` it ends the run when it closes."),
    "tags": {"type": "array", "items": {"type": "string", "minLength": 1}, "description": "Words to find it by."},
    "owner": text("Who to ask."), "description": text("Why it runs then."),
    "enabled": {"type": "boolean", "description": "Whether it runs by itself; not, if it is not said."},
}
_TOGETHER: Final[list[Schema]] = [
    {"if": has("starting"), "then": has("every")},
    {"if": has("random"), "then": {"allOf": [has("window"), {"not": has("jitter")}, {"not": has("dst")}]}},
]
