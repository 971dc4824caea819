"""Labs that tests share: all workers of a run, and all runs on this machine. The last one to leave closes it."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from chaos_runner.errors import Refused
from chaos_runner.lab.kubernetes import lab as labs
from chaos_runner.lab.kubernetes.lab import LabNotUp, Wanted
from chaos_runner.lab.kubernetes.state import Lab, folder_of


@contextmanager
def shared(name: str, wanted: Wanted) -> Iterator[Lab]:
    """The lab of this name, for as long as the block lasts. Raises Refused as `lab.up` does."""
    folder = folder_of(name)
    me = psutil.Process()
    with _users(folder) as users:
        lab = _up(folder, wanted, alone=not users)
        users[str(me.pid)] = me.create_time()
    try:
        yield lab
    finally:
        with _users(folder) as users:
            users.pop(str(me.pid), None)
            if not users:
                labs.down(folder)


def _up(folder: Path, wanted: Wanted, *, alone: bool) -> Lab:
    """What a run that was killed has left in part, and nobody uses, is closed first."""
    try:
        return labs.up(folder, wanted, lambda _: None)
    except LabNotUp:
        raise
    except Refused:
        if not alone or not labs.down(folder):
            raise
    return labs.up(folder, wanted, lambda _: None)


@contextmanager
def _users(folder: Path) -> Iterator[dict[str, float]]:
    """The living processes that use the lab, by pid, with when they were started; what is changed is written back."""
    file = folder.with_name(f"{folder.name}.users")
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with file.open("a+", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.seek(0)
        users = {pid: started for pid, started in json.loads(handle.read() or "{}").items() if _lives(pid, started)}
        yield users
        handle.truncate(0)
        handle.write(json.dumps(users))


def _lives(pid: str, started: float) -> bool:
    return psutil.pid_exists(int(pid)) and abs(psutil.Process(int(pid)).create_time() - started) < 1
