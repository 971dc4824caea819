"""Secrets that stand in the file itself, in the arguments of native faults and probes: `token: s3cr3t`."""

from collections.abc import Iterator, Mapping
from typing import Any

from chaos_runner.experiment.model import Experiment, Native
from chaos_runner.redaction import leaves, named_like_a_secret


def written_out(experiment: Experiment) -> Iterator[str]:
    """Every such secret. Better is `${name}`, which stands for the secret and is none."""
    probes = experiment.hypothesis.probes if experiment.hypothesis else ()
    calls = [probe.call for probe in (*probes, *experiment.stop_rules)] + [step.call for step in experiment.steps]
    for call in calls:
        if isinstance(call, Native):
            yield from _secrets(call.arguments)


def _secrets(arguments: Mapping[str, Any]) -> Iterator[str]:
    for key, value in arguments.items():
        if named_like_a_secret(key):
            yield from (text for text in leaves(value) if "${" not in text)
        elif isinstance(value, Mapping):
            yield from _secrets(value)
