"""Configuration and secrets, resolved by chaoslib's own functions and so with its meaning."""

import copy
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import structs

from chaos_runner.errors import UsageError
from chaos_runner.experiment.model import Experiment
from chaos_runner.experiment.values import Values

_NOT_AS_DECLARED: Final = (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError)
"""What chaoslib raises, beside its own errors, on a value that is not what it is declared to be."""


def with_variables(experiment: Experiment, variables: Sequence[str]) -> Experiment:
    """The experiment with `--var KEY[:TYPE]=VALUE` in its configuration: kept with the run, for whoever recovers it.

    Raises UsageError for a key that the experiment does not declare.
    """
    overrides = _overrides(variables)
    unknown = sorted(set(overrides) - set(experiment.configuration))
    if unknown:
        raise UsageError(f"--var {unknown[0]}: the experiment's configuration declares no such key")
    return structs.replace(experiment, configuration={**experiment.configuration, **overrides})


def load_values(experiment: Experiment) -> Values:
    """What `${name}` stands for in this run. Raises UsageError when an environment variable or a secret is missing."""
    _quiet()
    configuration = _configuration(experiment.configuration)
    return Values(configuration=configuration, secrets=_secrets(experiment.secrets, configuration))


def _overrides(variables: Sequence[str]) -> dict[str, Any]:
    if not variables:
        return {}
    _quiet()
    from chaoslib import convert_vars

    try:
        "".join(variables).encode()  # what is no UTF-8 on the command line cannot be kept with the run
        return dict(convert_vars(list(variables)))
    except ValueError as problem:
        raise UsageError(f"--var must be KEY=VALUE or KEY:TYPE=VALUE ({problem})") from problem


def _configuration(declared: Mapping[str, Any]) -> dict[str, Any]:
    if not any(isinstance(value, dict) for value in declared.values()):
        return dict(declared)
    from chaoslib.configuration import load_configuration
    from chaoslib.exceptions import ChaosException

    try:
        return dict(load_configuration(copy.deepcopy(dict(declared))))
    except (ChaosException, *_NOT_AS_DECLARED) as problem:
        raise UsageError(f"the configuration cannot be read: {problem}") from problem


def _secrets(declared: Mapping[str, Any], configuration: Mapping[str, Any]) -> dict[str, Any]:
    if not declared:
        return {}
    from chaoslib.exceptions import ChaosException
    from chaoslib.secret import load_secrets

    try:
        return dict(load_secrets(copy.deepcopy(dict(declared)), dict(configuration)))
    except (ChaosException, *_NOT_AS_DECLARED) as problem:
        raise UsageError(f"the secrets cannot be read: {problem}") from problem


def _quiet() -> None:
    """chaoslib logs arguments and outputs, secrets included; what is worth saying of them is in our journal."""
    logger = logging.getLogger("chaostoolkit")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
