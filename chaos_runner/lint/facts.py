"""What rules ask about an experiment, each answered from the experiment and the shelf alone."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import NODEFAULT, structs

from chaos_runner import shelf
from chaos_runner.experiment.model import (
    BASELINE_S,
    Experiment,
    Hypothesis,
    Native,
    Probe,
    Provider,
    Step,
    StepKind,
)
from chaos_runner.lint.flaw import Path
from chaos_runner.shelf import NotOnShelf
from chaos_runner.units import NoUnit, seconds

BAD_IN_A_ROW: Final = 2
"""Bad samples in a row that are a breach when the author says neither `allow` nor `for`."""
_NAME: Final = re.compile(r"\$\{(\w+)\}")


def actions(experiment: Experiment) -> Iterator[tuple[Path, Step]]:
    """The actions of the method, and where each stands."""
    for number, step in enumerate(experiment.method):
        if step.kind is StepKind.ACTION:
            yield ("method", number), step


def faults(experiment: Experiment) -> Iterator[tuple[Path, Step, Native]]:
    """The native faults of the method, and where each stands."""
    for at, step in actions(experiment):
        if isinstance(step.call, Native):
            yield at, step, step.call


def probes(experiment: Experiment) -> Iterator[tuple[Path, Probe]]:
    """The probes of the hypothesis, and where each stands."""
    found = experiment.hypothesis.probes if experiment.hypothesis else ()
    for number, probe in enumerate(found):
        yield ("steady-state-hypothesis", "probes", number), probe


def stop_rules(experiment: Experiment) -> Iterator[tuple[Path, Probe]]:
    """The stop rules, and where each stands."""
    for number, rule in enumerate(experiment.stop_rules):
        yield ("stop-when", number), rule


def healed_by(fault: Native) -> str:
    """Who heals what this fault does; "" for one that is undone."""
    try:
        return shelf.fault(fault.name).healed_by
    except NotOnShelf:
        return ""


def baseline_s(hypothesis: Hypothesis | None) -> float:
    """How long "before" is sampled."""
    return hypothesis.baseline_s if hypothesis else BASELINE_S


def acting_s_max(experiment: Experiment) -> float | None:
    """The longest that faults may act, one after the other; None when the file does not tell."""
    total_s = 0.0
    for _, step in actions(experiment):
        if not isinstance(step.call, Native) or step.duration_s is None or healed_by(step.call):
            return None
        total_s += step.duration_s
    return total_s or None


def breaks_after_s(probe: Probe) -> float | None:
    """How long the system has to be bad for a sampled probe to break; None for a single-shot one."""
    if probe.every_s is None:
        return None
    if probe.held_for_s is not None:
        return probe.held_for_s
    return probe.every_s * (1 if probe.allow is not None else BAD_IN_A_ROW)


def given(call: Native) -> Mapping[str, Any]:
    """The arguments of a native probe, with the defaults of those that are not given."""
    try:
        kind = shelf.probe(call.name).arguments
    except NotOnShelf:
        return call.arguments
    defaults = {field.encode_name: field.default for field in structs.fields(kind) if field.default is not NODEFAULT}
    return {**defaults, **call.arguments}


def timeout_s(probe: Probe) -> float | None:
    """How long a native probe waits for an answer; None when the file does not tell."""
    timeout = given(probe.call).get("timeout") if isinstance(probe.call, Native) else None
    if isinstance(timeout, str):
        try:
            return seconds(timeout)
        except NoUnit:
            return None
    return float(timeout) if isinstance(timeout, int | float) else None


def filled(experiment: Experiment, text: str) -> str:
    """The text with every name that the configuration gives a value, or a default."""
    def value(found: re.Match[str]) -> str:
        known = experiment.configuration.get(found[1])
        known = known.get("default") if isinstance(known, dict) else known
        return str(known) if isinstance(known, str | int) else found[0]

    return _NAME.sub(value, text)


def names_in(data: Any) -> Iterator[str]:
    """Every `${name}` in arguments, however deep."""
    if isinstance(data, str):
        yield from _NAME.findall(data)
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from names_in(key)
            yield from names_in(value)
    elif isinstance(data, list):
        for member in data:
            yield from names_in(member)


def spec_of(call: Native | Provider) -> Mapping[str, Any]:
    """Everything that a call is given."""
    return call.spec if isinstance(call, Provider) else {**call.arguments, **call.target}
