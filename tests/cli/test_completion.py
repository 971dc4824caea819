"""Completion, as a shell asks for it."""

import contextlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal

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


def with_the_command(folder: Path) -> str:
    """A PATH on which the command is found."""
    (folder / "bin").mkdir(exist_ok=True)
    program = folder / "bin" / "chaos-runner"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m chaos_runner "$@"\n')
    program.chmod(0o755)
    return f"{folder / 'bin'}:{os.environ['PATH']}"


def offered(tmp_path: Path, *words: str) -> list[str]:
    """What bash offers for the last of these words, after it has sourced the script."""
    quoted = " ".join(f"'{word}'" for word in ("chaos-runner", *words))
    path = with_the_command(tmp_path)
    script = _SETUP.format(path=path, script=script_for("bash"), words=quoted, last=len(words))
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


def offered_by_fish(folder: Path, line: str) -> list[str]:
    """What fish offers at the end of a line, each with what it says of it behind a tab."""
    script = 'chaos-runner completion fish | source; complete -C "$argv"'
    asked = {"PATH": with_the_command(folder), "HOME": str(folder), "CHAOS_RUNNER_REPORTS": "reports"}
    done = subprocess.run(["fish", "--no-config", "-c", script, line], cwd=folder, env={**os.environ, **asked},
                          capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish on this machine")
def test_fish_offers_commands_runs_faults_and_files(runs: Path) -> None:
    (runs / "experiment.yaml").touch()
    assert [line.partition("\t")[0] for line in offered_by_fish(runs, "chaos-runner val")] == ["validate"]
    assert [line.partition("\t")[0] for line in offered_by_fish(runs, "chaos-runner show 01JD")] == ["01JD8Z", "01JD9A"]
    assert offered_by_fish(runs, "chaos-runner faults proxy.l") == ["proxy.latency", "proxy.limit_data"]
    assert offered_by_fish(runs, "chaos-runner run exp") == ["experiment.yaml"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh on this machine")
def test_zsh_completes_commands_runs_faults_and_files_as_one_types(runs: Path) -> None:
    (runs / "experiment.yaml").touch()
    asked = {"PATH": with_the_command(runs), "PS1": "> ", "ZDOTDIR": str(runs), "CHAOS_RUNNER_REPORTS": "reports"}
    with contextlib.chdir(runs), Terminal(["-f", "-i"], 120, program=("zsh",), environment=asked) as terminal:
        terminal.type("autoload -Uz compinit; compinit -D; source <(chaos-runner completion zsh) && print rea''dy\n")
        terminal.wait_for("ready")
        for typed, line in (("val", "chaos-runner validate"), ("show 01jd8", "chaos-runner show 01JD8Z"),
                            ("new host.cpu", "chaos-runner new host.cpu_load"),
                            ("run exp", "chaos-runner run experiment.yaml")):
            terminal.type(f"chaos-runner {typed}\t\x01print -r -- \n")  # Ctrl-A: it is shown, and not run
            terminal.wait_for(f"\n{line}")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_can_read(shell: str, tmp_path: Path) -> None:
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell} on this machine")
    script = tmp_path / "script"
    script.write_text(script_for(shell))
    assert subprocess.run([shell, "-n", str(script)], check=False).returncode == 0
