"""`chaos-runner validate`, for people and for programs."""

import json
from pathlib import Path

import msgspec
import pytest

from chaos_runner.cli.validate import row
from chaos_runner.experiment.loading import load_text
from tests.cli.runner import chaos_runner


def test_a_finding_that_quotes_half_of_a_character_can_be_told_to_a_program() -> None:
    findings = load_text(b'{"metho\\ud800d": [], "title": "t"}', "f.json").findings
    told = json.loads(msgspec.json.encode([row(finding) for finding in findings]))
    assert any("metho\\ud800d" in finding["message"] for finding in told)


@pytest.mark.slow
def test_a_file_whose_name_is_no_utf_8_is_told_of_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "caf\udce9.json"
    file.write_text("[]")
    ran = chaos_runner("validate", "--json", str(file))
    assert (ran.exit, ran.err) == (2, "")
    assert json.loads(ran.out)["findings"][0]["code"] == "E005"


@pytest.mark.slow
@pytest.mark.parametrize("named", ["chaos.yaml", "experiment.json"])
def test_a_mistake_in_chaos_yaml_is_told_with_its_place_and_once(tmp_path: Path, named: str) -> None:
    (tmp_path / "chaos.yaml").write_text("limits: {max-targts: 1}\n")
    (tmp_path / "experiment.json").write_text(json.dumps({"title": "t", "description": "d", "method": []}))
    ran = chaos_runner("validate", str(tmp_path / named), str(tmp_path / named))
    assert ran.exit == 2
    assert ran.out.count("chaos.yaml:1:10") == 1


@pytest.mark.slow
def test_a_chaos_yaml_without_a_mistake_is_valid(tmp_path: Path) -> None:
    (tmp_path / "chaos.yaml").write_text("limits: {max-targets: 1}\n")
    assert chaos_runner("validate", str(tmp_path / "chaos.yaml")).out.endswith("chaos.yaml: valid\n")
