"""Completion, as a shell asks for it."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

_SETUP = """
export PATH={path}
{script}
COMP_WORDS=({words}) COMP_CWORD={last}
_chaos_runner_completion chaos-runner 2>/dev/null
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@cache
def script_for(shell: str) -> str:
    return subprocess.run([sys.executable, "-m", "chaos_runner", "completion", shell], stdout=subprocess.PIPE,
                          text=True, check=True).stdout


def offered(tmp_path: Path, *words: str) -> list[str]:
    """What bash offers for the last of these words, after it has sourced the script."""
    (tmp_path / "bin").mkdir(exist_ok=True)
    program = tmp_path / "bin" / "chaos-runner"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m chaos_runner "$@"\n')
    program.chmod(0o755)
    quoted = " ".join(f"'{word}'" for word in ("chaos-runner", *words))
    script = _SETUP.format(path=f"{tmp_path / 'bin'}:$PATH", script=script_for("bash"), words=quoted, last=len(words))
    environment = {key: value for key, value in os.environ.items() if key != "CHAOS_RUNNER_REPORTS"}
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True,
                          check=True)
    return [line for line in done.stdout.splitlines() if line]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for name in ("01JD8Z", "01JD9A", "01KAAA"):
        (tmp_path / "reports" / "runs" / name).mkdir(parents=True)
    return tmp_path


def test_commands_are_offered(tmp_path: Path) -> None:
    assert offered(tmp_path, "val") == ["validate"]


def test_faults_are_offered_to_faults_and_to_new(tmp_path: Path) -> None:
    assert offered(tmp_path, "faults", "proxy.l") == ["proxy.latency", "proxy.limit_data"]
    assert offered(tmp_path, "new", "host.cpu") == ["host.cpu_load"]


def test_probes_and_codes_are_offered(tmp_path: Path) -> None:
    assert offered(tmp_path, "probes", "tcp") == ["tcp.connect"]
    assert "E101" in offered(tmp_path, "explain", "e10")


@pytest.mark.parametrize("command", ["show", "report", "stop", "recover"])
def test_runs_are_offered_wherever_a_run_stands_the_newest_first(runs: Path, command: str) -> None:
    assert offered(runs, command, "") == ["latest", "01KAAA", "01JD9A", "01JD8Z"]


def test_the_beginning_of_a_run_is_completed(runs: Path) -> None:
    assert offered(runs, "show", "01jd8") == ["01JD8Z"]


def test_environments_are_offered(tmp_path: Path) -> None:
    (tmp_path / "chaos.yaml").write_text("environments:\n  staging: {}\n  live: {}\n")
    assert offered(tmp_path, "run", "--env", "s") == ["staging"]


def test_files_are_left_to_the_shell(tmp_path: Path) -> None:
    asked = {"_CHAOS_RUNNER_COMPLETE": "bash_complete", "COMP_WORDS": "chaos-runner run exp", "COMP_CWORD": "2"}
    done = subprocess.run([sys.executable, "-m", "chaos_runner"], capture_output=True, text=True, check=False,
                          cwd=tmp_path, env={**os.environ, **asked})
    assert done.stdout.strip() == "file,exp"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_can_read(shell: str, tmp_path: Path) -> None:
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell} on this machine")
    script = tmp_path / "script"
    script.write_text(script_for(shell))
    assert subprocess.run([shell, "-n", str(script)], check=False).returncode == 0
