"""What the faults that load this machine share: the helper processes, found by the mark on their command line."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO, Any, Final

from msgspec import Struct

from chaos_runner.contracts import Act, Answer, Restored, Setting
from chaos_runner.errors import ActFailed, Gone, NoTarget, Refused
from chaos_runner.targets.host import Process, with_words

_MODULE: Final = "chaos_runner.targets.load"
_ROUNDS: Final = 5
"""Whoever forks while its family is ended is ended in the next round; workers do not fork, so two would do."""
_END_S: Final = 10.0
"""A process that holds much memory needs a while to give it back."""
_LAST_LOOK_S: Final = 0.3
_LOOK_S: Final = 0.02
_LINE_MAX: Final = 4096

_started: Final[dict[str, "subprocess.Popen[bytes]"]] = {}
"""The leashes of what this process has started: a helper ends when its leash is let go."""


class HostTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """This machine. `host`, if given, is what it must be called, so that an experiment does not hit another one."""

    host: str = ""

    def key(self) -> dict[str, Any]:
        """What an act keeps. Raises NoTarget on another machine."""
        name = os.uname().nodename
        if self.host and self.host not in (name, name.partition(".")[0]):
            raise NoTarget(f"this machine is called {name}, not {self.host}: run it there, or leave `host` out")
        return {"host": name}


class Report(Struct, frozen=True):
    """What a helper said when it had done what it could: bytes that it holds, and why not more."""

    size: int
    why: str


def until_s(setting: Setting) -> float:
    """The last moment of our mark, in seconds of the epoch. Raises Refused when it is over already."""
    try:
        end = datetime.strptime(setting.mark.expires, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as problem:
        raise Refused(f"the mark {setting.mark} does not say when it expires") from problem
    if end.timestamp() <= time.time():
        raise Refused(f"the mark {setting.mark} has expired, so a load would end before it began")
    return end.timestamp()


def exactly_one(arguments: Struct, *names: str) -> str:
    """The one of these arguments that is given. Raises Refused."""
    given = [name for name in names if getattr(arguments, name) is not None]
    if len(given) == 1:
        return given[0]
    wanted = " and ".join(f"`{name.replace('_', '-')}`" for name in names)
    found = " and ".join(f"`{name.replace('_', '-')}`" for name in given) or "none of them"
    raise Refused(f"exactly one of {wanted} says how much, not {found}")


def helpers(act: Act) -> list[Process]:
    """Every process that works for the act, whoever started it."""
    return with_words(_MODULE, "--mark", act.do["mark"])


def start(act: Act, words: Sequence[str], within_s: float) -> Report:
    """Starts the helper of an act, and returns when it has done what it can. Raises ActFailed.

    It begins when told to, and that is when everybody can find it: one that is not yet to be seen in the list of
    processes when its starter dies will never do anything.
    """
    if helpers(act):
        raise ActFailed(f"{act.label}: there is a load with the mark {act.do['mark']} already")
    command = [sys.executable, "-m", _MODULE, words[0], "--mark", act.do["mark"], "--until", str(act.do["until_s"]),
               *words[1:]]
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   start_new_session=True)
    except OSError as problem:
        raise ActFailed(f"the helper process cannot be started: {problem.strerror}") from problem
    leash, said = _pipes(process)
    with suppress(BrokenPipeError):  # it has ended: what it said tells why
        os.write(leash.fileno(), b"\n")
    _started[act.do["mark"]] = process
    with said:
        return _reported(said.fileno(), within_s)


def _reported(file: int, within_s: float) -> Report:
    """What the helper says once it has done what it can. Raises ActFailed, at once when somebody undoes meanwhile."""
    line = _line(file, time.monotonic() + within_s)
    size, _, why = line.partition(" ")
    if not size.isdecimal():
        raise ActFailed(f"the helper process failed: {line or f'it was ended, or said nothing in {within_s:g} s'}")
    return Report(int(size), why)


def _pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise TypeError("a helper is started with pipes")
    return process.stdin, process.stdout


def _line(file: int, deadline_s: float) -> str:
    """The first line that is a report, else the last of all that was said until the end."""
    said = b""
    while len(said) < _LINE_MAX and not (said.endswith(b"\n") and said[:1].isdigit()):
        ready, _, _ = select.select([file], [], [], max(0.0, deadline_s - time.monotonic()))
        data = os.read(file, _LINE_MAX) if ready else b""
        if not data:
            break
        said += data
    return (said.decode(errors="replace").strip().splitlines() or [""])[-1]


def end_helpers(act: Act) -> None:
    """Ends every process of the act, and returns when they are gone. Raises ActFailed."""
    _let_go(act.do["mark"])
    for _ in range(_ROUNDS):
        found = helpers(act)
        if not found:
            return
        for process in found:
            _kill(process)
        for process in found:
            process.wait_for_end(_END_S)
    raise ActFailed(f"{_named(found)} came back each time: end them by hand")


def _let_go(mark: str) -> None:
    """Ends what this very process has started. Another undo may be doing the same."""
    process = _started.pop(mark, None)
    if process is None:
        return
    process.kill()
    _pipes(process)[0].close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_END_S)


def _kill(process: Process) -> None:
    try:
        process.signal(signal.SIGKILL)
    except Gone:
        return
    except Refused as problem:
        raise ActFailed(str(problem)) from problem


def look_back(act: Act) -> Restored:
    """Whether every process of the act is gone. One that was never told to begin may be about to end."""
    end_s = time.monotonic() + _LAST_LOOK_S
    while found := helpers(act):
        if time.monotonic() > end_s:
            return Restored(answer=Answer.NOT_RESTORED, diff=f"{_named(found)} still run")
        time.sleep(_LOOK_S)
    return Restored(answer=Answer.RESTORED)


def exact_mib(size: int) -> str:
    """Bytes so that a little more or less of much can be seen: "23676 MiB"."""
    return f"{size / 2**20:.0f} MiB"


def _named(processes: Sequence[Process]) -> str:
    return "the processes " + ", ".join(str(process.pid) for process in processes)


def kill_by_hand(act: Act) -> str:
    """The command that ends them. The brackets keep it from ending the shell that it is typed into."""
    return f"pkill -KILL -f 'chaos_runner.targets.[l]oad .*--mark {act.do['mark']} '"
