"""Disks that are full, or become full, or cannot be written at all."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from chaos_runner.targets.host import Process
from tests.cli.runner import chaos_runner, running, wait_for, write
from tests.run.samples import experiment, single

pytestmark = [
    pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a tmpfs")]


@pytest.fixture
def victim() -> Iterator[Process]:
    """A process to hurt."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    yield Process.of(child.pid)
    child.kill()
    child.wait()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk, mounted as `reports`."""
    folder = tmp_path / "reports"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def pausing(victim: Process) -> dict[str, Any]:
    """So many samples that the journal soon needs another page of the disk."""
    pause = {"name": "pause it", "fault": "host.process_pause", "target": {"pid": victim.pid}, "duration": "2s"}
    often = {"name": "it is there", "probe": "process.running", "arguments": {"pid": victim.pid}, "at-least": 0,
             "every": "20ms"}
    return experiment(pause, probes=[single(), often]) | {"stop-when": []}


def fill(folder: Path) -> None:
    with suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 512)


def test_on_a_full_disk_nothing_is_applied(disk: Path, tmp_path: Path, victim: Process) -> None:
    fill(disk)
    ran = chaos_runner("run", str(write(pausing(victim), tmp_path)), "--reports", str(disk))
    assert ran.exit == 3
    assert "Traceback" not in ran.err
    assert victim.at(victim.key).state == "running"


def test_on_a_disk_that_cannot_be_written_nothing_is_applied(disk: Path, tmp_path: Path, victim: Process) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    ran = chaos_runner("run", str(write(pausing(victim), tmp_path)), "--reports", str(disk))
    assert (ran.exit, "Read-only" in ran.err) == (3, True)
    assert victim.at(victim.key).state == "running"


def test_a_disk_that_fills_up_while_the_fault_acts_leads_to_the_undo(
        disk: Path, tmp_path: Path, victim: Process) -> None:
    with running(pausing(victim), tmp_path) as process:
        wait_for(tmp_path, "Applied")
        fill(disk)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 5
    assert "Traceback" not in err
    assert victim.at(victim.key).state == "running"
