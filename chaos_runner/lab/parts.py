"""A lab's processes: starting, looking at and ending one. A process is its pid together with its start time."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

import chaos_runner
from chaos_runner.errors import Gone
from chaos_runner.targets.host import Process

END_GRACE_S: Final = 2.0
_POLL_S: Final = 0.005


class State(StrEnum):
    """How a part is."""

    RUNNING = "running"
    STOPPED = "stopped"
    GONE = "gone"


class Part(msgspec.Struct, frozen=True):
    """One process of a lab. Its pid is only its own together with when it was started."""

    name: str
    pid: int
    started: float

    @property
    def key(self) -> dict[str, float]:
        """What identifies it for good."""
        return {"pid": self.pid, "started": self.started}


def spawned(name: str, log: Path, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Part:
    """Starts a command in a session of its own, so that Ctrl-C in the terminal does not meet it.

    Its program is named by its whole path. Its output goes to `log`, which begins anew. Raises OSError.
    """
    log.unlink(missing_ok=True)
    pid = os.posix_spawn(
        command[0],
        list(command),
        os.environ if environment is None else environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
    )
    return Part(name, pid, _started(pid))


def spawned_module(name: str, log: Path, words: Sequence[str]) -> Part:
    """Starts `python -m <words>` of this very package, as `spawned` does."""
    return spawned(name, log, [sys.executable, "-m", *words], _environment())


def _started(pid: int) -> float:
    try:
        return Process.of(pid).started
    except Gone:  # it ended at once; whoever waits for it will find that out
        return 0.0


def state(part: Part) -> State:
    """How the part is now. A zombie is gone; it is reaped when it is a child of this process."""
    try:
        process = Process.at(part.key)
    except Gone:
        _reap(part.pid)
        return State.GONE
    return State.RUNNING if process.state == "running" else State.STOPPED


def end(parts: Iterable[Part]) -> list[str]:
    """Ends the parts that are not gone, by force after END_GRACE_S, and says which they were."""
    living = [part for part in parts if state(part) is not State.GONE]
    for part in living:
        _signal(part, signal.SIGTERM)
        _signal(part, signal.SIGCONT)  # a stopped one goes on straight into the SIGTERM that waits for it
    for part in _still_there(living, END_GRACE_S):
        _signal(part, signal.SIGKILL)
    _still_there(living, END_GRACE_S)
    return [part.name for part in living]


def _environment() -> dict[str, str]:
    """As ours, with this very package in front, and without the working directory, where any file may be named so."""
    path = os.pathsep.join(filter(None, (_package(), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"}


def bare_environment() -> dict[str, str]:
    """No more than programs need, ours among them. No proxy above all: whom a lab's parts talk to is here."""
    kept = {name: value for name in ("HOME", "LANG", "TMPDIR") if (value := os.environ.get(name))}
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    return {**kept, "PATH": path, "PYTHONPATH": _package(), "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"}


def _package() -> str:
    return str(Path(chaos_runner.__file__).parent.parent)


def _signal(part: Part, number: signal.Signals) -> None:
    with contextlib.suppress(Gone):
        Process.at(part.key).signal(number)


def _still_there(parts: Sequence[Part], within_s: float) -> list[Part]:
    """Those that are not gone when the time is up; returns early when all are."""
    deadline_s = time.monotonic() + within_s
    while left := [part for part in parts if state(part) is not State.GONE]:
        if time.monotonic() > deadline_s:
            return left
        time.sleep(_POLL_S)
    return []


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
