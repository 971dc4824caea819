"""Appending to a journal so that it survives the death of the runner, and of the machine."""

import os
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from chaos_runner.clock import rfc3339
from chaos_runner.errors import NotDurable
from chaos_runner.journal.record import encode
from chaos_runner.run.events import Event


class Journal:
    """The one writer of a run's journal.

    Events of one breath go to disk in one write. When one of them is durable they are forced to the disk before
    `append` returns: whoever acts afterwards acts on something that a crash cannot take back.
    """

    def __init__(self, path: Path, started: datetime) -> None:
        """Raises NotDurable when the file cannot be made."""
        self.path = path
        self._started = started
        self._count = 0
        self._digest = ""
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
            _sync_folder(path.parent)
        except OSError as problem:
            raise NotDurable(f"the journal {path} cannot be written: {problem.strerror}") from problem

    def append(self, events: Sequence[Event]) -> bytes:
        """Writes the events, and forces them to disk when one of them is durable. Returns what was written.

        Raises NotDurable when they could not be written or forced; then nothing may be done that relies on them.
        """
        lines = b"".join(map(self._line, events))
        try:
            _write_all(self._file, lines)
            if any(event.durable for event in events):
                force(self._file)
        except OSError as problem:
            raise NotDurable(f"the journal {self.path} cannot be written: {problem.strerror}") from problem
        return lines

    def close(self) -> None:
        """Ends the writing. Raises nothing: what had to be durable is."""
        os.close(self._file)

    def _line(self, event: Event) -> bytes:
        at = rfc3339(self._started + timedelta(seconds=event.t))
        line, self._digest = encode(self._count, at, event, self._digest)
        self._count += 1
        return line + b"\n"


def force(file: int) -> None:
    """Forces a file's data to the disk itself. On macOS fsync stops at the drive's cache, F_FULLFSYNC does not."""
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(file, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(file)


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data):]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
