"""Where labs keep what they know, and who may change it."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from chaos_runner.errors import Refused

_FILE: Final = "lab.json"
T = TypeVar("T", bound=msgspec.Struct)


def folder_of(kind: str, name: str) -> Path:
    """Where a lab of this kind and name keeps its state and logs. Raises Refused for what is no name."""
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise Refused(f"a lab's name has letters, digits, - and _, not {name!r}")
    state_home = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state_home) if state_home.startswith("/") else Path.home() / ".local" / "state"
    return base / "chaos-runner" / kind / name


@contextlib.contextmanager
def alone_with(folder: Path) -> Iterator[None]:
    """Holds the lock of a lab, so that those who open or close it do so one after the other."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        with _lock_of(folder).open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_still(_lock_of(folder), lock.fileno()):
                continue  # whoever held it before us removed it with the lab
            yield
            return


def remove(folder: Path) -> None:
    """Removes the folder of a lab, and its lock: for who holds that."""
    shutil.rmtree(folder, ignore_errors=True)
    _lock_of(folder).unlink(missing_ok=True)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _is_still(file: Path, handle: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def known(folder: Path, kind: type[T]) -> T | None:
    """What is known of the lab that was opened in this folder, whether or not it still runs. Raises Refused for an
    unreadable file.
    """
    file = folder / _FILE
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as why:
        raise Refused(f"{file} is not a lab's state ({why}): remove {folder} if no lab runs there") from why


def keep(folder: Path, lab: msgspec.Struct) -> None:
    """Puts it in the place of what was known before, whole or not at all."""
    new = (folder / _FILE).with_suffix(".new")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(lab)))
    new.replace(folder / _FILE)
