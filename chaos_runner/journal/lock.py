"""Who holds a run: its runner while it lives, or whoever recovers it. Given back by the kernel at any kind of death."""

import fcntl
import os
import struct
import sys
import time
from pathlib import Path
from typing import Final

NAME: Final = "lock"
_LAYOUT: Final = "qqihh" if sys.platform == "darwin" else "hhqqi4x"
_POLL_S: Final = 0.02


class RunLock:
    """A run that is held by this very process. POSIX record locks: a forked child does not hold them."""

    def __init__(self, file: int) -> None:
        self._file = file

    def release(self) -> None:
        """Gives the run back."""
        os.close(self._file)


def hold(folder: Path, within_s: float = 0.0) -> RunLock | None:
    """Holds the run in that folder, or gives None when somebody else holds it for longer than that. Raises OSError."""
    file = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    deadline_s = time.monotonic() + within_s
    while True:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            if time.monotonic() >= deadline_s:
                os.close(file)
                return None
            time.sleep(_POLL_S)
        else:
            return RunLock(file)


def holder(folder: Path) -> int | None:
    """The pid of the process that holds the run, None when nobody does. Not to be asked by the holder itself."""
    try:
        file = os.open(folder / NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return _asked(file)
    finally:
        os.close(file)


def _asked(file: int) -> int | None:
    """What F_GETLK says: the lock that would be in the way."""
    fields = fcntl.fcntl(file, fcntl.F_GETLK, _packed(fcntl.F_WRLCK))
    kind, pid = _unpacked(fields)
    return None if kind == fcntl.F_UNLCK else pid


def _packed(kind: int) -> bytes:
    if sys.platform == "darwin":
        return struct.pack(_LAYOUT, 0, 0, 0, kind, os.SEEK_SET)
    return struct.pack(_LAYOUT, kind, os.SEEK_SET, 0, 0, 0)


def _unpacked(fields: bytes) -> tuple[int, int]:
    if sys.platform == "darwin":
        _, _, pid, kind, _ = struct.unpack(_LAYOUT, fields)
    else:
        kind, _, _, _, pid = struct.unpack(_LAYOUT, fields)
    return kind, pid
