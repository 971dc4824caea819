"""Runs as processes on this machine."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from chaos_runner.journal.lock import holder

LOGS: Final = "daemon"
"""The folder in the reports that has what each process said."""


class Order(Struct, frozen=True, kw_only=True):
    """A run that is to be started, under this id and no other: a second of the same id is refused by its folder."""

    run: str
    file: str
    env: str = ""
    schedule_file: str = ""


class Process:
    """A process under way. It has a session of its own: a signal to us, or our death, does not reach it."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "chaos_runner", *command], stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                start_new_session=True, env=os.environ | {"NO_COLOR": "1"})

    @property
    def exit_code(self) -> int | None:
        """Its exit code, once it has ended; -N for signal N."""
        return self._process.poll()

    def stop(self) -> None:
        """Asks a run to stop and undo. What has ended is left alone."""
        self._process.send_signal(signal.SIGTERM)


class Adopted:
    """A run that somebody now dead has started. It lives on by itself, and is looked at from outside."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def exit_code(self) -> int | None:
        """None as long as a process holds the run. It is nobody's child, so nobody knows what it left with."""
        return None if holder(self._folder) is not None else 0

    def stop(self) -> None:
        """Asks it to stop and undo."""
        pid = holder(self._folder)
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)


class LocalProcesses:
    """Starts processes whose reports are in one folder."""

    def __init__(self, reports: Path) -> None:
        self.reports = reports

    def start(self, order: Order) -> Process:
        """Starts a run. Raises OSError."""
        options = [*(("--env", order.env) if order.env else ()),
                   *(("--gates", order.schedule_file) if order.schedule_file else ())]
        return self._process(order.run, "run", order.file, "--run-id", order.run, "--yes", "--plain", "--output",
                             "none", "--reports", str(self.reports), *options)

    def recover(self, run: str, by: str) -> Process:
        """Brings back what a dead run left. Raises OSError."""
        return self._process(run, "recover", run, "--by", by, "--reports", str(self.reports))

    def adopt(self, run: str) -> Adopted:
        """A run that somebody else has started."""
        return Adopted(self.reports / "runs" / run)

    def said(self, run: str) -> str:
        """The last thing that a run said, before it left no outcome."""
        with suppress(OSError):
            lines = (self.reports / LOGS / f"{run}.log").read_text("utf-8", "replace").splitlines()
            return next((line.strip() for line in reversed(lines) if line.strip()), "")
        return ""

    def _process(self, run: str, *command: str) -> Process:
        return Process(command, self.reports / LOGS / f"{run}.log")
