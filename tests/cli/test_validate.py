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
