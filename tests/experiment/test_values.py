"""What `${name}` stands for: what cannot be resolved is said in a sentence, whatever its author declared."""

from typing import Any

import pytest

from chaos_runner.errors import UsageError
from chaos_runner.experiment.loading import load_data
from chaos_runner.experiment.model import Experiment
from chaos_runner.experiment.toolkit import load_values, with_variables
from chaos_runner.experiment.values import Values


def experiment(**keys: Any) -> Experiment:
    loaded = load_data({"title": "t", "description": "d", "method": [], **keys})
    assert loaded.experiment, loaded.findings
    return loaded.experiment


@pytest.mark.parametrize(("kind", "default"), [
    ("float", 10**400), ("json", "[" * 100_000), ("json", "{"), ("int", "x"), ("set", "1"), ("int", None)])
def test_a_default_that_is_not_of_its_type_is_refused_in_words(kind: str, default: Any) -> None:
    declared = {"c": {"type": "env", "key": "NO_SUCH_VARIABLE", "default": default, "env_var_type": kind}}
    with pytest.raises(UsageError, match="the configuration cannot be read"):
        load_values(experiment(configuration=declared))


@pytest.mark.parametrize("secrets", [{"g": None}, {"g": "text"}, {"g": 5, "shop": {}}, {"g": [1]}])
def test_a_group_of_secrets_that_is_none_holds_no_name(secrets: dict[str, Any]) -> None:
    values = Values(secrets=secrets, configuration={"name": "known"})
    assert values.fill("${other} ${name}") == "${other} known"
    assert values.fill("${other}") == "${other}"


def test_a_variable_that_is_no_utf_8_is_refused_in_words() -> None:
    with pytest.raises(UsageError, match="--var must be KEY=VALUE"):
        with_variables(experiment(configuration={"c": 1}), ["c=\udcb7"])
