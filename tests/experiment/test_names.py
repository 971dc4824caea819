"""`${name}` that nothing stands for is told before anything is run."""

from typing import Any

import pytest

from chaos_runner.experiment.loading import load_data


def codes(provider: dict[str, Any], **keys: Any) -> list[str]:
    """The codes of an experiment whose action has this provider."""
    step = {"type": "action", "name": "act", "provider": provider}
    data = {"title": "t", "description": "d", "method": [step], **keys}
    return [finding.code for finding in load_data(data, "f.json").findings]


def exists(path: str) -> dict[str, Any]:
    return {"type": "python", "module": "os.path", "func": "exists", "arguments": {"path": path}}


CONFIGURATION = {"worker": "w1"}


def test_a_name_that_is_declared_is_fine() -> None:
    assert codes(exists("${worker}/x"), configuration=CONFIGURATION) == []
    assert codes(exists("${token}"), secrets={"shop": {"token": "t"}}) == []


def test_a_name_that_looks_like_a_declared_one_is_an_error() -> None:
    assert codes(exists("${wroker}"), configuration=CONFIGURATION) == ["E321"]


def test_a_name_that_nothing_is_declared_for_is_a_warning() -> None:
    assert codes(exists("${else}"), configuration=CONFIGURATION) == ["W304"]


def test_a_file_that_declares_nothing_has_nothing_to_fill_in() -> None:
    assert codes(exists("${else}")) == []


def test_a_name_that_is_meant_so_is_fine() -> None:
    assert codes(exists("$${wroker}"), configuration=CONFIGURATION) == []


def test_a_shell_has_names_of_its_own() -> None:
    shell = {"type": "process", "path": "sh", "arguments": ["-c", "echo ${wroker}"]}
    assert codes(shell, configuration=CONFIGURATION) == []


def test_a_vault_may_hold_any_name() -> None:
    secrets = {"shop": {"token": {"type": "vault", "path": "secret/shop"}}}
    assert codes(exists("${tokens}"), secrets=secrets) == []


@pytest.mark.parametrize("where", [
    {"steady-state-hypothesis": {"title": "h", "probes": [
        {"probe": "http.status", "arguments": {"url": "http://${wroker}/"}, "equals": 200}]}},
    {"stop-when": [{"name": "down", "probe": "http.status", "arguments": {"url": "http://${wroker}/"}, "above": 499}]},
    {"rollbacks": [{"type": "action", "name": "back", "provider": exists("${wroker}")}]},
    {"method": [{"fault": "host.process_pause", "target": {"name": "${wroker}"}, "duration": "1s"}]},
])
def test_every_activity_is_looked_at(where: dict[str, Any]) -> None:
    assert "E321" in codes(exists("/"), configuration=CONFIGURATION, **where)
