"""`init`: a folder for experiments in which everything is valid, and nothing that was there is lost."""

import http.server
import json
import os
import pty
import select
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml

from chaos_runner.cli.drafts.pipelines import COMPLETE
from chaos_runner.experiment.project import read_project
from tests.cli.runner import chaos_runner

pytestmark = pytest.mark.slow
_FILES = {"chaos.yaml", "probes/service.yaml", "experiments/.schema.json", "experiments/01-host-cpu-load.yaml",
          "reports/.gitignore"}


def files_in(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def test_what_it_makes_is_valid_and_has_no_trap(tmp_path: Path) -> None:
    assert chaos_runner("init", str(tmp_path)).exit == 0
    assert files_in(tmp_path) == _FILES
    ran = chaos_runner("validate", "--json", str(tmp_path / "experiments" / "01-host-cpu-load.yaml"))
    assert (ran.exit, ran.outcome["findings"]) == (0, [])
    assert set(read_project(tmp_path / "chaos.yaml").environments) == {"staging", "production"}


def test_the_first_experiment_names_the_schema_for_editors_in_its_first_line(tmp_path: Path) -> None:
    chaos_runner("init", str(tmp_path))
    first = (tmp_path / "experiments" / "01-host-cpu-load.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=.schema.json"
    chaos_runner("new", "host.cpu_load", "--out", str(tmp_path / "experiments" / "02.yaml"))
    assert (tmp_path / "experiments" / "02.yaml").read_text().startswith(first)


def test_what_is_there_is_left_and_said(tmp_path: Path) -> None:
    (tmp_path / "chaos.yaml").write_text("reports: elsewhere\n")
    ran = chaos_runner("init", str(tmp_path))
    assert (tmp_path / "chaos.yaml").read_text() == "reports: elsewhere\n"
    assert "left  chaos.yaml" in ran.out
    again = chaos_runner("init", str(tmp_path), "--json")
    assert {file["path"]: file["made"] for file in again.outcome["files"]} == dict.fromkeys(_FILES, False)


@pytest.mark.parametrize(("name", "path"), [("github", ".github/workflows/chaos.yml"), ("gitlab", ".gitlab-ci.yml")])
def test_a_pipeline_is_yaml_and_looks_for_missing_outcomes(name: str, path: str, tmp_path: Path) -> None:
    chaos_runner("init", str(tmp_path), "--ci", name)
    text = (tmp_path / path).read_text()
    assert yaml.safe_load(text)
    assert "outcome.json" in text


def test_a_pipeline_fails_unless_every_run_has_an_outcome(tmp_path: Path) -> None:
    def looked() -> int:
        words = ["bash", "-ec", COMPLETE]
        return subprocess.run(words, cwd=tmp_path, stdout=subprocess.DEVNULL, check=False).returncode

    assert looked() == 70
    for name in ("01A", "01B"):
        (tmp_path / "reports" / "runs" / name).mkdir(parents=True)
    (tmp_path / "reports" / "runs" / "01A" / "outcome.json").write_text("{}")
    assert looked() == 70
    (tmp_path / "reports" / "runs" / "01B" / "outcome.json").write_text("{}")
    assert looked() == 0


def test_the_schema_is_written_anew_and_says_the_line_that_names_it(tmp_path: Path) -> None:
    ran = chaos_runner("schema", "--out", str(tmp_path / ".schema.json"))
    assert "# yaml-language-server: $schema=.schema.json" in ran.out
    assert json.loads((tmp_path / ".schema.json").read_text())["$schema"].startswith("https://json-schema.org")
    assert chaos_runner("schema", "--out", str(tmp_path / "none" / "s.json")).exit == 2


def test_the_repository_tells_which_pipeline(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text('[remote "origin"]\n\turl = git@gitlab.com:us/shop.git\n')
    chaos_runner("init", str(tmp_path))
    assert (tmp_path / ".gitlab-ci.yml").exists()


def test_it_says_when_nobody_answers_at_the_service_s_address(tmp_path: Path) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        url = f"http://127.0.0.1:{server.server_port}/"
        assert "Nobody answers" not in chaos_runner("init", str(tmp_path), "--url", url, SERVICE_URL="").err
    assert f"Nobody answers at {url} now" in chaos_runner("init", str(tmp_path), "--url", url, SERVICE_URL="").err
    assert "Nobody answers at nowhere" in chaos_runner("init", str(tmp_path), "--url", "nowhere", SERVICE_URL="").err


def test_a_fault_that_does_not_exist_makes_nothing(tmp_path: Path) -> None:
    ran = chaos_runner("init", str(tmp_path / "new"), "--fault", "host.cpu_lode")
    assert ran.exit == 2
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = chaos_runner("init", str(tmp_path / "file" / "below"))
    assert ran.exit == 2
    assert "Traceback" not in ran.err


def test_on_a_terminal_it_asks_what_no_option_says(tmp_path: Path) -> None:
    main, terminal = pty.openpty()
    process = subprocess.Popen([sys.executable, "-m", "chaos_runner", "init", str(tmp_path)], stdin=terminal,
                               stderr=terminal, stdout=subprocess.DEVNULL)
    os.close(terminal)
    try:
        for answer in ("http://127.0.0.1:9999/", "host.memory_fill", "github"):
            wait_for_question(main)
            os.write(main, f"{answer}\n".encode())
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        os.close(main)
    assert "experiments/01-host-memory-fill.yaml" in files_in(tmp_path)
    assert "http://127.0.0.1:9999/" in (tmp_path / "experiments" / "01-host-memory-fill.yaml").read_text()


def wait_for_question(terminal: int, within_s: float = 15) -> None:
    """Returns once a prompt stands there."""
    said, end_s = b"", time.monotonic() + within_s
    while not said.rstrip().endswith(b"]:"):
        assert select.select([terminal], [], [], max(0.0, end_s - time.monotonic()))[0], said
        said += os.read(terminal, 4096)


def test_what_it_makes_runs(tmp_path: Path) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        chaos_runner("init", str(tmp_path), "--url", f"http://127.0.0.1:{server.server_port}/")
        first = tmp_path / "experiments" / "01-host-cpu-load.yaml"
        text = first.read_text().replace("20s", "6s").replace("load: 80%", "load: 20%")
        first.write_text(text.replace("below: 300ms", "below: 5s"))  # other tests load the machine too
        ran = chaos_runner("run", str(first), "--json")
        server.shutdown()
    assert ran.outcome["verdict"] == "passed", ran.err
    assert (tmp_path / "reports" / "latest" / "report.html").exists()
