"""Processes of this machine: found by what people call them, and held on to by pid and start time.

On Linux a process is read from /proc, in a quarter of psutil's time and without its import: `process.running` reads
every process of the machine with each sample, and an undo should not wait. psutil reads them on other systems, and user
ids everywhere.
"""

import errno
import os
import random
import re
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from operator import itemgetter
from pathlib import PurePath
from typing import Any, Final, NamedTuple

from msgspec import Struct

from chaos_runner.contracts import Group, Right, Share
from chaos_runner.errors import ActFailed, Gone, NoTarget, Refused
from chaos_runner.units import Unit, spoken, spoken_seconds

_LINUX: Final = sys.platform == "linux"
_PIDFD_MISSING: Final = (errno.ENOSYS, errno.EPERM)
"""An old kernel, and a sandbox that forbids what it does not know."""
WATCHDOG: Final = "chaos-runner-watchdog"
"""The word in a watchdog's command line: no fault ever hits it."""
_KERNEL_THREAD: Final = 0x00200000
_COMM_MAX: Final = 15
_PIECE: Final = 65536
_LABEL_MAX: Final = 60
_FIRST_LOOK_S: Final = 0.0005
_SLOWEST_LOOK_S: Final = 0.02
_ROUNDING: Final = 1e-9


class ProcessFilter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Which processes are meant: exactly one of `pid`, `name` and `command` (a regular expression, searched in the
    whole command line), and the `user` they run as.
    """

    pid: int | None = None
    name: str | None = None
    command: str | None = None
    user: str | None = None


class ProcessTarget(ProcessFilter, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Which processes to hurt, and how many of them. Without `at-most` and `percent`: all."""

    at_most: int | None = None
    percent: Share | None = None


class Process(Struct, frozen=True, kw_only=True):
    """One process as it was when looked at. Its pid is only its own together with `started`.

    `started` is in seconds, on Linux since boot: the wall time of a start moves when the clock is set. `state` is
    "running" (asleep or not), "stopped", or "traced" by a debugger.
    """

    pid: int
    parent: int
    started: float
    state: str
    name: str
    command: tuple[str, ...]

    @staticmethod
    def at(key: dict[str, Any]) -> "Process":
        """The process of that key as it is now. Raises Gone when it has ended or its pid is another's by now."""
        found = _read(key["pid"])
        if found is None or found.started != key["started"]:
            raise Gone(f"the process that was pid {key['pid']} is no longer there")
        return found

    @staticmethod
    def of(pid: int) -> "Process":
        """The process that has that pid now. Raises Gone when there is none."""
        found = _read(pid)
        if found is None:
            raise Gone(f"there is no process {pid}")
        return found

    @property
    def key(self) -> dict[str, Any]:
        """What identifies it for good."""
        return {"pid": self.pid, "started": self.started}

    @property
    def label(self) -> str:
        """How people call it: "nginx (pid 4711)"."""
        called = "".join(letter if letter.isprintable() else "?" for letter in _called(self.name, self.command))
        return f"{called[:_LABEL_MAX]} (pid {self.pid})"

    def check_right(self) -> None:
        """Raises Refused when we may not send it signals, Gone when it has ended."""
        self.signal(0)

    def right(self, verb: str) -> Right:
        """The right to send it signals."""
        needs = "to send signals to them"
        try:
            self.check_right()
        except (Refused, Gone) as problem:
            return Right(verb=verb, needs=needs, lacks=str(problem))
        return Right(verb=verb, needs=needs)

    def signal(self, number: int) -> None:
        """Sends to this process and to no other, also if its pid is given away meanwhile. Raises Refused, Gone."""
        try:
            _send(self, number)
        except ProcessLookupError as error:
            raise Gone(f"{self.label} has ended") from error
        except PermissionError as error:
            raise Refused(f"no right to send signals to {self.label}: run as its user, or as root") from error

    def wait_for_state(self, state: str, within_s: float = 1.0) -> "Process":
        """The process once it is in that state. Raises ActFailed when it takes longer, Gone when it ends."""
        for _ in _looks(within_s):
            now = self.at(self.key)
            if now.state == state:
                return now
        raise ActFailed(f"{self.label} is still {now.state} after {spoken_seconds(within_s)}, not {state}")

    def cpu_time_s(self) -> float:
        """For how many seconds it has kept a core busy since it began. Raises Gone."""
        try:
            return time.clock_gettime(_cpu_clock(self.pid)) if _LINUX else _cpu_time_psutil(self.pid)
        except OSError as error:
            raise Gone(f"{self.label} has ended") from error

    def wait_for_end(self, within_s: float) -> None:
        """Returns once it has ended, reaped by its parent or not. Raises ActFailed when it takes longer."""
        for _ in _looks(within_s):
            try:
                now = self.at(self.key)
            except Gone:
                return
        raise ActFailed(f"{self.label} is still {now.state} after {spoken_seconds(within_s)}")


class Listener(NamedTuple):
    """A process that listens at a TCP port."""

    process: Process
    port: int


class Chosen(NamedTuple):
    """The processes to hurt, and the group they were chosen from; None for a process that was named by its pid."""

    processes: list[Process]
    group: Group | None


def find(target: ProcessTarget, seed: int) -> Chosen:
    """The processes to hurt, by pid; the same seed chooses the same among the same. Raises Refused, NoTarget."""
    matches = matching(target)
    if not matches:
        raise NoTarget(f"no process matches {_spoken(target)}")
    count = _how_many(target, len(matches))
    chosen = sorted(random.Random(seed).sample(matches, count), key=_pid)  # noqa: S311 (chance, no secret)
    return Chosen(chosen, _group(target, len(matches)) if target.pid is None else None)


def _group(target: ProcessTarget, size: int) -> Group:
    said = [f'{word} "{value}"' for word in ("name", "command", "user") if (value := getattr(target, word)) is not None]
    return Group(name=f"processes with {', '.join(said)}", size=size)


def matching(wanted: ProcessFilter) -> list[Process]:
    """Every process that matches, by pid; never pid 1, ourselves, or what started us. Raises Refused."""
    matches = _matcher(wanted)
    spared = set(_spared())
    if wanted.pid in spared:
        raise Refused(f"pid {wanted.pid} is never touched: it is pid 1, chaos-runner itself, or what started it")
    pids = _pids() if wanted.pid is None else [wanted.pid]
    found = (process for pid in pids if pid not in spared and (process := _read_if_allowed(pid)))
    return sorted((process for process in found if matches(process) and WATCHDOG not in process.command), key=_pid)


def listeners() -> list[Listener]:
    """The processes that listen at a TCP port, as far as we may see; never ourselves or what started us."""
    import psutil

    spared = set(_spared())
    try:
        sockets = psutil.net_connections("tcp")
    except psutil.AccessDenied as error:
        raise ActFailed("who listens cannot be seen without being root on this system") from error
    ports = {(one.pid, one.laddr[1]) for one in sockets if one.status == psutil.CONN_LISTEN and one.pid and one.laddr}
    return [Listener(process, port) for pid, port in sorted(ports, key=itemgetter(1))
            if pid not in spared and (process := _read_if_allowed(pid))]


def with_environment(wanted: Mapping[str, str]) -> list[Process]:
    """Every process that was started with these variables, as far as we may see; never ourselves or what started us."""
    spared = set(_spared())
    return [process for pid in _pids() if pid not in spared and (process := _read_if_allowed(pid))
            and wanted.items() <= _environment(pid).items()]


def with_words(*words: str) -> list[Process]:
    """Every process with all of these words on its command line, each a whole word; never ourselves or what started us.
    """
    spared = set(_spared())
    return sorted((process for pid in _pids() if pid not in spared and (process := _read_if_allowed(pid))
                   and set(words) <= set(process.command)), key=_pid)


def end(processes: Sequence[Process], grace_s: float = 1.0) -> None:
    """Ends processes: SIGTERM, and SIGKILL for those that are still there after the grace. Raises Refused."""
    for process in processes:
        with suppress(Gone):
            process.signal(signal.SIGTERM)
    for process in processes:
        with suppress(Gone):
            _wait_or_kill(process, grace_s)


def _wait_or_kill(process: Process, grace_s: float) -> None:
    try:
        process.wait_for_end(grace_s)
    except ActFailed:
        process.signal(signal.SIGKILL)


def _environment(pid: int) -> dict[str, str]:
    import psutil

    try:
        return psutil.Process(pid).environ()
    except psutil.Error:
        return {}


class _Matcher:
    """A filter, checked and made ready."""

    def __init__(self, wanted: ProcessFilter) -> None:
        self._name = wanted.name
        self._pattern = _pattern(wanted.command)
        self._uid = _uid_of(wanted.user)

    def __call__(self, process: Process) -> bool:
        if self._name is not None and process.name != self._name:
            return False
        if self._pattern and not self._pattern.search(" ".join(process.command)):
            return False
        return self._uid is None or _runs_as(process, self._uid)


def _matcher(wanted: ProcessFilter) -> _Matcher:
    given = [word for word in ("pid", "name", "command") if getattr(wanted, word) is not None]
    if len(given) != 1:
        raise Refused(f"exactly one of `pid`, `name` and `command` says which process, not {_listed(given)}")
    return _Matcher(wanted)


def _listed(given: list[str]) -> str:
    return " and ".join(f"`{word}`" for word in given) or "none of them"


def _pattern(command: str | None) -> re.Pattern[str] | None:
    if command is None:
        return None
    if not command:
        raise Refused("an empty `command` would match every process")
    try:
        return re.compile(command)
    except re.error as error:
        raise Refused(f"`command` is no regular expression: {error} in {command!r}") from error


def _uid_of(user: str | None) -> int | None:
    if user is None:
        return None
    from pwd import getpwnam

    try:
        return int(user) if user.isdecimal() else getpwnam(user).pw_uid
    except KeyError as error:
        raise Refused(f"this machine has no user {user!r}") from error


def _runs_as(process: Process, uid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(process.pid).uids().real == uid)
    except psutil.Error:
        return False


def _how_many(target: ProcessTarget, there: int) -> int:
    """Shares round down; what rounds to nothing is refused."""
    count = there
    if target.percent is not None:
        count = int(target.percent * there + _ROUNDING)
        if count == 0:
            some = "1 process" if there == 1 else f"{there} processes"
            raise Refused(f"{spoken(target.percent, Unit.SHARE).replace(' ', '')} of {some} is none: shares round down")
    if target.at_most is not None and target.at_most < 1:
        raise Refused(f"`at-most` is 1 or more, not {target.at_most}")
    return count if target.at_most is None else min(count, target.at_most)


def _spoken(target: ProcessTarget) -> str:
    said = {word: getattr(target, word) for word in ("pid", "name", "command", "user")}
    return ", ".join(f"{word} {value!r}" for word, value in said.items() if value is not None)


def _pid(process: Process) -> int:
    return process.pid


def _spared() -> Iterator[int]:
    """Whose end or sleep would be ours too."""
    yield 1
    pid = os.getpid()
    while pid > 0:
        yield pid
        process = _read_if_allowed(pid)
        pid = process.parent if process else 0


def _called(name: str, command: tuple[str, ...]) -> str:
    """A Python module by its own --name, else by its module: a list of processes called "python" tells nothing."""
    if not name.lower().startswith("python"):
        return name
    options = dict(pairwise(command))
    if "-m" in options:
        return options.get("--name", options["-m"])
    return name


# ── signals ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def _send(process: Process, number: int) -> None:
    handle = _handle(process.pid)
    try:
        Process.at(process.key)  # once the handle is open, who is ours now is ours when the signal arrives
        if handle is None:
            os.kill(process.pid, number)
        else:
            signal.pidfd_send_signal(handle, number)
    finally:
        if handle is not None:
            os.close(handle)


def _handle(pid: int) -> int | None:
    """A handle that stays with the process when its pid is given away, where the system has such a thing."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno in _PIDFD_MISSING:
            return None
        if error.errno == errno.EINVAL:
            raise Refused(f"pid {pid} is a thread, not a process") from error
        raise


def _looks(within_s: float) -> Iterator[None]:
    """When to look again: often at first, and a last time when the time is over."""
    end_s = time.monotonic() + within_s
    pause_s = _FIRST_LOOK_S
    while True:
        yield
        left_s = end_s - time.monotonic()
        if left_s <= 0:
            return
        time.sleep(min(pause_s, left_s))
        pause_s = min(pause_s * 2, _SLOWEST_LOOK_S)


# ── what the system says ────────────────────────────────────────────────────────────────────────────────────────────

def _pids() -> list[int]:
    if _LINUX:
        return [int(entry) for entry in os.listdir("/proc") if entry.isdecimal()]  # noqa: PTH208 (twice as fast)
    import psutil

    return psutil.pids()


def _read(pid: int) -> Process | None:
    """The process. None if there is none, or nothing left of it: a zombie. None for threads of the kernel too.

    Raises ActFailed when the system does not let us look.
    """
    try:
        return _read_proc(pid) if _LINUX else _read_psutil(pid)
    except PermissionError as error:
        raise ActFailed(f"no right to look at pid {pid}: run as its user, or as root") from error


def _read_if_allowed(pid: int) -> Process | None:
    try:
        return _read(pid)
    except ActFailed:
        return None


def _read_proc(pid: int) -> Process | None:
    """proc(5), /proc/pid/stat: after the name in parentheses come state, parent, …, flags (9th), …, start (22nd)."""
    try:
        head, _, tail = _contents(f"/proc/{pid}/stat").rpartition(b")")
        words = _contents(f"/proc/{pid}/cmdline")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = tail.split()
    if fields[0] in b"ZXx" or int(fields[6]) & _KERNEL_THREAD:
        return None
    command = tuple(words.removesuffix(b"\0").decode(errors="replace").split("\0")) if words else ()
    return Process(
        pid=pid, parent=int(fields[1]), started=int(fields[19]) / os.sysconf("SC_CLK_TCK"),
        state={b"T": "stopped", b"t": "traced"}.get(fields[0], "running"),
        name=_whole_name(head.partition(b"(")[2].decode(errors="replace"), command), command=command,
    )


def _contents(path: str) -> bytes:
    """A file of /proc in three calls of the system: each of them lets other threads have the interpreter, and a probe
    that reads many files ten times a second would do nothing but wait for it.
    """
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        found = piece = os.read(file, _PIECE)
        while len(piece) == _PIECE:
            piece = os.read(file, _PIECE)
            found += piece
    finally:
        os.close(file)
    return found


def _whole_name(comm: str, command: tuple[str, ...]) -> str:
    """The kernel keeps 15 bytes of a name."""
    name = PurePath(command[0]).name if command else ""
    return name if len(comm) >= _COMM_MAX and name.startswith(comm) else comm


def _cpu_clock(pid: int) -> int:
    """The clock of a process, as the C library's clock_getcpuclockid(3) computes it; 2 is CPUCLOCK_SCHED."""
    return ~pid << 3 | 2


def _cpu_time_psutil(pid: int) -> float:
    import psutil

    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error as error:
        raise ProcessLookupError(pid) from error
    return times.user + times.system


def _read_psutil(pid: int) -> Process | None:
    import psutil

    states = {psutil.STATUS_STOPPED: "stopped", psutil.STATUS_TRACING_STOP: "traced"}
    try:
        process = psutil.Process(pid)
        seen = process.as_dict(["ppid", "status", "name", "cmdline"], ad_value=None)
        started = process.create_time()
    except psutil.NoSuchProcess:  # a zombie is one of these
        return None
    except psutil.AccessDenied as error:
        raise PermissionError(pid) from error
    if seen["status"] in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
        return None
    return Process(pid=pid, parent=seen["ppid"] or 0, started=started, state=states.get(seen["status"], "running"),
                   name=seen["name"] or "", command=tuple(seen["cmdline"] or ()))
