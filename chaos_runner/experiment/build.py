"""From a document to an Experiment, with every complaint in one go."""

import os
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import structs

from chaos_runner.experiment import activities
from chaos_runner.experiment.activities import Known
from chaos_runner.experiment.controls import controls
from chaos_runner.experiment.document import Document, Node
from chaos_runner.experiment.fields import Fields, Found
from chaos_runner.experiment.findings import Finding, Severity
from chaos_runner.experiment.model import (
    BASELINE_S,
    OTHER_SPELLINGS,
    STEADY_SAMPLES,
    Experiment,
    Hypothesis,
    HypothesisStrategy,
    Probe,
    RollbackStrategy,
    Safeguards,
    Step,
)
from chaos_runner.experiment.names import check_names
from chaos_runner.experiment.providers import provider
from chaos_runner.experiment.reusable import Library
from chaos_runner.experiment.safeguards import SAFEGUARD_KEYS, safeguards

EXPERIMENT_KEYS: Final = (
    "version", "title", "description", "tags", "owner", "contributions", "extensions", "configuration", "secrets",
    "steady-state-hypothesis", "method", "rollbacks", "controls", "runtime", "dry", "stop-when", "seed",
    *SAFEGUARD_KEYS,
)
HYPOTHESIS_KEYS: Final = ("title", "description", "probes", "controls", "baseline", "recovers-within")
DYNAMIC_KEYS: Final = ("type", "name", "provider", "description")
RUNTIME_KEYS: Final = ("rollbacks", "hypothesis")
STRATEGY_KEYS: Final = ("strategy",)
HYPOTHESIS_STRATEGIES: Final = (*(strategy.value for strategy in HypothesisStrategy), *OTHER_SPELLINGS)
_STRATEGIES: Final = tuple(strategy.value for strategy in RollbackStrategy)


def build(document: Document, library: Library) -> tuple[Experiment | None, list[Finding]]:
    """The experiment, with the reusable probes that it uses from the library; None when any finding is an error."""
    found: Found = list(document.findings)
    if document.root is None or not isinstance(document.root.value, dict):
        return None, found
    fields = Fields(document.root, "the experiment", found)
    experiment = _experiment(document, fields, found, Known(dict(_named(fields)), library))
    said_once = list(dict.fromkeys(found))  # an activity that is referred to is read again
    broken = any(finding.severity is Severity.ERROR for finding in said_once)
    left_out = tuple(finding.message for finding in said_once if finding.code == "W303")
    return (None if broken else structs.replace(experiment, controls_left_out=left_out)), said_once


def _experiment(document: Document, fields: Fields, found: Found, known: Known) -> Experiment:
    fields.known(EXPERIMENT_KEYS).require("method")
    check_names(fields)
    method = _steps(fields, found, known, "method")
    _check_ends(fields, method)
    rules = [activities.stop_rule(node, found, known) for node in fields.items("stop-when")]
    hypothesis, rollbacks = _hypothesis(fields, found, known), _steps(fields, found, known, "rollbacks")
    return Experiment(
        title=fields.filled_text("title"), description=fields.filled_text("description"), file=document.file,
        hypothesis=hypothesis, method=tuple(method), rollbacks=tuple(rollbacks),
        stop_rules=tuple(rule for rule in rules if rule), configuration=_configuration(fields),
        secrets=fields.mapping("secrets"), tags=_tags(fields), owner=fields.text("owner"),
        seed=fields.whole("seed"), safeguards=_safeguards(fields, found, known),
        rollback_strategy=_rollback_strategy(fields), hypothesis_strategy=_hypothesis_strategy(fields),
        has_runtime=bool(fields.plain("runtime")), dry=activities.dry(fields), controlled=_controlled(fields),
        source=document.text, used=tuple(known.used.values()))


def _safeguards(fields: Fields, found: Found, known: Known) -> Safeguards:
    gates = activities.gates(fields, found, known, "the experiment")
    return structs.replace(safeguards(fields, "the experiment"), gates=gates)


def _controlled(fields: Fields) -> bool:
    """Whether the experiment, its hypothesis or any activity has controls. Those of activities are read with them."""
    controls(fields)
    hypothesis = fields.node_of("steady-state-hypothesis")
    inner = Fields(hypothesis, "", []) if hypothesis else fields
    nodes = [fields.node, inner.node, *inner.items("probes")]
    quiet = Fields(fields.node, "", [])
    return any(activities.has_controls(node) for node in [*nodes, *quiet.items("method"), *quiet.items("rollbacks")])


def _named(fields: Fields) -> Iterator[tuple[str, Node]]:
    """Every activity with a name, for `ref`. Of two with one name chaoslib's choice comes last and so wins."""
    hypothesis = fields.node_of("steady-state-hypothesis")
    lists = [Fields(hypothesis, "", []).items("probes")] if hypothesis else []
    quiet = Fields(fields.node, "", [])
    for nodes in [quiet.items("rollbacks"), quiet.items("method"), *lists]:
        for node in nodes:
            name = activities.member(node, "name")
            if isinstance(name, str) and activities.member(node, "ref") is None:
                yield name, node


def _hypothesis(fields: Fields, found: Found, known: Known) -> Hypothesis | None:
    node = fields.node_of("steady-state-hypothesis")
    if node is None:
        return None
    inner = fields.inner(node, "the steady-state hypothesis").known(HYPOTHESIS_KEYS)
    controls(inner)
    probes = [activities.probe(item, found, known) for item in inner.items("probes")]
    baseline_s = inner.duration_s("baseline", BASELINE_S)
    _check_recovery(inner, [probe for probe in probes if probe])
    return Hypothesis(title=inner.filled_text("title"), probes=tuple(probe for probe in probes if probe),
                      baseline_s=BASELINE_S if baseline_s is None else baseline_s,
                      recovers_within_s=inner.duration_s("recovers-within"))


def _check_recovery(hypothesis: Fields, probes: Sequence[Probe]) -> None:
    """Five good samples in a row must fit into the time they are given."""
    within_s = hypothesis.duration_s("recovers-within")
    slowest_s = max((probe.every_s or 0.0 for probe in probes), default=0.0)
    if within_s is not None and within_s < STEADY_SAMPLES * slowest_s:
        hypothesis.complain("E208", f"recovers-within leaves no time for {STEADY_SAMPLES} samples in a row",
                            hypothesis.node_of("recovers-within"),
                            f"give it at least {STEADY_SAMPLES * slowest_s:g}s, or sample more often with `every`")


def _steps(fields: Fields, found: Found, known: Known, key: str) -> list[Step]:
    steps: list[Step] = []
    for number, node in enumerate(fields.items(key)):
        step = activities.step(node, found, known, f"{key[0]}{number}")
        if step and key == "rollbacks" and step.is_fault:
            fields.complain("E310", "a rollback cannot be a fault: faults undo themselves", node)
        elif step:
            steps.append(step)
    return steps


def _check_ends(fields: Fields, method: Sequence[Step]) -> None:
    """Without a duration a fault lasts to the end of the method, so as its last step it would be undone at once."""
    from chaos_runner import shelf
    from chaos_runner.experiment.model import Native

    last = method[-1] if method else None
    if last is None or not last.is_fault or last.duration_s is not None or last.pause_after:
        return
    if activities.member(fields.items("method")[-1], "duration") is not None:
        return  # it cannot be used, which was said already
    if isinstance(last.call, Native) and not shelf.fault(last.call.name).healed_by:
        fields.complain("E308", f'"{last.name}" would be undone at once: it is the last step and has no duration',
                        last.place, "add `duration: 30s`")


def _configuration(fields: Fields) -> dict[str, object]:
    node = fields.node_of("configuration")
    configuration = fields.mapping("configuration")
    inner = fields.inner(node, "the configuration") if node and configuration else None
    for key, value in configuration.items():
        if inner and isinstance(value, dict) and value.get("type") == "probe":
            _check_dynamic(inner, key)
        elif inner and _is_unset(value):
            inner.complain("W302", f"the environment variable {value['key']} is not set, and {key} has no default",
                           inner.place(key), f"set it, add `default:`, or run with --var {key}=…")
    return configuration


def _check_dynamic(configuration: Fields, key: str) -> None:
    """A probe whose answer becomes the value: it runs before the experiment does."""
    node = configuration.node_of(key)
    if node is None:
        return
    inner = configuration.inner(node, f"the probe of {key}").known(DYNAMIC_KEYS)
    spec = inner.node_of("provider") if inner.require("provider") else None
    if spec:
        provider(inner.inner(spec, "the provider"))


def _is_unset(value: object) -> bool:
    return (isinstance(value, dict) and value.get("type") == "env" and isinstance(value.get("key"), str)
            and "default" not in value and value["key"] not in os.environ)


def _tags(fields: Fields) -> tuple[str, ...]:
    tags: list[str] = []
    for node in fields.items("tags"):
        if isinstance(node.value, str) and node.value:
            tags.append(node.value)
        else:
            fields.complain("E103", "a tag must be a text that is not empty", node, found=node.kind)
    return tuple(tags)


def _rollback_strategy(fields: Fields) -> RollbackStrategy | None:
    inner = _runtime(fields, "rollbacks")
    return RollbackStrategy(inner.one_of("strategy", _STRATEGIES, "safe")) if inner else None


def _hypothesis_strategy(fields: Fields) -> HypothesisStrategy | None:
    inner = _runtime(fields, "hypothesis")
    return HypothesisStrategy.of(inner.one_of("strategy", HYPOTHESIS_STRATEGIES, "default")) if inner else None


def _runtime(fields: Fields, part: str) -> Fields | None:
    """A part of `runtime:`, as Chaos Toolkit's command line reads it."""
    node = fields.node_of("runtime")
    runtime = fields.inner(node, "runtime").known(RUNTIME_KEYS) if node else None
    inner = runtime.node_of(part) if runtime else None
    return runtime.inner(inner, f"runtime.{part}").known(STRATEGY_KEYS) if runtime and inner else None
