"""What got worse than a baseline, in every form that a pipeline reads."""

import json

import pytest

from chaos_runner.report import github, gitlab, junit, markdown
from chaos_runner.report.notices import GotWorse
from tests.report.ant_schema import complaints
from tests.report.github_runner import understood
from tests.report.payloads import PAYLOADS


def worse(text: str = "verdict: passed → deviated", *, fails: bool = True) -> GotWorse:
    return GotWorse(baseline="release.json", title="Checkout stays fast", file="experiments/a.yaml", lines=(text,),
                    fails=fails)


@pytest.mark.parametrize(("fails", "annotation", "severity", "outcome"), [
    (True, "error", "major", "failure"), (False, "notice", "info", "skipped")])
def test_it_is_red_only_where_the_build_fails_for_it(
    annotation: str, severity: str, outcome: str, *, fails: bool,
) -> None:
    [line] = github.annotations([worse(fails=fails)])
    command = understood(line)
    assert command
    assert (command.name, command.properties["file"]) == (annotation, "experiments/a.yaml")
    assert json.loads(gitlab.code_quality([worse(fails=fails)]))[0]["severity"] == severity
    assert f"<{outcome} message" in junit.suites([worse(fails=fails)])
    assert "- verdict: passed → deviated" in markdown.texts([worse(fails=fails)])


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=list(PAYLOADS))
def test_hostile_text_stays_text(payload: str) -> None:
    found = GotWorse(baseline=payload, title=payload, file=payload, lines=(payload,), fails=True)
    assert complaints(junit.suites([found])) == []
    [line] = github.annotations([found])
    assert "\n" not in line
    assert understood(line)
    assert json.loads(gitlab.code_quality([found]))
    assert "<script" not in markdown.texts([found])
