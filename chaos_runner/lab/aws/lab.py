"""Opens the lab, closes it, and says how it is.

All of its AWS is the memory of one process, so the world is gone with it. What runs is written to `lab.json` before the
world is built, so that whoever comes later can close it.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from chaos_runner.errors import ChaosRunnerError, Refused
from chaos_runner.lab import parts
from chaos_runner.lab.folders import alone_with, keep, known, remove
from chaos_runner.lab.parts import Part, State

REGION: Final = "eu-central-1"
_READY_S: Final = 60.0
_BUILT_S: Final = 120.0
_POLL_S: Final = 0.05


class LabNotUp(ChaosRunnerError):
    """The lab did not come up."""

    exit_code = 5


class Lab(msgspec.Struct, frozen=True):
    """A lab that was opened. `ready` once its world is built."""

    folder: str
    name: str
    endpoint: str
    server: Part
    region: str = REGION
    ready: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """What leads a client of AWS there, and nowhere else."""
        return {"AWS_ENDPOINT_URL": self.endpoint, "AWS_DEFAULT_REGION": self.region, "AWS_ACCESS_KEY_ID": "lab",
                "AWS_SECRET_ACCESS_KEY": "lab"}


def up(folder: Path) -> Lab:
    """The lab in this folder: the one that runs there already, or a new one with a new world.

    Raises Refused without the moto server, LabNotUp when it does not answer.
    """
    if find_spec("moto") is None or find_spec("flask") is None:
        raise Refused("the AWS lab needs the moto server: pip install 'chaos-runner[aws-lab]'")
    with alone_with(folder):
        running = read(folder)
        if running and running.ready and parts.state(running.server) is State.RUNNING:
            return running
        return _opened(folder)


def down(folder: Path) -> list[str]:
    """Ends exactly the server of the lab in this folder, removes the folder, and names it if it still was there."""
    if not folder.exists():
        return []
    with alone_with(folder):
        lab = read(folder)
        ended = parts.end([lab.server]) if lab else []
        remove(folder)
        return ended


def status(folder: Path) -> dict[str, State]:
    """How its server is; empty when no lab was opened here."""
    lab = read(folder)
    return {lab.server.name: parts.state(lab.server)} if lab else {}


def read(folder: Path) -> Lab | None:
    """The lab that was opened in this folder, whether or not it still runs. Raises Refused for an unreadable file."""
    return known(folder, Lab)


def _opened(folder: Path) -> Lab:
    """Starts the server and builds the world; ends what was started if anything, Ctrl-C included, comes between."""
    old = read(folder)
    if old:
        parts.end([old.server])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    with contextlib.ExitStack() as undo:
        lab = _started(folder)
        undo.callback(lambda: parts.end([lab.server]))
        keep(folder, lab)
        _wait(lab)
        _build(lab)
        undo.pop_all()
    ready = msgspec.structs.replace(lab, ready=True)
    keep(folder, ready)
    return ready


def _started(folder: Path) -> Lab:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = parts.spawned_module("moto", folder / "moto.log", ["moto.server", "-H", "127.0.0.1", "-p", str(port)])
    return Lab(folder=str(folder.resolve()), name=folder.name, endpoint=f"http://127.0.0.1:{port}", server=server)


def _wait(lab: Lab) -> None:
    until_s = time.monotonic() + _READY_S
    host, _, port = lab.endpoint.removeprefix("http://").partition(":")
    while True:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1.0):
            return
        if parts.state(lab.server) is State.GONE or time.monotonic() > until_s:
            raise LabNotUp(f"the moto server did not come up: see {Path(lab.folder) / 'moto.log'}")
        time.sleep(_POLL_S)


def _build(lab: Lab) -> None:
    """In a process of its own: only there the environment leads to the lab."""
    bare = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    built = subprocess.run([sys.executable, "-m", "chaos_runner.lab.aws.world"], capture_output=True, text=True,
                           timeout=_BUILT_S, check=False, env={**bare, **lab.environment})
    if built.returncode != 0:
        raise LabNotUp(f"its world could not be built: {built.stderr.strip()[-2000:]}")
