"""Dynamic configuration: a probe whose answer becomes the value of a key, asked before the run begins."""

import copy
from typing import Any

from msgspec import structs

from chaos_runner.engine import activities
from chaos_runner.engine.activities import Called, Caller
from chaos_runner.errors import Refused
from chaos_runner.experiment.model import Experiment, Provider
from chaos_runner.experiment.values import Values
from chaos_runner.redaction import Redactor


def is_dynamic(value: Any) -> bool:
    """Whether a value of the configuration is a probe."""
    return isinstance(value, dict) and value.get("type") == "probe"


def resolved(values: Values) -> Values:
    """The values with every probe of the configuration replaced by its answer: in file order, each with what stands
    before it, as in chaoslib.

    Raises Refused when one fails. chaoslib goes on without the key, so that `${key}` reaches the activities as it is.
    """
    if not any(map(is_dynamic, values.configuration.values())):
        return values
    known: dict[str, Any] = {}
    for key, value in values.configuration.items():
        known[key] = _answer(key, value, Values(configuration=known, secrets=values.secrets)) \
            if is_dynamic(value) else value
    return Values(configuration=known, secrets=values.secrets)


def _answer(key: str, probe: dict[str, Any], values: Values) -> Any:
    spec = copy.deepcopy(dict(probe.get("provider") or {}))
    spec["secrets"] = list(values.secrets)  # chaoslib gives such a probe all of them
    called = activities.call(Provider(spec), Caller(values))
    kind, output = spec.get("type"), called.output
    if not called.ok or (kind == "process" and output["status"] != 0):
        raise Refused(f"the configuration {key} could not be read: {_why(called, values)}")
    if kind == "process":
        return output["stdout"].strip()
    return output.get("body") if kind == "http" else output


def _why(called: Called, values: Values) -> str:
    return Redactor(values.sensitive()).text(called.note)


def written_down(experiment: Experiment, values: Values) -> Experiment:
    """The experiment with the answers in its configuration, for whoever recovers the run: by then they may be others.

    One that a journal cannot hold, or that has a secret in it, stays a probe, and is asked again.
    """
    redactor = Redactor(values.sensitive())
    answers = {key: values.configuration[key] for key, value in experiment.configuration.items() if is_dynamic(value)}
    plain = {key: answer for key, answer in answers.items()
             if activities.writable(answer) == answer and redactor.data({key: answer}) == {key: answer}}
    return structs.replace(experiment, configuration={**experiment.configuration, **plain}) if plain else experiment
