"""The templates in deploy/ci: what they tell a pipeline to run is run here, by the shells that pipelines use."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from msgspec import Struct

from chaos_runner.journal.lock import holder
from tests.report.ant_schema import complaints
from tests.run.samples import action, experiment, single, wait

ROOT: Final = Path(__file__).parents[2]
TEMPLATES: Final = ROOT / "deploy" / "ci"
WELL: Final = experiment(action(), probes=[single()])
BROKEN: Final = experiment(action(), probes=[{**single(), "tolerance": False}])
_INPUT: Final = re.compile(r"\$\{\{ inputs\.([\w-]+) \}\}")
pytestmark = pytest.mark.slow


class Step(Struct, frozen=True, kw_only=True):
    """What a pipeline gives to one shell."""

    script: str
    environment: Mapping[str, str] = {}
    always: bool = False


def read(name: str) -> Any:
    return yaml.safe_load((TEMPLATES / name).read_text(encoding="utf-8"))


def github(**inputs: str) -> Iterator[Step]:
    """The steps of the action, as GitHub would fill them in."""
    found = read("github/action.yml")
    values = {name: one["default"] for name, one in found["inputs"].items()} | {
        name.replace("_", "-"): value for name, value in inputs.items()}
    for step in found["runs"]["steps"]:
        filled = {key: _INPUT.sub(lambda match: values[match[1]], text) for key, text in step.get("env", {}).items()}
        yield Step(script=step["run"], environment=filled, always=step.get("if") == "always()")


def gitlab(**variables: str) -> Iterator[Step]:
    """A job's two shells: one for the scripts before and the script, one for what comes after."""
    job = read("gitlab.yml")[".chaos"]
    given = {**job["variables"], **variables}
    yield Step(script="\n".join([*job["before_script"], *job["script"]]), environment=given)
    yield Step(script="\n".join(job["after_script"]), environment=given, always=True)


def codebuild(**variables: str) -> Iterator[Step]:
    """The phases of a build."""
    found = read("buildspec.yml")
    given = {**found["env"]["variables"], **variables}
    for phase in found["phases"].values():
        yield Step(script="\n".join(phase["commands"]), environment=given)
        if "finally" in phase:
            yield Step(script="\n".join(phase["finally"]), environment=given, always=True)


def machine(folder: Path) -> dict[str, str]:
    """A machine of a pipeline: our command on its path, and nothing that could install another."""
    bin_folder = folder / "bin"
    bin_folder.mkdir(exist_ok=True)
    for name, text in (("chaos-runner", f'exec {sys.executable} -m chaos_runner "$@"'), ("pip", "exit 9")):
        (bin_folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (bin_folder / name).chmod(0o755)
    return {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1", "CI": "true", "GITHUB_STEP_SUMMARY": str(folder / "summary.md")}


def shell(step: Step, folder: Path) -> "subprocess.Popen[str]":
    """The step under way, as GitHub starts bash."""
    return subprocess.Popen(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.script], text=True,
                            cwd=folder, env={**machine(folder), **step.environment}, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)


def job(steps: Sequence[Step], folder: Path, data: dict[str, Any]) -> tuple[int, str]:
    """The first exit code that is not 0, and all that was printed."""
    (folder / "experiments").mkdir(exist_ok=True)
    (folder / "experiments" / "a.json").write_text(json.dumps(data))
    code, printed = 0, ""
    for step in steps:
        if code == 0 or step.always:
            process = shell(step, folder)
            printed += process.communicate(timeout=60)[0]
            code = code or process.returncode
    return code, printed


@pytest.mark.parametrize("template", [github, gitlab, codebuild])
def test_a_build_passes_with_its_experiments_and_fails_with_the_worst_of_them(template: Any, tmp_path: Path) -> None:
    assert job([*template()], tmp_path, WELL)[0] == 0
    code, printed = job([*template()], tmp_path, BROKEN)
    assert code == 3, printed
    assert "nothing is left to recover" in printed
    assert json.loads((tmp_path / "reports" / "ci.json").read_text())["exit"] == 3
    [found] = [*tmp_path.glob("gl-junit-report.xml"), *tmp_path.glob("reports/junit.xml")]
    assert complaints(found.read_text()) == []


def test_the_action_says_no_more_in_its_scripts_than_its_author_did() -> None:
    assert not [step for step in read("github/action.yml")["runs"]["steps"] if "${{" in step["run"]]


def test_the_action_compares_with_a_baseline_where_there_is_one(tmp_path: Path) -> None:
    code, printed = job([*github(baseline="release.json", fail_on_worse="true")], tmp_path, WELL)
    assert (code, "::warning title=No baseline" in printed) == (0, True)
    (tmp_path / "reports" / "ci.json").rename(tmp_path / "release.json")
    code, printed = job([*github(baseline="release.json", fail_on_worse="true")], tmp_path, BROKEN)
    assert (code, "verdict: passed → not-started" in printed) == (3, True)
    assert "Worse than" in (tmp_path / "summary.md").read_text()


def once_begun(folder: Path, within_s: float = 20) -> None:
    """Waits until the experiment's method has begun."""
    journal = folder / "reports" / "latest" / "journal.ndjson"
    deadline_s = time.monotonic() + within_s
    while not (journal.exists() and '"StepBegan"' in journal.read_text()):
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def begun(steps: Sequence[Step], folder: Path) -> "subprocess.Popen[str]":
    """The step with the experiments, in the middle of one that lasts a minute."""
    (folder / "experiments").mkdir()
    (folder / "experiments" / "a.json").write_text(json.dumps(experiment(wait(60), probes=[single()])))
    [runs] = [step for step in steps if "chaos-runner ci" in step.script]
    process = shell(runs, folder)
    once_begun(folder)
    return process


@pytest.mark.parametrize("template", [github, gitlab])
def test_a_cancelled_job_tells_the_runner_itself_which_stops_and_undoes(template: Any, tmp_path: Path) -> None:
    process = begun([*template()], tmp_path)
    process.send_signal(signal.SIGINT)  # to the step's process only, as GitHub does
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert json.loads((tmp_path / "reports" / "ci.json").read_text())["verdict"] == "interrupted"


def test_a_killed_runner_has_its_run_recovered_and_the_job_has_no_outcome(tmp_path: Path) -> None:
    steps = [*github()]
    process = begun(steps, tmp_path)
    run = holder(tmp_path / "reports" / "latest")
    assert run
    for pid in (process.pid, run):  # as a pipeline kills the whole tree
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=20)
    last = shell(steps[-1], tmp_path)
    printed = last.communicate(timeout=60)[0]
    assert (last.returncode, "::error title=No outcome" in printed) == (1, True)
