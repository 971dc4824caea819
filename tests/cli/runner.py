"""Running the command as a user does: as a process of its own, with a folder for its reports."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

COMMAND = (sys.executable, "-m", "chaos_runner")


class Ran(Struct, frozen=True):
    """A command that has ended."""

    exit: int
    out: str
    err: str

    @property
    def outcome(self) -> dict[str, Any]:
        """What `--json` printed."""
        found: dict[str, Any] = json.loads(self.out)
        return found


def chaos_runner(*arguments: str, text: str | None = None, **environment: str) -> Ran:
    """Runs the command to its end."""
    done = subprocess.run([*COMMAND, *arguments], input=text, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "NO_COLOR": "1", **environment}, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


def run(data: dict[str, Any], folder: Path, *arguments: str, **environment: str) -> Ran:
    """Runs an experiment and gives its outcome."""
    words = ("run", str(write(data, folder)), "--json", "--reports", str(folder / "reports"), *arguments)
    return chaos_runner(*words, text=None, **environment)


def write(data: dict[str, Any], folder: Path) -> Path:
    """Writes an experiment to a file."""
    file = folder / "experiment.json"
    file.write_text(json.dumps(data, indent=2))
    return file


@contextmanager
def running(data: dict[str, Any], folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """An experiment that is under way. Killed at the end if it still is."""
    command = [*COMMAND, "run", str(write(data, folder)), "--json", "--reports", str(folder / "reports")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()


def journal(folder: Path) -> list[dict[str, Any]]:
    """The events of the newest run, as far as they are written."""
    path = folder / "reports" / "latest" / "journal.ndjson"
    if not path.exists():
        return []
    return [json.loads(line)["event"] for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def wait_for(folder: Path, kind: str, within_s: float = 15) -> dict[str, Any]:
    """The first event of that type, once it is in the journal."""
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        for event in journal(folder):
            if event["type"] == kind:
                return event
        time.sleep(0.01)
    raise TimeoutError(f"no {kind} within {within_s} s: {[event['type'] for event in journal(folder)]}")


def all_files(folder: Path) -> str:
    """Everything that was written about the newest run."""
    latest = folder / "reports" / "latest"
    return "\n".join(file.read_text(errors="replace") for file in sorted(latest.iterdir()))
