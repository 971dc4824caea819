"""`run --output`, `report --output` and `--open`, as a pipeline and a person meet them."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from chaos_runner.cli.outputs import Outputs
from chaos_runner.cli.runs import find_run
from chaos_runner.errors import UsageError
from chaos_runner.report.write import ALWAYS, FORMATS
from chaos_runner.wiring import point_latest
from tests.cli.runner import COMMAND, Ran, chaos_runner, write
from tests.report.ant_schema import complaints, suites
from tests.report.github_runner import Command, understood
from tests.run.samples import action, experiment, single

WEAK: dict[str, Any] = experiment(action(), probes=[{**single(), "tolerance": False}])
"""Its steady state is not there."""


def ran(folder: Path, *arguments: str, data: dict[str, Any] = WEAK, **environment: Any) -> Ran:
    """A run in a folder of its own, with no pipeline around it but the one that is given."""
    none = {"GITHUB_ACTIONS": "", "GITLAB_CI": "", "GITHUB_STEP_SUMMARY": "", "GITHUB_WORKSPACE": "",
            "CI_PROJECT_DIR": ""}
    words = ["run", str(write(data, folder)), "--reports", str(folder / "reports"), *arguments]
    return chaos_runner(*words, **{**none, **environment})


def on_github(folder: Path) -> dict[str, Any]:
    return {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
            "GITHUB_WORKSPACE": str(folder)}


def commands(text: str) -> list[Command]:
    return [found for line in text.splitlines() if (found := understood(line))]


# ── what is asked for ───────────────────────────────────────────────────────────────────────────────────────────────

def test_a_form_is_named_with_its_file_or_has_one_of_its_own() -> None:
    found = Outputs.of(["github,junit=a/b.xml", "md", "json=o.json"], {})
    assert found.github
    assert found.files == {
        "junit": Path.cwd() / "a" / "b.xml", "md": Path.cwd() / "report.md", "json": Path.cwd() / "o.json"}


def test_the_right_forms_are_chosen_in_a_pipeline_and_none_elsewhere() -> None:
    assert Outputs.of([], {}).any is False
    assert Outputs.of([], {"GITHUB_ACTIONS": "true"}).github
    assert list(Outputs.of([], {"GITLAB_CI": "true"}).files) == ["gitlab", "junit"]


def test_what_is_asked_for_stands_in_the_place_of_what_would_be_chosen() -> None:
    assert not Outputs.of(["none"], {"GITHUB_ACTIONS": "true"}).any
    assert not Outputs.of(["md=x.md"], {"GITHUB_ACTIONS": "true"}).github


@pytest.mark.parametrize(("asked", "said"), [
    ("xml", "--output xml: there are github, junit"), ("junit=", "name a file behind `=`"),
    ("junit=-", "name a file behind `=`"), ("github=x", "takes no file"), ("none,md", "stands alone"),
    ("md,md", "named twice"), ("", "there are github")])
def test_what_cannot_be_understood_is_said(asked: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Outputs.of([asked], {})


def test_what_cannot_be_written_is_known_before_the_run_and_nothing_is_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text("title: mine")
    for asked in (f"md={tmp_path}/no/where", f"json={file}", f"md={tmp_path}/a,junit={tmp_path}/a", f"md={tmp_path}"):
        with pytest.raises(UsageError):
            Outputs.of([asked], {}).make_ready([str(file)])
    with pytest.raises(UsageError, match="tells of one run"):
        Outputs.of(["pdf"], {}).make_ready(["a.yaml", "b.yaml"])
    assert file.read_text() == "title: mine"


def test_what_an_earlier_run_left_does_not_speak_for_this_one(tmp_path: Path) -> None:
    old = tmp_path / "outcome.json"
    old.write_text('{"verdict": "passed"}')
    Outputs.of([f"json={old}"], {}).make_ready(["a.yaml"])
    assert not old.exists()


def test_every_form_but_those_for_pipelines_and_the_pdf_is_in_every_run_s_folder() -> None:
    assert set(FORMATS) - set(ALWAYS) == {"github", "gitlab", "pdf"}


# ── whole runs ──────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.slow
def test_all_forms_at_once(tmp_path: Path) -> None:
    files = {name: tmp_path / f"my.{name}" for name in ("junit", "md", "json", "html", "gitlab", "chaostoolkit")}
    done = ran(tmp_path, "--output", "github," + ",".join(f"{name}={file}" for name, file in files.items()))
    assert done.exit == 3
    assert complaints(files["junit"].read_text()) == []
    assert files["md"].read_text().startswith("# ⛔ Not started")
    assert json.loads(files["json"].read_text())["verdict"] == "not-started"
    assert "<html" in files["html"].read_text()
    assert json.loads(files["gitlab"].read_text())[0]["check_name"] == "chaos-runner/V102"
    assert json.loads(files["chaostoolkit"].read_text())["status"] == "completed"
    assert [one.name for one in commands(done.out)] == ["error"]


@pytest.mark.slow
def test_in_github_a_failed_run_is_understood_from_annotation_and_summary(tmp_path: Path) -> None:
    (tmp_path / "summary.md").write_text("an earlier step's\n")
    done = ran(tmp_path, **on_github(tmp_path))
    [found] = commands(done.out)
    assert found.properties["file"] == "experiment.json"
    place = (tmp_path / "experiment.json").read_text().splitlines()[int(found.properties["line"]) - 1]
    assert place.strip() == "{"
    assert "the steady state was not there before any fault" in found.message
    summary = (tmp_path / "summary.md").read_text()
    assert summary.startswith("an earlier step's\n\n# ⛔ Not started")
    assert "## Reasons (exit code 3)" in summary


@pytest.mark.slow
def test_annotations_are_never_mixed_into_json(tmp_path: Path) -> None:
    done = ran(tmp_path, "--json", **on_github(tmp_path))
    assert done.outcome["verdict"] == "not-started"
    assert len(commands(done.err)) == 1
    streamed = ran(tmp_path, "--events", "-", **on_github(tmp_path))
    assert all(json.loads(line)["type"] for line in streamed.out.splitlines())


@pytest.mark.slow
def test_a_file_that_cannot_be_followed_is_told_too(tmp_path: Path) -> None:
    done = ran(tmp_path, "--output", f"github,json={tmp_path}/o.json,junit={tmp_path}/j.xml", data={"titel": "x"},
               GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"))
    assert done.exit == 2
    assert {one.properties["title"].partition(" in ")[0] for one in commands(done.out)} >= {"Error: E101"}
    assert json.loads((tmp_path / "o.json").read_text())["exit"] == 2
    [suite] = suites((tmp_path / "j.xml").read_text())
    assert suite.attrib["errors"] == "1"
    assert "**Nothing was run and nothing was touched** (exit code 2)" in (tmp_path / "summary.md").read_text()


@pytest.mark.slow
def test_several_files_are_told_together_and_what_has_no_run_is_not_left_out(tmp_path: Path) -> None:
    good, refused = tmp_path / "good.json", tmp_path / "refused.json"
    good.write_text(json.dumps(experiment(action(), probes=[single()])))
    refused.write_text(json.dumps({**WEAK, "configuration": {"key": {"type": "env", "key": "NOT_THERE_AT_ALL"}}}))
    done = ran(tmp_path, str(good), str(refused), "--json", "--output",
               f"github,junit={tmp_path}/j.xml,json={tmp_path}/o.json", **on_github(tmp_path))
    told = [suite.attrib["name"] for suite in suites((tmp_path / "j.xml").read_text())]
    assert len(told) == 3
    assert told[2] == str(refused)
    assert json.loads((tmp_path / "o.json").read_text()) == done.outcome
    assert len((tmp_path / "summary.md").read_text().split("\n---\n")) == 3
    assert {one.properties["file"] for one in commands(done.err)} == {"experiment.json", "refused.json"}


@pytest.mark.slow
def test_in_gitlab_its_two_reports_are_written_where_it_looks_for_them(tmp_path: Path) -> None:
    file = write(WEAK, tmp_path)
    environment = {**os.environ, "GITLAB_CI": "true", "GITHUB_ACTIONS": "", "CI_PROJECT_DIR": str(tmp_path)}
    subprocess.run([*COMMAND, "run", file.name], cwd=tmp_path, env=environment, capture_output=True, check=False,
                   timeout=60)
    [issue] = json.loads((tmp_path / "gl-code-quality-report.json").read_text())
    assert issue["location"]["path"] == "experiment.json"
    assert complaints((tmp_path / "gl-junit-report.xml").read_text()) == []


# ── report ──────────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of one run."""
    folder = tmp_path_factory.mktemp("told")
    ran(folder)
    return folder / "reports"


@pytest.mark.slow
def test_every_form_can_be_written_again(told: Path, tmp_path: Path) -> None:
    done = chaos_runner("report", "latest", "--reports", str(told), "--out", str(tmp_path), "--format",
                        "html,md,junit,chaostoolkit,github,gitlab")
    assert [Path(line).name for line in done.out.splitlines()] == [
        "report.html", "report.md", "junit.xml", "journal.json", "github-annotations.txt",
        "gl-code-quality-report.json"]
    assert len(commands((tmp_path / "github-annotations.txt").read_text())) == 1


@pytest.mark.slow
def test_a_run_can_be_told_again_in_a_later_step(told: Path, tmp_path: Path) -> None:
    done = chaos_runner("report", "--reports", str(told), "--json", "--output", f"github,json={tmp_path}/o.json",
                        **on_github(tmp_path))
    assert json.loads(done.out)["paths"][-1] == f"{tmp_path}/o.json"
    assert len(commands(done.err)) == 1
    assert (tmp_path / "o.json").read_bytes().strip() == _compact(told / "latest" / "outcome.json")


def _compact(path: Path) -> bytes:
    return json.dumps(json.loads(path.read_text()), separators=(",", ":"), ensure_ascii=False).encode()


def opener(folder: Path) -> Path:
    """A folder with an `xdg-open` that writes down what it is asked to open."""
    tool = folder / "bin" / "xdg-open"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\necho "$1" > "{folder}/.opened" && mv "{folder}/.opened" "{folder}/opened"\n')
    tool.chmod(0o755)
    return tool.parent


@pytest.mark.slow
def test_the_page_is_opened(told: Path, tmp_path: Path) -> None:
    chaos_runner("report", "--reports", str(told), "--format", "md", "--open", PATH=f"{opener(tmp_path)}:/usr/bin:/bin")
    assert _soon(tmp_path / "opened") == str(next((told / "runs").iterdir()) / "report.html")


@pytest.mark.slow
def test_a_run_opens_its_page(tmp_path: Path) -> None:
    ran(tmp_path, "--open", PATH=f"{opener(tmp_path)}:/usr/bin:/bin")
    assert _soon(tmp_path / "opened").endswith("/report.html")


def _soon(path: Path) -> str:
    deadline_s = time.monotonic() + 5
    while not path.exists() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return path.read_text().strip()


@pytest.mark.slow
def test_where_nothing_can_open_it_that_is_said(told: Path, tmp_path: Path) -> None:
    done = chaos_runner("report", "--reports", str(told), "--open", PATH=str(tmp_path))
    assert done.exit == 0
    assert "no browser could be opened here; the page is" in done.err


@pytest.mark.slow
@pytest.mark.parametrize("command", ["show", "report", "stop", "recover"])
def test_a_run_may_be_called_latest_or_by_a_unique_beginning(told: Path, command: str) -> None:
    run = next((told / "runs").iterdir()).name
    for name in ("latest", run[:4].lower()):
        assert chaos_runner(command, name, "--reports", str(told)).exit in (0, 3)
    done = chaos_runner(command, "ZZZ", "--reports", str(told))
    assert (done.exit, "holds no run ZZZ" in done.err) == (2, True)


def test_a_name_is_a_unique_beginning_and_nothing_else(tmp_path: Path) -> None:
    for name in ("01AB", "01ABC", "01ABD", "02"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    point_latest(tmp_path, tmp_path / "runs" / "01ABC")
    for asked, found in (("01abc", "01ABC"), ("01AB", "01AB"), ("02", "02"), ("latest", "01ABC")):
        assert find_run(tmp_path, asked).name == found
    for asked, said in (("01A", "01AB or 01ABC or 01ABD: give more of it"), ("3", "holds no run 3"),
                        ("*", "is no run"), ("../runs", "is no run"), ("", "is no run")):
        with pytest.raises(UsageError, match=said):
            find_run(tmp_path, asked)
