"""What is worse than in an earlier release, and what only noise makes so."""

import json
from pathlib import Path
from typing import Any

import pytest

from chaos_runner.history.baseline import Baseline, measure, of_run, read_baseline
from chaos_runner.history.reading import OutcomeUnreadable
from tests.history.folders import change, written


@pytest.fixture
def baseline(tmp_path: Path) -> Baseline:
    return of_run(written(tmp_path, 1, "passed", complete=False), "the last release")


def now(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "outcome.json").read_text())
    return found


def test_a_worse_verdict_and_a_probe_that_broke_are_told(baseline: Baseline, tmp_path: Path) -> None:
    found = measure(baseline, [now(written(tmp_path, 2, "deviated", complete=False))])
    assert found.worse[0].worse[0] == "verdict: passed → deviated"
    assert (found.new, found.gone) == ([], [])


def test_a_margin_that_lost_less_than_a_tenth_of_its_limit_is_noise(baseline: Baseline, tmp_path: Path) -> None:
    folder = written(tmp_path, 2, "passed", complete=False)
    change(folder / "outcome.json", '"worst": 0.24,', '"worst": 0.27,')
    change(folder / "outcome.json", '"margin": 0.16', '"margin": 0.13')
    assert measure(baseline, [now(folder)]).worse == []
    change(folder / "outcome.json", '"margin": 0.13', '"margin": 0.1')
    assert "before, worst value" in measure(baseline, [now(folder)]).worse[0].worse[0]


def test_an_experiment_is_known_by_its_file_else_by_its_title(baseline: Baseline, tmp_path: Path) -> None:
    one = now(written(tmp_path, 2, "deviated", complete=False))
    assert measure(baseline, [{**one, "file": "moved.yaml"}]).worse
    found = measure(baseline, [{**one, "file": "moved.yaml", "title": "another"}])
    assert (found.worse, found.new, found.gone) == ([], ["moved.yaml"], [one["file"]])


def test_what_never_became_a_run_is_worse_than_one_that_passed(baseline: Baseline, tmp_path: Path) -> None:
    one = now(written(tmp_path, 2, complete=False))
    found = measure(baseline, [{"file": one["file"], "verdict": "error", "exit": 2}])
    assert found.worse[0].worse == ["verdict: passed → error, no run"]


def test_a_newer_outcome_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = written(tmp_path, 1, complete=False)
    change(folder / "outcome.json", '"schema": 1', '"schema": 99')
    with pytest.raises(OutcomeUnreadable, match="use that version or a later one"):
        read_baseline(folder / "outcome.json")


def test_an_outcome_alone_is_a_baseline_too(tmp_path: Path) -> None:
    assert len(read_baseline(written(tmp_path, 1, complete=False) / "outcome.json").outcomes) == 1
