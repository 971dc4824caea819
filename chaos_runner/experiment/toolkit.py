"""Configuration and secrets, resolved by chaoslib's own functions and so with its meaning."""

import copy
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, structs

from chaos_runner.errors import UsageError
from chaos_runner.experiment.model import Experiment
from chaos_runner.experiment.values import Values
from chaos_runner.experiment.vault import logged_in, refusals

_NOT_AS_DECLARED: Final = (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError)
"""What chaoslib raises, beside its own errors, on a value that is not what it is declared to be."""


class Overrides(Struct, frozen=True):
    """What `--var` and `--var-file` say. Values of secrets live only in this process: they are never written."""

    configuration: Mapping[str, Any] = {}
    secrets: Mapping[str, Any] = {}


def overrides(variables: Sequence[str], files: Sequence[str] = ()) -> Overrides:
    """What `--var KEY[:TYPE]=VALUE` and var files say, by chaoslib's rules: of files the later one counts, and `--var`
    more than any. A file that is neither JSON nor YAML sets variables of the environment.

    Raises UsageError for what cannot be read; chaoslib leaves it out with a line in its log.
    """
    if not variables and not files:
        return Overrides()
    quiet()
    from chaoslib import convert_vars, merge_vars

    for file in files:
        _check_var_file(file)
    try:
        "".join(variables).encode()  # what is no UTF-8 on the command line cannot be kept with the run
        typed = dict(convert_vars(list(variables)))
    except ValueError as problem:
        raise UsageError(f"--var must be KEY=VALUE or KEY:TYPE=VALUE ({problem})") from problem
    try:
        configuration, secrets = merge_vars({}, list(files))
    except (AttributeError, OSError, TypeError, ValueError) as problem:
        raise UsageError(f"the var files cannot be read: {problem}") from problem
    return Overrides({**configuration, **typed}, secrets)


def _check_var_file(file: str) -> None:
    found = read_mapping(file, "--var-file")
    for part in ("configuration", "secrets"):
        if not isinstance(found.get(part, {}), Mapping):
            raise UsageError(f"--var-file {file}: {part} must be a mapping")


def read_mapping(file: str, what: str, *, as_yaml: bool = False) -> dict[str, Any]:
    """The mapping in a JSON or YAML file of Chaos Toolkit's. Raises UsageError."""
    try:
        text = Path(file).read_text(encoding="utf-8")
        found = _read_as(".yaml" if as_yaml else Path(file).suffix, text)
    except (OSError, ValueError) as problem:
        raise UsageError(f"{what} {file} cannot be read: {problem}") from problem
    if not isinstance(found, dict):
        raise UsageError(f"{what} {file} must hold a mapping")
    return found


def _read_as(suffix: str, text: str) -> Any:
    """What the text says. Raises ValueError."""
    if suffix == ".json":
        return json.loads(text) if text.strip() else {}
    if suffix in (".yaml", ".yml"):
        import yaml

        try:
            return yaml.safe_load(text) or {}
        except yaml.YAMLError as problem:
            raise ValueError(str(problem)) from problem
    for line in filter(None, map(str.strip, text.splitlines())):
        if "=" not in line and not line.startswith("#"):
            raise ValueError(f"{line[:40]!r} is not KEY=VALUE")
    return {}


def with_variables(experiment: Experiment, variables: Sequence[str]) -> Experiment:
    """The experiment with `--var` in its configuration: kept with the run, for whoever recovers it.

    Raises UsageError for a key that the experiment does not declare.
    """
    wanted = overrides(variables)
    unknown = sorted(set(wanted.configuration) - set(experiment.configuration))
    if unknown:
        raise UsageError(f"--var {unknown[0]}: the experiment's configuration declares no such key")
    return with_overrides(experiment, wanted)


def with_overrides(experiment: Experiment, wanted: Overrides) -> Experiment:
    """The experiment with these values in its configuration. As in Chaos Toolkit only keys that it declares count."""
    known = {key: value for key, value in wanted.configuration.items() if key in experiment.configuration}
    return structs.replace(experiment, configuration={**experiment.configuration, **known}) if known else experiment


def load_values(experiment: Experiment, secrets: Mapping[str, Any] | None = None) -> Values:
    """What `${name}` stands for in this run; `secrets` override the experiment's own. Dynamic ones are still probes.

    Raises UsageError when an environment variable or a secret is missing.
    """
    quiet()
    configuration = _configuration(experiment.configuration)
    return Values(configuration=configuration, secrets=_secrets(experiment.secrets, configuration, secrets or {}))


def _configuration(declared: Mapping[str, Any]) -> dict[str, Any]:
    if not any(isinstance(value, dict) for value in declared.values()):
        return dict(declared)
    from chaoslib.configuration import load_configuration
    from chaoslib.exceptions import ChaosException

    try:
        return dict(load_configuration(copy.deepcopy(dict(declared))))
    except (ChaosException, *_NOT_AS_DECLARED) as problem:
        raise UsageError(f"the configuration cannot be read: {problem}") from problem


def _secrets(declared: Mapping[str, Any], configuration: Mapping[str, Any],
             instead: Mapping[str, Any]) -> dict[str, Any]:
    if not declared:
        return {}
    from chaoslib.exceptions import ChaosException
    from chaoslib.secret import load_secrets

    unreadable: tuple[type[Exception], ...] = (
        ChaosException, OSError, *_NOT_AS_DECLARED, *refusals(declared))
    try:
        known = dict(logged_in(declared, configuration))
        return dict(load_secrets(copy.deepcopy(dict(declared)), known, dict(instead)))
    except unreadable as problem:
        raise UsageError(f"the secrets cannot be read: {problem}") from problem


def quiet() -> None:
    """chaoslib logs arguments and outputs, secrets included; what is worth saying of them is in our journal."""
    logger = logging.getLogger("chaostoolkit")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
