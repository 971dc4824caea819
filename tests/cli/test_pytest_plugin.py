"""The pytest plugin, as somebody meets it who has it installed: in a pytest of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.run.samples import action, experiment, single, wait

PYTEST = (sys.executable, "-m", "pytest", "-p", "chaos_runner.pytest_plugin", "-p", "no:cacheprovider", "-q")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "NO_COLOR": "1",
               "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def project(folder: Path, test: str, **experiments: dict[str, Any]) -> None:
    """A folder with experiments and one test."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "experiments").mkdir()
    for name, data in experiments.items():
        (folder / "experiments" / f"{name}.json").write_text(json.dumps(data))
    (folder / "test_it.py").write_text(f"def test_it(chaos):\n    {test}\n")


def pytest_in(folder: Path) -> tuple[int, str]:
    """The exit code of pytest in that folder, and what it printed."""
    done = subprocess.run([*PYTEST, str(folder)], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_nothing_of_ours_is_imported_while_nobody_uses_it() -> None:
    code = ("import sys, pytest, chaos_runner.pytest_plugin\n"
            "print([name for name in sys.modules if name.startswith('chaos_runner.') or name in ('click', 'msgspec')])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['chaos_runner.pytest_plugin']"


@pytest.mark.slow
def test_a_run_that_passed_gives_its_outcome(tmp_path: Path) -> None:
    data = {**experiment(action(), probes=[single()]), "configuration": {"count": 1, "name": "x", "on": False}}
    project(tmp_path, 'found = chaos.run("experiments/a.json", var={"count": 2, "name": "y"})\n'
                      '    assert (found.verdict, found.exit, found.title) == ("passed", 0, "a test")', a=data)
    code, said = pytest_in(tmp_path)
    assert code == 0, said
    assert (tmp_path / "reports" / "latest" / "outcome.json").is_file()


@pytest.mark.slow
def test_a_failed_verdict_is_its_sentence_and_the_path_of_the_report_and_no_traceback(tmp_path: Path) -> None:
    project(tmp_path, 'chaos.run("experiments/a.json")',
            a=experiment(action(), probes=[{**single(), "tolerance": False}]))
    code, said = pytest_in(tmp_path)
    assert code == 1
    told = said.partition("test_it ___")[2].partition("Captured")[0]
    report = (tmp_path / "reports" / "latest").resolve() / "report.html"
    assert "not-started: the steady state was not there before any fault" in told
    assert f"report: reports/runs/{report.parent.name}/report.html" in told
    assert "Traceback" not in said
    assert "pytest_plugin.py" not in said


@pytest.mark.slow
def test_a_file_that_cannot_be_followed_says_what_is_wrong(tmp_path: Path) -> None:
    project(tmp_path, 'chaos.run("experiments/a.json")', a={"titel": "x"})
    code, said = pytest_in(tmp_path)
    assert code == 1
    assert "left no outcome (exit code 2)" in said
    assert "E101" in said


@pytest.mark.slow
def test_an_environment_and_reports_of_their_own_are_passed_on(tmp_path: Path) -> None:
    (tmp_path / "chaos.yaml").write_text("reports: elsewhere\nenvironments: {staging: {configuration: {name: x}}}\n")
    data = {**experiment(action(), probes=[single()]), "configuration": {"name": "here"}}
    project(tmp_path, 'assert chaos.run("experiments/a.json", env="staging").environment == "staging"', a=data)
    code, said = pytest_in(tmp_path)
    assert code == 0, said
    assert (tmp_path / "elsewhere" / "latest").exists()


@pytest.mark.slow
def test_ctrl_c_stops_the_run_which_undoes_and_then_pytest(tmp_path: Path) -> None:
    project(tmp_path, 'chaos.run("experiments/a.json")', a=experiment(wait(60), probes=[single()]))
    process = subprocess.Popen([*PYTEST, str(tmp_path)], cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    journal = tmp_path / "reports" / "latest" / "journal.ndjson"
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s and not (journal.exists() and '"StepBegan"' in journal.read_text()):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=20)[0]
    assert process.returncode == 130, said
    assert "was stopped and undone" in said
    assert json.loads((tmp_path / "reports" / "latest" / "outcome.json").read_text())["verdict"] == "interrupted"
