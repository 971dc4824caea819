"""Reading the activities of a file: probes, the steps of the method, rollbacks, stop rules."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, structs

from chaos_runner import shelf
from chaos_runner.contracts import NativeProbe
from chaos_runner.experiment import arguments
from chaos_runner.experiment.controls import controls
from chaos_runner.experiment.document import Node, plain
from chaos_runner.experiment.fields import DURATION_MAX_S, Fields, Found
from chaos_runner.experiment.findings import Severity
from chaos_runner.experiment.judges import COMPARISONS, judge, tolerance_beside
from chaos_runner.experiment.model import (
    MISSING_FOR_S,
    NATIVE_INTERVAL_S,
    AnyAnswer,
    Call,
    Comparison,
    Dry,
    Gate,
    Judge,
    Limit,
    Native,
    Probe,
    Provider,
    ProviderUndo,
    Step,
    StepKind,
    Tolerance,
    Used,
)
from chaos_runner.experiment.providers import provider
from chaos_runner.experiment.reusable import WAYS, Library, Reusable, merged
from chaos_runner.experiment.suggest import did_you_mean
from chaos_runner.shelf import NotOnShelf
from chaos_runner.units import Unit

_SHARED: Final = ("name", "type", "provider", "arguments", "controls", "configuration", "secrets", "dry", "use", "ref")
_JUDGING: Final = ("allow", "for", "missing-for", *COMPARISONS, "tolerance")
_SAMPLING: Final = ("every", *_JUDGING)
_ASKING: Final = ("name", "type", "probe", "provider", "arguments", "configuration", "secrets", "timeout")
PROBE_KEYS: Final = (*_SHARED, "probe", "background", "pauses", "timeout", *_SAMPLING)
STEP_KEYS: Final = (*_SHARED, "fault", "probe", "target", "duration", "every", "background", "pauses", "timeout",
                    "expect", "undo", "tolerance")
GATE_KEYS: Final = ("name", "probe", "provider", "arguments", "type", "use", "configuration", "secrets", "timeout",
                    "missing-for", "watch", "every", "defer", *COMPARISONS, "tolerance")
REF_KEYS: Final = ("ref", "name", "type", "background", "tolerance")
REUSABLE_KEYS: Final = (*_ASKING, *_SAMPLING)
"""What a probe in `probes/*.yaml` may say."""
_AROUND: Final = ("use", "name", "arguments", "controls", "dry", "background", "timeout", "configuration", "secrets")
USE_KEYS: Final = {"probe": (*_AROUND, *_SAMPLING), "stop rule": (*_AROUND, *_SAMPLING),
                   "activity": (*_AROUND, "pauses"), "gate": tuple(key for key in GATE_KEYS if key not in WAYS)}
"""What may stand beside `use`."""
_TAKEN: Final = {"probe": REUSABLE_KEYS, "stop rule": (*_ASKING, "every"), "activity": _ASKING,
                 "gate": (*_ASKING, "missing-for", *COMPARISONS, "tolerance")}
"""What `use` takes over. A limit that says what is good would be the wrong way round in a stop rule."""
_LEFT_TO_THE_USER: Final = ("E206", "E304", "E314")
"""What a reusable probe may lack, as whoever uses it may give it: a condition, an argument."""
WATCH_INTERVAL_S: Final = 10.0
"""How often a gate that is watched is asked, where its author does not say."""
EVERY_S_MIN: Final = 1.0
"""How often a fault may act again at most: it looks for its targets anew each time, and writes down whom it hits."""
UNDO_KEYS: Final = ("provider", "verify")
PAUSES_KEYS: Final = ("before", "after")
_KEYS: Final = {"probe": PROBE_KEYS, "stop rule": PROBE_KEYS, "activity": STEP_KEYS, "gate": GATE_KEYS}
_BELONGS: Final = {"target": ("fault",), "arguments": ("fault", "probe"), "expect": ("provider",)}
"""Keys that mean something only beside some of fault, probe and provider."""
DRY_WORDS: Final = tuple(dry.value for dry in Dry)


class Known(Struct, frozen=True):
    """What activities may refer to: by `ref` the named activities of the same file, by `use` the reusable probes.

    `used` collects those of the latter that were.
    """

    activities: Mapping[str, Node]
    library: Library
    used: dict[str, Used] = {}


class _Called(Struct, frozen=True):
    call: Call | None
    unit: Unit
    kind: StepKind


def probe(node: Node, found: Found, known: Known) -> Probe | None:
    """A probe of the hypothesis."""
    fields = _opened("probe", node, found, known)
    return _probe(fields, _judge_of(fields)) if fields else None


def stop_rule(node: Node, found: Found, known: Known) -> Probe | None:
    """A rule of `stop-when`: a condition stops when it holds, a tolerance when it is not met."""
    fields = _opened("stop rule", node, found, known)
    read = _probe(fields, _stop_judge(fields), every_s=NATIVE_INTERVAL_S) if fields else None
    if read is None:
        return None
    return structs.replace(read, bad_when_met=isinstance(read.judge, Limit))


def gates(fields: Fields, found: Found, known: Known, source: str) -> tuple[Gate, ...]:
    """The gates that stand in a mapping; `source` says in whose name they must be open."""
    read = [_gate(node, found, known, source) for node in fields.items("gates")]
    return tuple(gate for gate in read if gate)


def _gate(node: Node, found: Found, known: Known, source: str) -> Gate | None:
    """Its condition says when it is open. With `watch: true` it is asked again and again."""
    fields = _opened("gate", node, found, known)
    read = _probe(fields, _judge_of(fields)) if fields else None
    if read is None or fields is None:
        return None
    watched = fields.flag("watch")
    if "every" in fields and not watched:
        fields.complain("E202", f"{fields.what} says how often it is asked, and is asked once", fields.place("every"),
                        "add `watch: true`, or leave `every` out")
    every_s = read.every_s if "every" in fields else WATCH_INTERVAL_S
    return Gate(source=source, probe=structs.replace(read, every_s=every_s if watched else None),
                defer_s=fields.positive_s("defer"))


def _stop_judge(fields: Fields) -> Judge | None:
    only_missing = "missing-for" in fields and not any(key in fields for key in (*COMPARISONS, "tolerance"))
    return AnyAnswer() if only_missing else _judge_of(fields)


def step(node: Node, found: Found, known: Known, key: str) -> Step | None:
    """An activity of the method or the rollbacks."""
    fields = _opened("activity", node, found, known)
    if fields is None:
        return None
    controls(fields)
    called = _call(fields)
    pauses = _pauses(fields)
    if "tolerance" in fields and fields.node is node:
        fields.complain("W301", "a tolerance counts only in the hypothesis; here it can only keep a run from passing",
                        fields.place("tolerance"), "use `expect:` on an action, or move the probe to the hypothesis")
    name, undo, duration_s = _name(fields), _undo(fields, known, found), _duration(fields, called)
    every_s = _again(fields, called, duration_s)
    background = fields.flag("background") or (fields.node is not node and member(node, "background") is True)
    if called.call is None or not name:
        return None
    return Step(key=key, name=name, kind=called.kind, call=called.call, place=node.place, duration_s=duration_s,
                every_s=every_s, background=background, pause_before=pauses[0], pause_after=pauses[1],
                expect=fields.plain("expect"), undo=undo, dry=dry(fields),
                tolerance=tolerance_beside(fields) if fields.node is node else None)


def dry(fields: Fields) -> Dry | None:
    """What is not to be called. What asks for nothing counts as absent."""
    word = fields.one_of("dry", DRY_WORDS, "") if asked_for(fields, "dry") else ""
    return Dry(word) if word else None


def has_controls(node: Node) -> bool:
    """Whether the mapping has any controls of its own."""
    entry = node.value.get("controls") if isinstance(node.value, dict) else None
    return bool(entry and entry.node.value)


def asked_for(fields: Fields, key: str) -> bool:
    """Whether the key asks for anything: false and what is empty does not, 0 does."""
    value = fields.plain(key)
    return value is not None and value is not False and value not in ("", [], {})


def member(node: Node, key: str) -> Any:
    """The scalar under a key, None when there is none."""
    entry = node.value.get(key) if isinstance(node.value, dict) else None
    return entry.node.value if entry else None


def _named(what: str, node: Node) -> str:
    name = member(node, "name")
    return f'{what} "{name}"' if isinstance(name, str) else f"the {what}"


def _name(fields: Fields) -> str:
    """Its own, else that of its fault or probe."""
    implied = "" if "name" in fields else fields.text("fault") or fields.text("probe")
    return implied or fields.filled_text("name")


def _opened(what: str, node: Node, found: Found, known: Known) -> Fields | None:
    """The fields of an activity, or of the one it refers to; None when it is no mapping or refers to nothing.

    The keys of an activity that is referred to are looked at where it stands.
    """
    fields = Fields(node, _named(what, node), found)
    if not isinstance(node.value, dict):
        return None
    if "ref" not in fields:
        fields.known((*USE_KEYS[what], *WAYS) if "use" in fields else _KEYS[what])
        return _with_what_it_uses(what, fields, found, known)
    fields.known(REF_KEYS).flag("background")
    referred = _referred(fields, known)
    if referred is None:
        return None
    return _with_what_it_uses(what, Fields(referred, _named(what, referred), found), found, known)


def _with_what_it_uses(what: str, fields: Fields, found: Found, known: Known) -> Fields | None:
    """The same fields, or with `use` those of the reusable probe beneath them. None when that cannot be used."""
    if "use" not in fields:
        return fields
    beside = [way for way in WAYS if way in fields]
    if beside:
        fields.complain("E309", f"{fields.what} has use and {beside[0]}, and only one can be meant",
                        fields.place(beside[0]), "`use` stands for a whole probe: override its `arguments`")
        return None
    own = _reusable(fields, found, known)
    if own is None or not _is_whole(own, found, known) or not _has_its_condition(what, fields):
        return None
    known.used.setdefault(own.name, own.used)
    node = merged(own, fields.node, _TAKEN[what])
    return Fields(node, _named(what, node), found)


def _reusable(fields: Fields, found: Found, known: Known) -> Reusable | None:
    name = fields.filled_text("use")
    probes = known.library.named(name)
    if len(probes) == 1:
        return probes[0]
    if probes:
        where = " and ".join(str(probe.place) for probe in probes)
        fields.complain("E320", f"there are {len(probes)} reusable probes of that name: {where}",
                        fields.node_of("use"), "rename one of them", found=name)
    elif name:
        found += known.library.errors
        names = [probe.name for probe in known.library.probes]
        close = did_you_mean(name, names)
        there = f"there are: {', '.join(names)}" if names else "write it into probes/<any name>.yaml"
        fields.complain("E319", "use names no reusable probe", fields.node_of("use"),
                        f'did you mean "{close}"?' if close else there, found=name)
    return None


def _is_whole(own: Reusable, found: Found, known: Known) -> bool:
    """Whether the probe is right where it stands. What it lacks may be given where it is used."""
    wrong: Found = list(known.library.findings_of(own.place.file))
    fields = Fields(own.node, f'the reusable probe "{own.name}"', wrong).known(REUSABLE_KEYS)
    if isinstance(own.node.value, dict):
        _probe(Fields(merged(own, Node(own.node.place, {}), REUSABLE_KEYS), fields.what, wrong), _judge_of(fields))
    wrong = [finding for finding in wrong if finding.code not in _LEFT_TO_THE_USER]
    found += wrong
    return not any(finding.severity is Severity.ERROR for finding in wrong)


def _has_its_condition(what: str, fields: Fields) -> bool:
    if what != "stop rule" or any(key in fields for key in ("missing-for", *COMPARISONS, "tolerance")):
        return True
    fields.complain("E206", f"{fields.what} says nothing about which values are bad", fields.node,
                    "add `above: 5%`: the condition of the reusable probe says what is good, and is not taken over")
    return False


def _referred(fields: Fields, known: Known) -> Node | None:
    name = fields.text("ref")
    referred = known.activities.get(name)
    if referred is None:
        close = did_you_mean(name, known.activities)
        fields.complain("E317", "ref names no activity of this file", fields.node_of("ref"),
                        f'did you mean "{close}"?' if close else "", found=name)
    return referred


def _judge_of(fields: Fields) -> Judge | None:
    native = _native(fields.text("probe"))
    judged = judge(fields, native.unit if native else Unit.COUNT)
    if native and native.words and judged:
        _check_words(fields, native, judged)
    return judged


def _native(name: str) -> NativeProbe | None:
    try:
        return shelf.probe(name) if name else None
    except NotOnShelf:
        return None


def _check_words(fields: Fields, native: NativeProbe, judged: Judge) -> None:
    """A word that is never given would make a stop rule that never stops."""
    match judged:
        case Limit(comparison=comparison, bounds=[wanted, *_]):
            key, fits = str(comparison), comparison is Comparison.EQUALS and wanted in native.words
        case Tolerance(spec=str() as wanted):
            key, fits = "tolerance", wanted in native.words or "${" in wanted
        case _:
            return
    if fits:
        return
    close = did_you_mean(wanted, native.words) if isinstance(wanted, str) else ""
    fields.complain("E205", f"{native.name} gives one of the words {', '.join(native.words)}", fields.node_of(key),
                    f'did you mean "{close}"?' if close else f"write `equals: {native.words[0]}`", found=repr(wanted))


def _probe(fields: Fields, judged: Judge | None, every_s: float | None = None) -> Probe | None:
    controls(fields)
    called = _call(fields)
    _only_a_probe(fields, called)
    if _pauses(fields) != (0.0, 0.0):
        fields.complain("W101", f"the pauses of {fields.what} are ignored", fields.place("pauses"),
                        "put a probe with pauses into the method")
    interval_s = fields.positive_s("every", every_s if isinstance(called.call, Provider) else NATIVE_INTERVAL_S)
    missing_for_s = fields.positive_s("missing-for", MISSING_FOR_S)
    name, held_for_s, allow = _name(fields), fields.duration_s("for"), fields.share("allow")
    if held_for_s is not None and allow is not None:
        fields.complain("E207", f"{fields.what} has both allow and for, and only one can count", fields.place("for"),
                        "allow forgives a share of the samples, for a time without a break")
    if called.call is None or judged is None or not name:
        return None
    return Probe(name=name, call=called.call, judge=judged, place=fields.node.place, every_s=interval_s,
                 allow=allow, held_for_s=held_for_s, missing_for_s=missing_for_s or MISSING_FOR_S,
                 unit=_unit(called, judged), dry=dry(fields))


def _unit(called: _Called, judged: Judge) -> Unit:
    """That of the limit, for a probe that reads whatever it is asked for."""
    return judged.unit if called.unit is Unit.COUNT and isinstance(judged, Limit) else called.unit


def _only_a_probe(fields: Fields, called: _Called) -> None:
    if called.call is not None and called.kind is StepKind.ACTION:
        fields.complain("E310", f"{fields.what} must be a probe: it may look, and must not change anything",
                        fields.place("fault" if "fault" in fields else "type"))


def _call(fields: Fields) -> _Called:
    _check_toolkit_keys(fields)
    ways = [key for key in WAYS if key in fields]
    if len(ways) != 1:
        fields.complain("E309", f"{fields.what} needs exactly one of fault, probe and provider",
                        fields.place(ways[1]) if ways else fields.node, found=" and ".join(ways) or "none")
        return _Called(None, Unit.COUNT, StepKind.PROBE)
    _check_belonging(fields, ways[0])
    if ways[0] == "fault":
        _check_type(fields, "action")
        return _Called(_fault(fields), Unit.COUNT, StepKind.ACTION)
    if ways[0] == "probe":
        _check_type(fields, "probe")
        return _native_probe(fields)
    return _Called(_provider(fields), Unit.COUNT, _kind(fields))


def _check_toolkit_keys(fields: Fields) -> None:
    """What chaoslib checks and does not use: of a probe `background`, of any activity `timeout`."""
    fields.flag("background")
    timeout = fields.node_of("timeout")
    if timeout and (isinstance(timeout.value, bool) or not isinstance(timeout.value, int | float)):
        fields.complain("E103", "timeout must be a number of seconds", timeout, found=timeout.raw or timeout.kind)


def _check_belonging(fields: Fields, way: str) -> None:
    for key, ways in _BELONGS.items():
        if key in fields and way not in ways:
            fields.complain("W101", f"{key} has no meaning beside {way}, and is ignored", fields.place(key),
                            "the arguments of a provider stand inside it" if key == "arguments" else "remove it")


def _check_type(fields: Fields, implied: str) -> None:
    """What is native needs no type; a wrong one means that something else was meant."""
    if fields.one_of("type", ("action", "probe"), implied) != implied:
        fields.complain("E104", f"{fields.what} is of type {implied}", fields.node_of("type"), "remove the type")


def _kind(fields: Fields) -> StepKind:
    if not fields.require("type"):
        return StepKind.PROBE
    return StepKind(fields.one_of("type", ("action", "probe"), "probe"))


def _provider(fields: Fields) -> Provider | None:
    node = fields.node_of("provider")
    return provider(fields.inner(node, "the provider")) if node else None


def _native_probe(fields: Fields) -> _Called:
    name = fields.text("probe")
    try:
        native = shelf.probe(name)
    except NotOnShelf:
        _not_on_shelf(fields, "probe", name, shelf.probe_names())
        return _Called(None, Unit.COUNT, StepKind.PROBE)
    _check_arguments(fields, "arguments", native.arguments, name)
    return _Called(Native(name, fields.mapping("arguments")), native.unit, StepKind.PROBE)


def _fault(fields: Fields) -> Native | None:
    name = fields.text("fault")
    try:
        fault = shelf.fault(name)
    except NotOnShelf:
        _not_on_shelf(fields, "fault", name, shelf.fault_names())
        return None
    _check_arguments(fields, "arguments", fault.arguments, name)
    _check_arguments(fields, "target", fault.target, name)
    return Native(name, fields.mapping("arguments"), fields.mapping("target"))


def _not_on_shelf(fields: Fields, what: str, name: str, names: list[str]) -> None:
    code = "E301" if what == "fault" else "E302"
    close = did_you_mean(name, names)
    fields.complain(code, f"there is no {what} {name}", fields.node_of(what),
                    f'did you mean "{close}"?' if close else f"there are: {', '.join(names)}")


def _check_arguments(fields: Fields, key: str, kind: type[Struct], name: str) -> None:
    node = fields.node_of(key)
    given = plain(node) if node else {}
    if not isinstance(given, dict):
        fields.complain("E103", f"{key} must be a mapping", node, found=f"{node.kind if node else ''}")
        return
    inner = fields.inner(node, f"the {key} of {name}") if node else fields
    known = list(arguments.names(kind))
    for problem in arguments.complaints(kind, given):
        if problem.missing:
            fields.complain("E304", f'{name} needs "{problem.name}" in its {key}', node or fields.node)
        elif problem.unknown:
            close = did_you_mean(problem.name, known)
            advice = f'did you mean "{close}"?' if close else f"it takes {', '.join(known) or 'none'}"
            fields.complain("E303", f'{name} takes no "{problem.name}" in its {key}', inner.place(problem.name), advice)
        else:
            fields.complain("E305", f"{problem.name}: {problem.wanted}", inner.node_of(problem.name))


def _duration(fields: Fields, called: _Called) -> float | None:
    duration_s = fields.positive_s("duration")
    is_fault = isinstance(called.call, Native) and called.kind is StepKind.ACTION
    if duration_s is not None and called.call and not is_fault:
        fields.complain("E311", "only a native fault has a duration: nothing knows how to undo this when it is over",
                        fields.place("duration"), "use `pauses: {after: …}` to wait")
        return None
    return duration_s


def _again(fields: Fields, called: _Called, duration_s: float | None) -> float | None:
    """How often a fault acts again. What has to be undone first cannot."""
    every_s = fields.positive_s("every") if called.call else None
    if not every_s:
        return None
    if not isinstance(called.call, Native) or called.kind is not StepKind.ACTION:
        said, advice = "only a native fault acts again", "remove `every`, or move the probe to the hypothesis"
    elif not shelf.fault(called.call.name).healed_by:
        said, advice = f"{called.call.name} acts until it is undone, and cannot act again meanwhile", "remove `every`"
    elif duration_s is None:
        said, advice = f"{fields.what} acts again, and nothing says for how long", "add `duration: 1m`"
    elif every_s < EVERY_S_MIN:
        said, advice = f"{fields.what} acts again more than once a second", "write `every: 1s`, or more"
    elif every_s >= duration_s:
        said, advice = f"{fields.what} is over before it would act again", "make `duration` longer than `every`"
    else:
        return every_s
    fields.complain("E322", said, fields.place("every"), advice)
    return None


def _pauses(fields: Fields) -> tuple[float | str, float | str]:
    node = fields.node_of("pauses")
    if node is None:
        return 0.0, 0.0
    pauses = fields.inner(node, "pauses").known(PAUSES_KEYS)
    return _pause(pauses, "before"), _pause(pauses, "after")


def _pause(pauses: Fields, key: str) -> float | str:
    """Seconds as Chaos Toolkit has them, a duration with a unit, or exactly one `${name}`."""
    value = pauses.plain(key, 0.0)
    if isinstance(value, str) and value.startswith("${") and value.endswith("}"):
        return value
    if isinstance(value, str):
        return pauses.duration_s(key, 0.0) or 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= DURATION_MAX_S:
        pauses.complain("E201", f"the pause {key} must be a duration", pauses.node_of(key), "write `5s`",
                        found=repr(value))
        return 0.0
    return float(value)


def _undo(fields: Fields, known: Known, found: Found) -> ProviderUndo | None:
    node = fields.node_of("undo")
    if node is None:
        return None
    if "fault" in fields:
        fields.complain("E318", "a native fault knows its own way back and takes no undo", fields.place("undo"))
        return None
    undo: Fields = fields.inner(node, "the undo").known(UNDO_KEYS)
    undo.require("provider")
    call: Any = _provider(undo)
    verify_node = undo.node_of("verify")
    verify = probe(_with_name(verify_node), found, known) if verify_node else None
    return ProviderUndo(call=call, verify=verify) if call else None


def _with_name(node: Node) -> Node:
    """A verify needs no name of its own: it stands under the action it verifies."""
    from chaos_runner.experiment.document import Entry

    if not isinstance(node.value, dict) or member(node, "name") is not None:
        return node
    name = Entry(node.place, Node(node.place, "looking back", '"looking back"'))
    return Node(node.place, {**node.value, "name": name})
