"""Appending to a journal so that it survives the death of the runner, and of the machine."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from chaos_runner.clock import rfc3339
from chaos_runner.errors import NotDurable
from chaos_runner.journal.reader import JournalUnreadable, Whole, started_at, whole_of
from chaos_runner.journal.record import Chain, encode
from chaos_runner.run.events import Event


class Journal:
    """The one writer of a run's journal.

    Events of one breath go to disk in one write. When one of them is durable they are forced to the disk before
    `append` returns: whoever acts afterwards acts on something that a crash cannot take back.
    """

    def __init__(self, path: Path, file: int, started: datetime, whole: Whole) -> None:
        """From an open file that holds these lines. Use `create` or `resume`."""
        self.path = path
        self._file = file
        self._started = started
        self._count = len(whole.lines)
        self._chain = whole.chain

    @classmethod
    def create(cls, path: Path, started: datetime) -> "Journal":
        """A new journal. Raises NotDurable when the file cannot be made."""
        return cls(path, opened(path, os.O_CREAT | os.O_EXCL), started, Whole([], Chain()))

    @classmethod
    def resume(cls, path: Path) -> "Journal":
        """A journal whose writer died; a last line that was cut is taken away. Only for whoever holds the run.

        Raises NotDurable when it cannot be written, JournalUnreadable when it cannot be read.
        """
        whole = whole_of(path)
        if not whole.lines:
            raise JournalUnreadable(f"{path}: no whole line; the run ended before anything was done")
        file = opened(path, 0)
        cut_to(path, file, sum(len(line) + 1 for line in whole.lines))
        return cls(path, file, started_at(whole.lines[0]), whole)

    def append(self, events: Sequence[Event]) -> bytes:
        """Writes the events, and forces them to disk when one of them is durable. Returns what was written.

        Raises NotDurable when they could not be written or forced; then nothing may be done that relies on them.
        """
        if not events:
            return b""
        lines = b"".join(map(self._line, events))
        try:
            write_all(self._file, lines)
            if any(event.durable for event in events):
                force(self._file)
        except OSError as problem:
            raise NotDurable(f"the journal {self.path} cannot be written: {problem.strerror}") from problem
        return lines

    def close(self) -> None:
        """Ends the writing. Raises nothing: what had to be durable is."""
        with suppress(OSError):  # a step closed what it did not open
            os.close(self._file)

    def _line(self, event: Event) -> bytes:
        at = rfc3339(self._started + timedelta(seconds=event.t))
        line = encode(self._count, at, event, self._chain)
        self._count += 1
        return line + b"\n"


def opened(path: Path, flags: int) -> int:
    """A journal, open to be appended to; that it is there survives a crash. Raises NotDurable."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | flags, 0o644)
        _sync_folder(path.parent)
    except OSError as problem:
        raise NotDurable(f"the journal {path} cannot be written: {problem.strerror}") from problem
    return file


def cut_to(path: Path, file: int, size_bytes: int) -> None:
    """Takes away what stands behind so many bytes. Raises NotDurable."""
    try:
        os.ftruncate(file, size_bytes)
    except OSError as problem:
        raise NotDurable(f"the journal {path} cannot be written: {problem.strerror}") from problem


def force(file: int) -> None:
    """Forces a file's data to the disk itself. On macOS fsync stops at the drive's cache, F_FULLFSYNC does not."""
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(file, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(file)


def write_all(file: int, data: bytes) -> None:
    """Writes all of it. Raises OSError."""
    while data:
        data = data[os.write(file, data):]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
