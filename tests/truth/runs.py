"""Running one trap, by either tool, as a process in a folder of its own."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.truth.trap import FAULT, Said, Scene, Trap

OURS = (sys.executable, "-m", "chaos_runner", "run")
THEIRS = (sys.executable, "-m", "chaostoolkit", "--no-log-file", "--no-version-check", "run")
_LONGEST_S = 60.0
_ROOT = Path(__file__).parents[2]
_CODE = re.compile(r"error\[([A-Z]\d{3})\]")
_IN_THE_MIDDLE_S = 0.3
"""From the moment a fault acts to the signal."""


class Ours(Struct, frozen=True):
    """What chaos-runner said, and whether the fault was still there afterwards."""

    said: Said
    left: bool
    told: str = ""

    def true_to(self, trap: Trap) -> bool:
        """Whether it said what is so: a fault that is left must be said."""
        return not trap.missed and self.as_expected(trap)

    def as_expected(self, trap: Trap) -> bool:
        """Whether it said what the trap lists, be that so or not."""
        return self.said == trap.says and (not self.left or self.said.exit == 6)


class Theirs(Struct, frozen=True):
    """How Chaos Toolkit ended, and whether the fault was still there afterwards. No status: it wrote no journal."""

    exit: int
    status: str
    deviated: bool
    left: bool

    @property
    def green(self) -> bool:
        """Whether a CI job would be green."""
        return self.exit == 0

    def true_to(self, trap: Trap) -> bool:
        """Whether it said what is so. Nothing in it says that a fault is left."""
        return self.green is trap.well and not self.left

    def __str__(self) -> str:
        ended = "killed" if self.exit < 0 else f"exit {self.exit}"
        words = [self.status or "no journal", "deviated" if self.deviated else "", ended]
        return ", ".join(filter(None, words)) + ("; fault left behind" if self.left else "")


def ours(trap: Trap, folder: Path) -> Ours:
    """Runs the trap by chaos-runner."""
    with trap.world(folder) as scene:
        reports = folder / "reports"
        words = [*OURS, _file(trap.experiment, folder), "--json", "--reports", str(reports)]
        done = _played(words, trap, folder, scene)
        outcome = _recovered(reports) if done.returncode < 0 else _parsed(done.stdout)
        time.sleep(trap.after_s)
        return Ours(_said(outcome, done), scene.hurt(), done.stderr)


def theirs(trap: Trap, folder: Path) -> Theirs:
    """Runs the trap by Chaos Toolkit."""
    with trap.world(folder) as scene:
        done = _played([*THEIRS, *trap.flags, _file(trap.theirs or trap.experiment, folder)], trap, folder, scene)
        time.sleep(trap.after_s)
        path = folder / "journal.json"
        journal = _parsed(path.read_text()) if path.exists() else {}
        return Theirs(done.returncode, journal.get("status", ""), journal.get("deviated", False), scene.hurt())


def _played(words: Sequence[str], trap: Trap, folder: Path, scene: Scene) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **scene.environment, "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"),
                   "PYTHONPATH": str(_ROOT), "NO_COLOR": "1"}
    with subprocess.Popen(words, cwd=folder, env=environment, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            if trap.signal:
                _wait_for(folder / FAULT)
                time.sleep(_IN_THE_MIDDLE_S)
                process.send_signal(trap.signal)
            out, err = process.communicate(timeout=_LONGEST_S)
        finally:
            process.kill()
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def _wait_for(path: Path) -> None:
    deadline_s = time.monotonic() + _LONGEST_S
    while not path.exists():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"no {path.name} within {_LONGEST_S:g} s")
        time.sleep(0.01)


def _recovered(reports: Path) -> dict[str, Any]:
    """The outcome of a run that was killed, once the watchdog has written it."""
    path = reports / "latest" / "outcome.json"
    _wait_for(path)
    return _parsed(path.read_text())


def _said(outcome: dict[str, Any], done: "subprocess.CompletedProcess[str]") -> Said:
    if not outcome:
        code = _CODE.search(done.stderr)
        return Said(done.returncode, code[1] if code else "")
    exit_code = outcome["exit"] if done.returncode < 0 else done.returncode
    return Said(exit_code, outcome["reasons"][0]["code"], outcome["verdict"], outcome["restored"])


def _file(experiment: dict[str, Any] | str, folder: Path) -> str:
    file = folder / "experiment.json"
    file.write_text(experiment if isinstance(experiment, str) else json.dumps(experiment, indent=1))
    return file.name


def _parsed(text: str) -> dict[str, Any]:
    """A whole JSON object, {} when it is cut or none."""
    try:
        found: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return found
