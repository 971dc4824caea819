"""Files that others read: each is whole, or as it was."""

import errno
import os
from pathlib import Path

from chaos_runner.errors import UsageError


def write(path: Path, text: str | bytes) -> None:
    """Writes a file so that others see the old one or the whole new one. Raises OSError."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        unfinished.write_bytes(text if isinstance(text, bytes) else text.encode())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def check_writable(path: Path | None, option: str = "--journal-path") -> None:
    """Raises UsageError when the file could not be written: that is known before the run, not after it."""
    if path is None:
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        beside.touch(exist_ok=False)
        beside.unlink()
    except OSError as problem:
        raise UsageError(f"{option} {path} cannot be written ({problem.strerror})") from problem
