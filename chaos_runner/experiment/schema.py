"""The JSON Schema (draft 2020-12) of experiment files, for editors.

Its keys are the very tuples that the loader knows, its faults and probes are those on the shelf. It says yes to every
file in which the loader finds nothing to complain of. The loader sees more: whether a module can be imported, whether a
`ref` names anything, whether the last fault would be undone at once. A key that the loader only warns of is wrong here.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

from chaos_runner import shelf
from chaos_runner.contracts import Fault, NativeProbe
from chaos_runner.experiment import activities, build, providers
from chaos_runner.experiment.arguments import required
from chaos_runner.experiment.controls import CONTROL_KEYS, CONTROL_PROVIDER_KEYS, SCOPES
from chaos_runner.experiment.judges import COMPARISONS, TOLERANCES
from chaos_runner.experiment.model import Comparison, RollbackStrategy
from chaos_runner.experiment.schema_safeguards import SAFEGUARDS
from chaos_runner.experiment.schema_values import (
    Schema,
    arguments,
    bound,
    duration,
    filled,
    has,
    list_of,
    mapping,
    or_null,
    pause,
    says,
    share,
    text,
    to,
    whole,
    words,
)
from chaos_runner.units import Unit

_NATIVE: Final = ("fault", "probe")
_CONDITIONS: Final = (*COMPARISONS, "tolerance")
_WAYS: Final = (*_NATIVE, "provider")


def schema() -> Schema:
    """The whole schema, as ordinary data. Imports every fault and probe on the shelf."""
    faults: dict[str, Any] = {name: shelf.fault(name) for name in shelf.fault_names()}
    probes: dict[str, Any] = {name: shelf.probe(name) for name in shelf.probe_names()}
    return {
        **whole("An experiment of chaos-runner"),
        **mapping(build.EXPERIMENT_KEYS, _EXPERIMENT, ("title", "description", "method")),
        "$defs": {
            "hypothesis": mapping(build.HYPOTHESIS_KEYS, _HYPOTHESIS, ("title",)),
            "probe-in-use": _in_use("probe"),
            "step-in-use": _in_use("activity"),
            "ref": mapping(activities.REF_KEYS, _ACTIVITY, ("ref",)),
            "probe": _or_ref(_or_in_use("probe", {"allOf": [to("unnamed-probe"), _NAMED]})),
            "verify": _or_ref(_or_in_use("probe", to("unnamed-probe"))),
            "unnamed-probe": _probe(probes, activities.PROBE_KEYS),
            "step": _or_ref(_or_in_use("step", {"allOf": [_step(faults, probes), _NAMED]})),
            "rollback": {"allOf": [to("step"), {"not": has("fault")}]},
            "undo": mapping(activities.UNDO_KEYS, _UNDO, ("provider",)),
            **{f"target-of-{name}": arguments(fault.target) for name, fault in faults.items()},
            **{f"arguments-of-{name}": arguments(fault.arguments) for name, fault in faults.items()},
            **gate_definitions(),
        },
    }


def gate_definitions() -> dict[str, Schema]:
    """What is defined of gates, which stand in schedules too: "gate", and all that it needs."""
    probes: dict[str, Any] = {name: shelf.probe(name) for name in shelf.probe_names()}
    return {
        "gate": _or_in_use("gate", {"allOf": [_probe(probes, activities.GATE_KEYS), _NAMED]}),
        "gate-in-use": _in_use("gate"),
        "provider": _providers(),
        "tolerance": _tolerance(),
        **{f"arguments-of-probe-{name}": arguments(native.arguments) for name, native in probes.items()},
    }


# Activities


def _or_ref(itself: Schema) -> Schema:
    return {"type": "object", "if": has("ref"), "then": to("ref"), "else": itself}


def _or_in_use(name: str, itself: Schema) -> Schema:
    return {"if": has("use"), "then": to(f"{name}-in-use"), "else": itself}


def _in_use(what: str) -> Schema:
    """A reusable probe, which only its own file tells more of: not what it reads, nor whether it has a condition."""
    keys = activities.USE_KEYS[what]
    at_most_one = [{"not": {"allOf": [has(one), has(other)]}} for one, other in combinations(_CONDITIONS, 2)
                   if one in keys]
    return {**mapping(keys, {**_ACTIVITY, "arguments": _OVERRIDES}, ("use",)), "allOf": at_most_one or [{}]}


def _step(faults: Mapping[str, Fault[Any, Any]], probes: Mapping[str, NativeProbe]) -> Schema:
    known = {**_ACTIVITY, "fault": _choice({name: says(fault) for name, fault in faults.items()}, "A native fault."),
             "probe": _probe_choice(probes)}
    return {**mapping(activities.STEP_KEYS, known), "oneOf": [has(way) for way in _WAYS],
            "allOf": [_TYPED, _ONLY_A_FAULT_LASTS, *map(_fault_branch, faults.items()), *map(_takes, probes.values())]}


def _probe(probes: Mapping[str, NativeProbe], keys: Iterable[str]) -> Schema:
    known = {**_ACTIVITY, "probe": _probe_choice(probes), "type": {"const": "probe"}}
    conditions = {"oneOf": [has(key) for key in _CONDITIONS]}
    counted = {"if": has("provider"), "then": {"properties": _bounds(Unit.COUNT)}}
    return {**mapping(keys, known), "oneOf": [has("probe"), has("provider")],
            "allOf": [_TYPED, conditions, counted, *map(_takes, probes.values()), *map(_measures, probes.values())]}


def _choice(names: Mapping[str, str], told: str) -> Schema:
    return {"type": "string", "description": told,
            "oneOf": [{"const": name, "description": said} for name, said in names.items()] or [False]}


def _probe_choice(probes: Mapping[str, NativeProbe]) -> Schema:
    return _choice({name: native.says for name, native in probes.items()}, "A native probe: it only looks.")


def _when(key: str, name: str, then: Schema) -> Schema:
    return {"if": {"required": [key], "properties": {key: {"const": name}}}, "then": then}


def _fault_branch(named: tuple[str, Fault[Any, Any]]) -> Schema:
    name, fault = named
    kinds = {"target": fault.target, "arguments": fault.arguments}
    properties = {key: or_null(to(f"{key}-of-{name}")) for key in kinds}
    needed = [has(key) for key, kind in kinds.items() if required(kind)]
    return _when("fault", name, {"properties": properties, "allOf": [*needed, {"not": has("undo")}]})


def _takes(native: NativeProbe) -> Schema:
    properties = {"arguments": or_null(to(f"arguments-of-probe-{native.name}"))}
    needed = [has("arguments")] if required(native.arguments) else [{}]
    return _when("probe", native.name, {"properties": properties, "allOf": needed})


def _measures(native: NativeProbe) -> Schema:
    return _when("probe", native.name, {"properties": _words(native.words) if native.words else _bounds(native.unit)})


def _words(words: Sequence[str]) -> Schema:
    allowed = {Comparison.EQUALS: list(words)}
    return {comparison.value: or_null({"enum": allowed.get(comparison, [])}) for comparison in Comparison}


def _bounds(unit: Unit) -> Schema:
    one = bound(unit)
    pair = {"type": "array", "prefixItems": [one, one], "minItems": 2, "maxItems": 2}
    anything: Schema = {} if unit is Unit.COUNT else {"anyOf": [one, {"type": ["boolean", "array", "object"]}]}
    special = {Comparison.BETWEEN: pair, Comparison.EQUALS: anything}
    return {comparison.value: or_null(special.get(comparison, one)) for comparison in Comparison}


# Chaos Toolkit's parts


def _providers() -> Schema:
    branches = [_when("type", kind, mapping(keys, {**_PROVIDER, **_PROVIDERS[kind]}, _NEEDS[kind]))
                for kind, keys in providers.PROVIDER_KEYS.items()]
    return {"type": "object", "required": ["type"], "allOf": branches,
            "properties": {"type": words("Who does it.", providers.PROVIDER_KEYS)}}


def _tolerance() -> Schema:
    branches = [_when("type", kind, _TOLERANCES[kind]) for kind in TOLERANCES]
    typed = {"type": "object", "required": ["type"], "allOf": branches,
             "properties": {"type": words("How the value is judged.", TOLERANCES)}}
    return {"anyOf": [{"type": ["boolean", "integer", "string", "array"]}, typed],
            "description": "Chaos Toolkit's: true or false, a whole number, a text, a list, or a mapping with a type."}


_PAIR: Final = {"type": "array", "items": {"type": ["number", "boolean"]}, "minItems": 2, "maxItems": 2}
_TOLERANCES: Final[dict[str, Schema]] = {
    "probe": {"properties": {"provider": to("provider")}, "required": ["provider"]},
    "regex": {"properties": {"pattern": text("A regular expression, searched in the value.")}, "required": ["pattern"]},
    "jsonpath": {"properties": {"path": filled("A JSON path; needs jsonpath2.")}, "required": ["path"]},
    "range": {"properties": {"range": _PAIR}, "required": ["range"]},
}
_SECONDS: Final = {"type": "number", "exclusiveMinimum": 0}
_PROVIDER: Final[dict[str, Schema]] = {
    "type": words("Who does it.", providers.PROVIDER_KEYS),
    "arguments": {"description": "What it is given. ${name} is filled from configuration and secrets."},
    "secrets": {"description": "The groups of secrets that the function is given."},
    "configuration": {},
}
_PROVIDERS: Final[dict[str, dict[str, Schema]]] = {
    "python": {
        "module": filled("A Python module that can be imported."), "func": filled("A function in that module."),
        "arguments": {"type": "object", "description": "The function's arguments by name."},
    },
    "process": {
        "path": filled("An executable."),
        "arguments": {"type": ["string", "array", "object"], "description": "A text goes through a shell."},
        "timeout": {**_SECONDS, "description": "Seconds until it is ended."},
    },
    "http": {
        "url": filled("Where to."), "method": text("GET if not given."), "headers": {"type": "object"},
        "timeout": {"description": "Seconds, or [seconds to connect, seconds to read].", "anyOf": [
            _SECONDS, {"type": "string", "pattern": r"\$\{"},
            {"type": "array", "items": _SECONDS, "minItems": 2, "maxItems": 2}]},
        "verify_tls": {"description": "Whether the certificate must be trusted."},
        "max_retries": {"description": "How often to try again."}, "expected_status": {},
    },
}
_NEEDS: Final = {"python": ("type", "module", "func"), "process": ("type", "path"), "http": ("type", "url")}


# Keys


_DRY: Final[Schema] = {"enum": [*activities.DRY_WORDS, False, "", [], {}],
                       "description": "What is only gone through and not called."}
_CONTROL: Final[dict[str, Schema]] = {
    "name": filled("What the control is called."),
    "provider": mapping(CONTROL_PROVIDER_KEYS, {
        "type": {"const": "python"}, "module": filled("A Python module with the control's functions."),
        "arguments": {"type": "object", "description": "What its functions are given."},
        "secrets": {}, "configuration": {}}, ("module",)),
    "scope": words("Whether it is called only before or only after.", SCOPES),
    "automatic": {"type": "boolean", "description": "Whether it counts for every activity."},
    "ref": {"description": "The name of a control of the experiment."},
}
_CONTROLS: Final[Schema] = {
    "description": "Chaos Toolkit's controls: functions that are called around what is done.",
    "anyOf": [{"enum": [False, "", 0, {}]}, {"type": "array", "items": {
        "if": has("ref"), "then": mapping(CONTROL_KEYS, _CONTROL),
        "else": mapping(CONTROL_KEYS, _CONTROL, ("name", "provider"))}}]}
_EXPERIMENT: Final[dict[str, Schema]] = {
    "version": {"description": "The version of the file's own content."},
    "title": filled("What is believed, in one line."),
    "description": filled("Why it is believed."),
    "tags": {"type": "array", "items": {"type": "string", "minLength": 1}, "description": "Words to find it by."},
    "owner": text("Who to ask."),
    "contributions": {"description": "Chaos Toolkit's: what the experiment contributes to, and how much."},
    "extensions": {"description": "Chaos Toolkit's: whatever its extensions read."},
    "configuration": {"type": "object", "description": "What ${name} stands for. `type: env` reads the environment."},
    "secrets": {"type": "object", "description": "Groups of values that are never written anywhere."},
    "steady-state-hypothesis": {**to("hypothesis"), "description": "What shows that all is well."},
    "method": list_of("step", "What is done, in this order."),
    "rollbacks": list_of("rollback", "What brings the system back. Native faults need none: they undo themselves."),
    "runtime": mapping(build.RUNTIME_KEYS, {
        "rollbacks": mapping(build.STRATEGY_KEYS, {"strategy": words("When the rollbacks run.", RollbackStrategy)}),
        "hypothesis": mapping(build.STRATEGY_KEYS, {"strategy": words("When probes that are read once are read.",
                                                                       build.HYPOTHESIS_STRATEGIES)}),
    }),
    "stop-when": list_of("probe", "Each ends the run: a limit when it holds, a tolerance when it is not met."),
    "seed": {"type": "integer", "description": "Makes random choices repeatable."},
    **SAFEGUARDS, "controls": _CONTROLS, "dry": _DRY,
}
_HYPOTHESIS: Final[dict[str, Schema]] = {
    "title": filled("What holds when all is well."),
    "description": {"description": "More about it."},
    "probes": list_of("probe", "What is measured before, while and after the faults act."),
    "controls": _CONTROLS,
    "baseline": duration("How long it is measured before the first fault; 5s if not given."),
    "recovers-within": duration("How long it may take after the last undo."),
}
_ACTIVITY: Final[dict[str, Schema]] = {
    "name": filled("What it is called, here and in every report."),
    "type": words("Only for providers: native faults are actions, native probes probes.", ("action", "probe")),
    "provider": to("provider"),
    "arguments": {"type": "object", "description": "What the fault or the probe is given."},
    "configuration": {}, "secrets": {},
    "use": filled("The name of a reusable probe, which is meant: one in probes/*.yaml."),
    "ref": filled("The name of another activity of this file, which is meant."),
    "background": {"type": "boolean", "description": "The method goes on while it lasts."},
    "pauses": mapping(activities.PAUSES_KEYS, {"before": pause("Waited before it."),
                                                "after": pause("Waited after it is over.")}),
    "timeout": {"type": "number", "description": "Chaos Toolkit's, which does not use it either. A provider has one."},
    "target": {"type": "object", "description": "What the fault hits."},
    "duration": duration("When it is over, the fault is undone. Without: at the end of the method."),
    "expect": {"description": "What the action must return for it to have acted."},
    "undo": to("undo"),
    "tolerance": to("tolerance"),
    "watch": {"type": "boolean", "description": "Ask again and again, and end the run when the gate closes."},
    "defer": duration("A closed gate puts the run off, to be tried again so much later. Without, it denies."),
    "every": duration("How often a probe is read; 1s if not given, for a native one. How often a fault acts again."),
    "allow": share("The share of bad samples that still holds."),
    "for": duration("How long it may be bad."),
    "missing-for": duration("How long there may be no data."),
    **{comparison.value: {"description": f"The limit: good values are {comparison.value.replace('-', ' ')} this."}
       for comparison in Comparison},
    "controls": _CONTROLS, "dry": _DRY,
}
_OVERRIDES: Final[Schema] = {"type": ["object", "array", "string"],
                             "description": "Laid over those of the reusable probe, key by key."}
_UNDO: Final[dict[str, Schema]] = {"provider": to("provider"), "verify": to("verify")}
_NAMED: Final[Schema] = {"anyOf": [has(key) for key in ("name", *_NATIVE)]}
"""What is native is called like its fault or probe unless it has a name."""
_TYPED: Final[Schema] = {"allOf": [
    {"if": has("provider"), "then": has("type")},
    {"if": has("fault"), "then": {"properties": {"type": {"enum": ["action", None]}}}},
    {"if": has("probe"), "then": {"properties": {"type": {"enum": ["probe", None]}}}},
]}
_ONLY_A_FAULT_LASTS: Final[Schema] = {"if": has("duration"), "then": has("fault")}
