"""What editors are told of chaos.yaml and of the policy is what the loader wants."""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from chaos_runner.cli.main import cli
from chaos_runner.experiment import project
from chaos_runner.experiment.project import InvalidSettings, Project, read_policy, read_project
from chaos_runner.experiment.schema_project import policy_schema, schema
from tests.examples import examples
from tests.schemas import Beside


def reading(read: Callable[[Path], Project]) -> Callable[[str], tuple[object, list[Any]]]:
    def read_text(text: str) -> tuple[object, list[Any]]:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "chaos.yaml"
            file.write_text(text)
            try:
                return read(file), []
            except InvalidSettings as problem:
                return None, problem.findings
    return read_text


PROJECT = Beside(schema(), reading(read_project))
POLICY = Beside(policy_schema(), reading(read_policy))

GATE = {"name": "no incident", "probe": "http.status", "arguments": {"url": "http://127.0.0.1"}, "equals": 204}
HOOK = {"webhook": "https://example.org/hook", "secret": {"type": "env", "key": "KEY"}, "events": ["breach"]}
NARROWS: dict[str, list[Any]] = {
    "protected": [{"names": ["*-primary"]}, {"labels": {"chaos": "never"}}, {"tags": {"chaos": "never"}}, {"names": []},
                  {"labels": {"chaos": 1}}, {"label": {}}, {}, "all"],
    "limits": [{"max-share": "50%"}, {"max-share": "half"}, {"max-targets": 0}, {"namespaces": ["shop"]},
               {"accounts": [123456789012]}, {"contexts": []}, {"max-duration": "5m"}, {"max-time": "5m"}, {}, 5],
    "confirm-above": [{"targets": 0}, {"share": "10%"}, {"targets": -1}, 5],
    "gates": [[GATE], [{"probe": "http.status"}], "none", []],
    "require-proof": [True, "yes"], "require-verified-undo": [False, 1], "rehearse": [True, "no"],
    "max-abort-latency": ["50ms", "soon", 5], "locks": [["s3://bucket/path"], ["here"], []],
}
PLACES: dict[str, list[Any]] = {
    "contexts": [["staging-*"], [], "staging"], "accounts": [[12], ["012345678901"]], "regions": [["eu-*"], [5]],
    "namespaces": [["shop"], [""], [True]],
}
ENVIRONMENT: dict[str, list[Any]] = {
    **NARROWS, **PLACES, "configuration": [{"url": "http://127.0.0.1"}, {}, "url"], "production": [True, "yes"],
    "notify": [[HOOK], [{}], []], "x-own": [1], "prodcution": [True],
}
VALUES: dict[str, list[Any]] = {
    **NARROWS, "reports": ["out", "", 5], "notify": [[HOOK], [{**HOOK, "events": []}], []],
    "defaults": [{"require-proof": True}, {"limits": {"max-targets": 3}}, {"protected": {"names": ["a"]}}, {}, 5],
    "environments": [*({"staging": {key: value}} for key, values in ENVIRONMENT.items() for value in values),
                     {"staging": {}}, {"staging": 5}, {}, ["staging"]],
    "allow-unmarked": [["aws.ssm_command"], [5], "all", []],
    "x-own": [1], "report": ["out"],
}
EACH = [(key, value) for key, values in VALUES.items() for value in values]


@pytest.mark.slow
@pytest.mark.parametrize("beside", [PROJECT, POLICY])
def test_it_is_a_schema_of_the_draft_it_names(beside: Beside) -> None:
    beside.check()


def test_every_key_that_the_loader_knows_is_in_it_and_no_other() -> None:
    whole = schema()
    assert set(whole["properties"]) == set(project.PROJECT_KEYS)
    assert set(whole["$defs"]["environment"]["properties"]) == set(project.ENVIRONMENT_KEYS)
    assert set(policy_schema()["properties"]) == set(project.POLICY_KEYS)


def test_what_init_makes_is_right(tmp_path: Path) -> None:
    CliRunner().invoke(cli, ["init", str(tmp_path)], catch_exceptions=False)
    assert PROJECT.errors(yaml.safe_load((tmp_path / "chaos.yaml").read_text())) == []


@pytest.mark.parametrize(("key", "value"), [*EACH, *((key, None) for key in VALUES)], ids=json.dumps)
def test_what_the_loader_takes_is_right_and_what_it_refuses_is_wrong(key: str, value: Any) -> None:
    data = {key: value}
    assert PROJECT.is_sound(data) == (PROJECT.errors(data) == [])


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in NARROWS.items() for value in values],
                         ids=json.dumps)
def test_a_policy_has_what_narrows_and_nothing_else(key: str, value: Any) -> None:
    assert POLICY.is_sound({key: value}) == (POLICY.errors({key: value}) == [])
    assert POLICY.errors({"environments": {}})


@examples(200)
@given(st.fixed_dictionaries({}, optional={key: st.sampled_from(values) for key, values in VALUES.items()}))
def test_every_project_that_is_sound_is_right(chosen: dict[str, Any]) -> None:
    assert not PROJECT.is_sound(chosen) or PROJECT.errors(chosen) == []


@pytest.mark.parametrize(("kind", "made"), [("project", schema), ("policy", policy_schema)])
def test_the_command_prints_it(kind: str, made: Callable[[], dict[str, Any]]) -> None:
    result = CliRunner().invoke(cli, ["schema", kind])
    assert json.loads(result.stdout) == json.loads(json.dumps(made()))
