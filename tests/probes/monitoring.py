"""A real Prometheus and a real Alertmanager, each a process of its own on a port of 127.0.0.1 that the system chose."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

ALERTMANAGER: Final = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
_ADDRESS: Final = re.compile(r'msg="Listening on" address=(\S+)')


@contextmanager
def prometheus(folder: Path, config: str) -> Iterator[str]:
    """The URL of a Prometheus whose configuration may name files in the folder. Skips where there is none."""
    (folder / "prometheus.yaml").write_text(config)
    with _serving(folder, ["prometheus", "--config.file=prometheus.yaml", "--storage.tsdb.path=prometheus",
                           "--web.listen-address=127.0.0.1:0"]) as address:
        yield f"http://{address}"


@contextmanager
def alertmanager(folder: Path) -> Iterator[str]:
    """The URL of an Alertmanager that tells nobody. Skips where there is none."""
    (folder / "alertmanager.yaml").write_text(ALERTMANAGER)
    with _serving(folder, ["prometheus-alertmanager", "--config.file=alertmanager.yaml", "--storage.path=alertmanager",
                           "--web.listen-address=127.0.0.1:0", "--cluster.listen-address="]) as address:
        yield f"http://{address}"


@contextmanager
def _serving(folder: Path, command: Sequence[str]) -> Iterator[str]:
    name, log = command[0], folder / f"{command[0]}.log"
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed: tests/install says why")
    with log.open("w") as to, subprocess.Popen(command, cwd=folder, stdout=to, stderr=to) as process:
        try:
            assert within(15, lambda: process.poll() is not None or _ADDRESS.search(log.read_text()) is not None)
            listens = _ADDRESS.search(log.read_text())
            assert listens, log.read_text()
            yield listens[1]
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()


def within(limit_s: float, holds: Callable[[], bool]) -> bool:
    """Whether it holds before the time is up."""
    deadline_s = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.02)
    return True
