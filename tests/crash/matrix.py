"""Killing a runner at every moment of every fault's life, and looking whether the world is as it was."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from typing import Any

from msgspec import Struct

from chaos_runner.mark import KEY_VARIABLE
from tests.crash.aws import AWS_SCENES
from tests.crash.cluster import CLUSTER_SCENES
from tests.crash.moments import Moment
from tests.crash.scenes import NETWORK_SCENES, SCENES, Scene

_PROCESS_S = 300.0
_POLL_S = 0.004
_HOLDS = {"type": "probe", "name": "root is there", "tolerance": True,
          "provider": {"type": "python", "module": "os.path", "func": "exists", "arguments": {"path": "/"}}}


class By(StrEnum):
    """Who brings the world back."""

    WATCHDOG = "the watchdog"
    RECOVER = "recover"
    """The watchdog is killed too, and a person, or the next run, recovers from the journal."""
    SCAN = "scan"
    """The machine is gone, with its journal: another one scans the platform for marks."""


class Case(Struct, frozen=True):
    """One kill."""

    fault: str
    moment: Moment
    repetition: int = 0
    by: By = By.WATCHDOG

    def __str__(self) -> str:
        return f"{self.fault} killed when {self.moment}, brought back by {self.by} ({self.repetition + 1})"


class Result(Struct, frozen=True):
    """What came of it. `took_s` is from the kill to the world as it was."""

    case: Case
    restored: bool
    took_s: float
    told: str = ""


def cases(faults: Iterable[str], repetitions: int, by: By) -> list[Case]:
    """The whole matrix."""
    return [Case(fault, moment, number, by)
            for fault in sorted(faults) for moment in Moment for number in range(repetitions)]


def play(case: Case, folder: Path, *flags: str) -> Result:
    """Kills one runner, recovers where no watchdog does, and looks."""
    folder.mkdir(parents=True, exist_ok=True)
    with (SCENES | NETWORK_SCENES | CLUSTER_SCENES | AWS_SCENES)[case.fault](folder) as scene:
        before = scene.picture()
        reports = folder / "reports"
        died_s = killed(case, folder, scene, *flags)
        if case.by is not By.WATCHDOG:
            _recover(case, reports, scene)
        took_s = _restored_after(scene, before, died_s)
        told = "" if took_s is not None else f"before {before!r}, now {scene.picture()!r}"
        _wait_for_the_end(reports, scene.patience_s)
    return Result(case, took_s is not None, took_s or 0.0, told)


def _experiment(fault: str, step: dict[str, Any]) -> dict[str, Any]:
    return {"title": fault, "description": "to be killed",
            "steady-state-hypothesis": {"title": "x", "probes": [_HOLDS]},
            "method": [{"name": "hurt", "fault": fault, "duration": "400ms", **step}]}


def killed(case: Case, folder: Path, scene: Scene, *flags: str) -> float:
    """Runs the victim, and gives the moment at which it was seen to be dead."""
    file = folder / "experiment.json"
    file.write_text(json.dumps(_experiment(case.fault, scene.step)))
    words = [case.moment.name, str(file), str(folder / "reports"), *flags]
    words += ["--with-watchdog"] if case.by is not By.WATCHDOG else []
    victim = subprocess.run([*scene.inside, sys.executable, "-m", "tests.crash.victim", *words],
                            capture_output=True, timeout=_PROCESS_S, check=False, env=_environment(folder))
    died_s = time.monotonic()
    if victim.returncode != -signal.SIGKILL:
        raise AssertionError(f"{case}: it was not killed, it ended with {victim.returncode}: {victim.stderr.decode()}")
    return died_s


def _recover(case: Case, reports: Path, scene: Scene) -> None:
    what = ["--all"]
    if case.by is By.SCAN:
        rmtree(reports)
        what = ["--scan", case.fault.partition(".")[0]]
    subprocess.run([*scene.inside, sys.executable, "-m", "chaos_runner", "recover", *what, "--reports", str(reports)],
                   capture_output=True, timeout=_PROCESS_S, check=True, env=_environment(reports.parent))


def _environment(folder: Path) -> dict[str, str]:
    """Marks are signed with a key of each case: a scan that undoes one shows those of others, and leaves them alone."""
    key = sha256(str(folder).encode()).hexdigest()
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), KEY_VARIABLE: key}


def _restored_after(scene: Scene, before: Any, since_s: float) -> float | None:
    """How long it took; None when it is not so in the end. Whoever recovered slowly is looked at once all the same."""
    while scene.picture() != before:
        if time.monotonic() - since_s >= scene.patience_s:
            return None
        time.sleep(_POLL_S)
    return time.monotonic() - since_s


def _wait_for_the_end(reports: Path, patience_s: float) -> None:
    """The scene is not taken away while somebody still recovers in it."""
    from chaos_runner.recovery.unfinished import unfinished

    deadline_s = time.monotonic() + patience_s
    while time.monotonic() < deadline_s and list(unfinished(reports)):
        time.sleep(0.02)
