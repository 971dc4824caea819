"""A runner that is killed with SIGKILL while the network is slow, in the guest: the watchdog, and `recover` without it.

Everything takes twelve times as long there, so the bound on the watchdog is ten seconds, not one.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from chaos_runner.targets.host import WATCHDOG

INTERFACE = "chaos0"
WATCHDOG_WITHIN_S = 10.0
RUN = (sys.executable, "-m", "chaos_runner")
HOLDS = {"type": "probe", "name": "root is there", "tolerance": True,
         "provider": {"type": "python", "module": "os.path", "func": "exists", "arguments": {"path": "/"}}}
FAULTS = [pytest.param("host.network_latency", {"interface": INTERFACE}, {"latency": "200ms"}, id="latency"),
          pytest.param("host.network_loss", {"interface": INTERFACE}, {"loss": "30%"}, id="loss"),
          pytest.param("host.network_partition", {"to": ["10.98.0.2"]}, {}, id="partition")]


@pytest.fixture(autouse=True)
def interface() -> Iterator[None]:
    """A network card of the guest's own, that leads nowhere."""
    subprocess.run(["ip", "link", "add", INTERFACE, "type", "dummy"], check=True)
    subprocess.run(["ip", "addr", "add", "10.98.0.1/24", "dev", INTERFACE], check=True)
    subprocess.run(["ip", "link", "set", INTERFACE, "up"], check=True)
    yield
    subprocess.run(["ip", "link", "del", INTERFACE], check=True)


def picture() -> tuple[str, str]:
    """What is configured, and nothing that counts."""
    qdisc = subprocess.run(["tc", "qdisc", "show", "dev", INTERFACE], capture_output=True, text=True, check=True)
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True)
    return qdisc.stdout, tables.stdout


def killed(folder: Path, step: dict[str, Any], *, with_watchdog: bool) -> None:
    """Starts a run and kills it once its fault acts."""
    file = folder / "experiment.json"
    file.write_text(json.dumps({
        "title": "killed", "description": "in the guest", "method": [{"name": "hurt", "duration": "120s", **step}],
        "steady-state-hypothesis": {"title": "x", "probes": [HOLDS]}}))
    run = subprocess.Popen([*RUN, "run", str(file), "--quiet", "--reports", str(folder / "reports")])
    journal = folder / "reports" / "latest" / "journal.ndjson"
    deadline_s = time.monotonic() + 60
    while not (journal.exists() and '"type":"Applied"' in journal.read_text()):
        assert time.monotonic() < deadline_s
        assert run.poll() is None
        time.sleep(0.05)
    if with_watchdog:
        for child in psutil.Process(run.pid).children():
            if WATCHDOG in child.cmdline():
                child.kill()
    os.kill(run.pid, signal.SIGKILL)
    run.wait()


@pytest.mark.parametrize(("fault", "target", "arguments"), FAULTS)
def test_the_watchdog_restores_the_network_in_time(
        fault: str, target: dict[str, Any], arguments: dict[str, Any], tmp_path: Path) -> None:
    before = picture()
    killed(tmp_path, {"fault": fault, "target": target, "arguments": arguments}, with_watchdog=False)
    died_s = time.monotonic()
    while picture() != before:
        assert time.monotonic() - died_s < WATCHDOG_WITHIN_S
        time.sleep(0.05)
    print(f"{fault}: restored {time.monotonic() - died_s:.1f} s after the kill")
    _wait_for_the_outcome(tmp_path)


@pytest.mark.parametrize(("fault", "target", "arguments"), FAULTS[:1])
def test_without_a_watchdog_recover_restores_the_network(
        fault: str, target: dict[str, Any], arguments: dict[str, Any], tmp_path: Path) -> None:
    before = picture()
    killed(tmp_path, {"fault": fault, "target": target, "arguments": arguments}, with_watchdog=True)
    assert picture() != before
    subprocess.run([*RUN, "recover", "--all", "--reports", str(tmp_path / "reports")], check=True)
    assert picture() == before


def _wait_for_the_outcome(folder: Path) -> None:
    deadline_s = time.monotonic() + 60
    while not (folder / "reports" / "latest" / "report.html").exists():
        assert time.monotonic() < deadline_s
        time.sleep(0.2)
