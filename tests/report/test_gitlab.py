import json
from typing import Any, Final

import pytest

from chaos_runner.report.gitlab import code_quality
from chaos_runner.report.notices import NoRun
from chaos_runner.report.story import Story
from tests.report import stories
from tests.report.payloads import PAYLOADS

jsonschema: Any = pytest.importorskip("jsonschema")
_SCHEMA: Final = jsonschema.Draft202012Validator({
    "type": "array", "items": {
        "type": "object", "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1}, "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {"type": "object", "required": ["path", "lines"], "properties": {
                "path": {"type": "string", "minLength": 1, "not": {"pattern": "^\\./"}},
                "lines": {"type": "object", "required": ["begin"], "properties": {
                    "begin": {"type": "integer", "minimum": 1}}}}}}}})
"""What GitLab's documentation of the code quality report wants."""


def issues(*subjects: Story | NoRun) -> list[dict[str, Any]]:
    """The issues of a report that is as GitLab wants it."""
    found: list[dict[str, Any]] = json.loads(code_quality(subjects))
    _SCHEMA.validate(found)
    assert len({issue["fingerprint"] for issue in found}) == len(found)
    return found


@pytest.mark.parametrize("name", stories.TOLD)
def test_every_kind_of_run_is_told_as_gitlab_wants_it(name: str) -> None:
    assert issues(Story.of(*stories.TOLD[name]()))


def test_a_clean_pass_is_an_empty_report() -> None:
    assert issues(Story.of(*stories.calm())) == []


def test_what_is_not_restored_blocks_and_a_deviation_is_critical() -> None:
    assert [issue["severity"] for issue in issues(Story.of(*stories.not_restored()))] == ["blocker", "critical"]


def test_an_issue_points_at_its_line() -> None:
    first, second = issues(Story.of(*stories.placed()))
    assert first["location"] == {"path": "experiments/checkout.yaml", "lines": {"begin": 31}}
    assert second["location"]["lines"] == {"begin": 12}
    assert second["check_name"] == "chaos-runner/V201"


def test_a_fingerprint_is_the_same_in_the_next_run_and_another_for_another_file() -> None:
    def fingerprint(file: str, said: str) -> str:
        return str(issues(NoRun(file=file, exit=3, text=said))[0]["fingerprint"])

    assert fingerprint("a.yaml", "one") == fingerprint("a.yaml", "two") != fingerprint("b.yaml", "one")


def test_the_same_experiment_twice_has_two_issues() -> None:
    assert len(issues(*[Story.of(*stories.deviated())] * 2)) == 2


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=list(PAYLOADS))
def test_hostile_text_breaks_nothing(payload: str) -> None:
    assert len(issues(Story.of(*stories.hostile(payload)), NoRun(file=payload, exit=2, text=payload))) == 3
