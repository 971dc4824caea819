"""The watchdog: a process that does nothing until the runner is gone, and then brings back what it left.

It is a shell that waits for the end of a pipe whose other end only the runner holds. The kernel closes that end
however the runner dies, SIGKILL and out-of-memory included; the shell then becomes `chaos-runner recover`. A shell
costs a tenth of a megabyte and a millisecond; a waiting Python would cost ten times as much of both.

It has its own session, so that a closed terminal, or a signal to the runner's process group, does not meet it.
"""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from chaos_runner.targets.host import WATCHDOG

LOG: Final = "watchdog.log"
_OVER: Final = b"over\n"
_SCRIPT: Final = 'trap "" HUP INT QUIT TERM; read -r word; [ "$word" = over ] || exec "$@" </dev/null'


class Watchdog:
    """An armed watchdog. If it is not dismissed before this process ends, however it ends, it recovers the run."""

    def __init__(self, leash: int, process: "subprocess.Popen[bytes]") -> None:
        self._leash = leash
        self._process = process
        self.pid = process.pid

    @property
    def alive(self) -> bool:
        """Whether it would still bring back what this process leaves."""
        return self._process.poll() is None

    def dismiss(self) -> None:
        """The run is over and recorded: nothing is left to watch. The watchdog ends."""
        with contextlib.suppress(OSError):  # it was killed: then there is nobody to dismiss
            os.write(self._leash, _OVER)
        os.close(self._leash)
        self._process.wait()


def arm(folder: Path) -> Watchdog:
    """Starts the watchdog of the run in that folder. It is armed when this returns. Raises OSError."""
    heard, leash = os.pipe2(os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
    os.register_at_fork(after_in_child=lambda: _let_go(leash))
    try:
        with (folder / LOG).open("ab") as log:
            process = subprocess.Popen(["/bin/sh", "-c", _SCRIPT, WATCHDOG, *_recover(folder)],
                                       stdin=heard, stdout=log, stderr=log, start_new_session=True)
    finally:
        os.close(heard)
    return Watchdog(leash, process)


def _recover(folder: Path) -> list[str]:
    return [sys.executable, "-m", "chaos_runner", "recover", folder.name, "--by", "the watchdog",
            "--reports", str(folder.parent.parent.absolute())]


def _let_go(leash: int) -> None:
    """A child that the runner forks must not hold the leash: it would keep the watchdog waiting."""
    with contextlib.suppress(OSError):
        os.close(leash)
