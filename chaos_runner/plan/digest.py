"""What makes two plans the same: digests of their parts, so that it can be said which part has changed."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec import structs

from chaos_runner.experiment.findings import Place
from chaos_runner.experiment.model import Experiment, Gate, Probe, Safeguards, Step
from chaos_runner.plan.model import Plan

_NOWHERE: Final = Place("", 0, 0)
_BYTES: Final = 8


def parts(experiment: Experiment, safeguards: Safeguards, **more: object) -> dict[str, str]:
    """The digest of each part, by its name. Where something stands in a file does not count, nor do comments."""
    found = {
        "title and description": [experiment.title, experiment.description],
        "configuration": [experiment.configuration, experiment.secrets],
        "safeguards": structs.replace(safeguards, gates=()), "options": more,
        **{f'the step "{step.name}" ({step.key})': _placeless(step) for step in experiment.steps},
        **{f'the probe "{probe.name}" ({number})': _of_probe(probe) for number, probe in _probes(experiment)},
        **{f'the gate "{gate.probe.name}"': _of_gate(gate) for gate in safeguards.gates},
        "hypothesis": [experiment.hypothesis and (experiment.hypothesis.baseline_s,
                                                  experiment.hypothesis.recovers_within_s)],
    }
    return {name: digest(part) for name, part in found.items()}


def parts_of(plan: Plan) -> dict[str, str]:
    """The digests of what a plan is made of."""
    return parts(plan.experiment, plan.safeguards, environment=plan.environment, strategy=plan.strategy,
                 manner=plan.manner, hypothesis_only=plan.hypothesis_only)


def digest(data: Any) -> str:
    """A short digest of data: of its meaning, not of how it is written."""
    return sha256(msgspec.json.encode(data, order="deterministic")).hexdigest()[:2 * _BYTES]


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The names of the parts that differ, in words."""
    added = [f"{name} is new" for name in now if name not in before]
    gone = [f"{name} is gone" for name in before if name not in now]
    other = [f"{name} has changed" for name in now if name in before and now[name] != before[name]]
    return [*other, *added, *gone]


def _probes(experiment: Experiment) -> Iterator[tuple[str, Probe]]:
    hypothesis = experiment.hypothesis.probes if experiment.hypothesis else ()
    yield from ((f"h{number}", probe) for number, probe in enumerate(hypothesis))
    yield from ((f"s{number}", probe) for number, probe in enumerate(experiment.stop_rules))


def _of_gate(gate: Gate) -> Any:
    """As it was before gates could defer, for one that does not."""
    return _of_probe(gate.probe) if gate.defer_s is None else [_of_probe(gate.probe), gate.defer_s]


def _of_probe(probe: Probe) -> Probe:
    return structs.replace(probe, place=_NOWHERE)


def _placeless(step: Step) -> Step:
    undo = step.undo
    if undo and undo.verify:
        undo = structs.replace(undo, verify=_of_probe(undo.verify))
    return structs.replace(step, place=_NOWHERE, undo=undo)
