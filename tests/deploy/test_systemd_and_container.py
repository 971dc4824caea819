"""The unit and the container file in deploy/: they start what the command knows, and give undoing its time."""

import configparser
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import pytest

from chaos_runner.cli.daemon import command
from chaos_runner.units import seconds

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
UNIT: Final = DEPLOY / "systemd" / "chaos-runner.service"
CONTAINER: Final = DEPLOY / "container" / "Containerfile"


def unit() -> configparser.SectionProxy:
    found = configparser.ConfigParser(interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read(UNIT)
    return found["Service"]


def test_the_unit_starts_the_daemon_with_words_that_it_knows() -> None:
    program, name, *words = unit()["ExecStart"].split()
    assert (Path(program).name, name) == ("chaos-runner", "daemon")
    assert command.make_context("daemon", words).params["drain"] == "5m"


def test_the_unit_leaves_more_time_to_stop_than_the_runs_have_to_end() -> None:
    drain = unit()["ExecStart"].split("--drain ")[1]
    assert seconds(unit()["TimeoutStopSec"].replace("min", "m")) >= 2 * seconds(drain)


def test_a_stop_of_the_unit_kills_no_run_and_no_watchdog() -> None:
    assert unit()["KillMode"] == "process"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    here = tmp_path / UNIT.name
    text = UNIT.read_text().replace("/srv/chaos/.venv/bin/chaos-runner", sys.executable)
    here.write_text(re.sub("^User=.*$", "User=root", text, flags=re.MULTILINE))
    done = subprocess.run(["systemd-analyze", "verify", here], capture_output=True, text=True, check=False, timeout=60)
    assert [line for line in done.stderr.splitlines() if UNIT.name in line] == []


def test_the_container_starts_the_daemon_under_an_init() -> None:
    lines = dict(line.split(" ", 1) for line in CONTAINER.read_text().splitlines() if re.match("[A-Z]+ ", line))
    entry, words = json.loads(lines["ENTRYPOINT"]), json.loads(lines["CMD"])
    assert entry == ["tini", "--", "chaos-runner"]
    assert words[0] == "daemon"
    assert command.make_context("daemon", words[1:]).params["drain"] == "5m"
    assert lines["USER"] == "chaos"


def test_the_container_s_user_owns_the_folder_on_which_the_volume_is_mounted() -> None:
    reports = re.search("^ENV CHAOS_RUNNER_REPORTS=(.*)$", CONTAINER.read_text(), re.MULTILINE)
    assert reports
    assert re.search(f"^RUN .*install -d -o chaos .*{reports[1]}$", CONTAINER.read_text(), re.MULTILINE)


def test_what_the_container_copies_is_enough_to_build_the_package(tmp_path: Path) -> None:
    copied = [line.split()[1:] for line in CONTAINER.read_text().splitlines() if line.startswith("COPY ")]
    for *names, into in copied:
        folder = tmp_path / Path(into).relative_to("/src")
        for name in names:
            there = DEPLOY.parent / name
            if there.is_dir():
                shutil.copytree(there, folder, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(there, folder)
    build = subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=tmp_path, check=False,
                           capture_output=True, text=True, timeout=60)
    assert build.returncode == 0, build.stderr
    [wheel] = (tmp_path / "dist").glob("*.whl")
    assert "chaos_runner/lab/probes/shop.yaml" in ZipFile(wheel).namelist()
