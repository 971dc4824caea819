"""Asking a run from outside to stop and undo, and saying who wants it."""

import os
import signal
from pathlib import Path

import msgspec

from chaos_runner.engine.signals import REQUEST
from chaos_runner.journal.lock import holder


def ask_to_stop(folder: Path, by: str) -> bool:
    """Asks the runner of the run in that folder. False when nobody holds the run. Raises OSError."""
    pid = holder(folder)
    if pid is None:
        return False
    unfinished = folder / f".{REQUEST}.{os.getpid()}"
    unfinished.write_bytes(msgspec.json.encode({"by": by}))
    unfinished.replace(folder / REQUEST)
    os.kill(pid, signal.SIGUSR1)
    return True
