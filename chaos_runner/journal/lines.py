"""A file of lines, chained by hashes, that survives the death of who writes it, and of the machine."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from chaos_runner.errors import NotDurable
from chaos_runner.journal.reader import Whole
from chaos_runner.journal.record import Chain


class Lines:
    """The one writer of such a file. `count` is how many lines it has, and `chain` goes along their hashes."""

    def __init__(self, path: Path, file: int, whole: Whole) -> None:
        """From an open file that holds these lines. Use `create` or `resume`."""
        self._path = path
        self._file = file
        self.count = len(whole.lines)
        self.chain = whole.chain

    @classmethod
    def create(cls, path: Path) -> "Lines":
        """A new file. Raises NotDurable when it cannot be made."""
        return cls(path, _opened(path, os.O_CREAT | os.O_EXCL), Whole([], Chain()))

    @classmethod
    def resume(cls, path: Path, whole: Whole) -> "Lines":
        """A file of which this is whole: what stands behind that is taken away. Raises NotDurable."""
        file = _opened(path, 0)
        try:
            os.ftruncate(file, sum(len(line) + 1 for line in whole.lines))
        except OSError as problem:
            raise _not_durable(path, problem) from problem
        return cls(path, file, whole)

    def append(self, lines: Sequence[bytes]) -> bytes:
        """Writes these lines in one go, and returns what was written. Raises NotDurable."""
        data = rest = b"\n".join([*lines, b""])
        try:
            while rest:
                rest = rest[os.write(self._file, rest):]
        except OSError as problem:
            raise _not_durable(self._path, problem) from problem
        self.count += len(lines)
        return data

    def force(self) -> None:
        """Forces what was written to the disk itself. Raises NotDurable."""
        try:
            _force(self._file)
        except OSError as problem:
            raise _not_durable(self._path, problem) from problem

    def close(self) -> None:
        """Ends the writing. Raises nothing: what had to be durable is."""
        with suppress(OSError):  # a step closed what it did not open
            os.close(self._file)


def _opened(path: Path, flags: int) -> int:
    """A file to be appended to; that it is there survives a crash. Raises NotDurable."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | flags, 0o644)
        _sync_folder(path.parent)
    except OSError as problem:
        raise _not_durable(path, problem) from problem
    return file


def _force(file: int) -> None:
    """On macOS fsync stops at the drive's cache, F_FULLFSYNC does not."""
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(file, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(file)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _not_durable(path: Path, problem: OSError) -> NotDurable:
    return NotDurable(f"the journal {path} cannot be written: {problem.strerror}")
