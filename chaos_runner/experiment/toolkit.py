"""Configuration and secrets, resolved by chaoslib's own functions and so with its meaning."""

import copy
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from chaos_runner.errors import UsageError
from chaos_runner.experiment.model import Experiment
from chaos_runner.experiment.values import Values


def load_values(experiment: Experiment, variables: Sequence[str] = ()) -> Values:
    """What `${name}` stands for in this run. `variables` are the `--var KEY[:TYPE]=VALUE` of the command line.

    Raises UsageError when an environment variable or a vault entry is missing, or a variable is not declared.
    """
    overrides = _overrides(variables)
    unknown = sorted(set(overrides) - set(experiment.configuration))
    if unknown:
        raise UsageError(f"--var {unknown[0]}: the experiment's configuration declares no such key")
    configuration = _configuration(experiment.configuration, overrides)
    return Values(configuration=configuration, secrets=_secrets(experiment.secrets, configuration))


def _overrides(variables: Sequence[str]) -> dict[str, Any]:
    if not variables:
        return {}
    _quiet()
    from chaoslib import convert_vars

    try:
        return dict(convert_vars(list(variables)))
    except ValueError as problem:
        raise UsageError(f"--var must be KEY=VALUE or KEY:TYPE=VALUE ({problem})") from problem


def _configuration(declared: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    if not any(isinstance(value, dict) for value in (*declared.values(), *overrides.values())):
        return {**declared, **overrides}
    _quiet()
    from chaoslib.configuration import load_configuration
    from chaoslib.exceptions import ChaosException

    try:
        # copies: chaoslib takes the keys that it used out of the mapping it is given
        return dict(load_configuration(copy.deepcopy(dict(declared)), dict(overrides)))
    except (ChaosException, AttributeError, KeyError, TypeError, ValueError) as problem:
        raise UsageError(f"the configuration cannot be read: {problem}") from problem


def _secrets(declared: Mapping[str, Any], configuration: Mapping[str, Any]) -> dict[str, Any]:
    if not declared:
        return {}
    _quiet()
    from chaoslib.exceptions import ChaosException
    from chaoslib.secret import load_secrets

    try:
        return dict(load_secrets(copy.deepcopy(dict(declared)), dict(configuration)))
    except (ChaosException, AttributeError, KeyError, TypeError, ValueError) as problem:
        raise UsageError(f"the secrets cannot be read: {problem}") from problem


def _quiet() -> None:
    """chaoslib logs arguments and outputs, secrets included; what is worth saying of them is in our journal."""
    logger = logging.getLogger("chaostoolkit")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
