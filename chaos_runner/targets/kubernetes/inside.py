"""Commands in containers: what runs there, and sending it a signal. Only what the image brings can be used."""

import re
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from chaos_runner.errors import Refused
from chaos_runner.targets.kubernetes.access import ApiUnreachable, Cluster
from chaos_runner.targets.kubernetes.kinds import POD, Ref

FIRST: Final = 1
"""The pid of a container's first process: when it ends, the container does."""
OTHER: Final = 3
"""The status of a signal that was not sent, because the process of that pid is another."""
_ANSWER_S: Final = 10.0
_TRIES: Final = 3
_AGAIN_S: Final = 0.5
_SAID_MOST: Final = 300
_OUT, _ERR, _END = 1, 2, 3
_RECORD: Final = "\x1e"
_STARTED: Final = 19
"""Which field of /proc/PID/stat behind the name is the time of the start."""
_LOOK: Final = r"""for d in /proc/[0-9]*; do
p=${d#/proc/}; [ "$p" = $$ ] && continue
{ read -r s < $d/stat; } || continue
c=0; while read -r k v; do case $k in SigCgt:) c=$v;; esac; done < $d/status
m=no; kill -0 $p && m=yes
printf '\036%s %s %s\n' $m $c "$s"; cat $d/cmdline
done 2>/dev/null; exit 0"""
"""Needs sh and nothing else; without cat the names of the processes are all that is known of them."""
_SEND: Final = """{ read -r s < /proc/$2/stat; } 2>/dev/null || exit 3
case "$s" in *" $3 "*) kill -s $1 $2;; *) exit 3;; esac"""


class Ran(NamedTuple):
    """How a command ended. `status` is None when it could not be run, or its end was not heard; `problem` says why."""

    status: int | None
    out: str = ""
    err: str = ""
    problem: str = ""

    @property
    def said(self) -> str:
        """What is to be told of a command that did not do what it should."""
        return (self.problem or self.err or self.out).strip()[:_SAID_MOST] or f"status {self.status}"


class Inside(NamedTuple):
    """One process in a container. `started` is in ticks since the machine's start: with the pid it is this very one.
    `caught` has a bit for each signal that it handles; `ours` says whether the container's user may signal it.
    """

    pid: int
    started: str
    name: str
    command: str
    caught: int
    ours: bool

    def handles(self, number: int) -> bool:
        """Whether it has a handler for that signal."""
        return bool(self.caught >> (number - 1) & 1)

    @property
    def label(self) -> str:
        """How people call it: "17 (nginx: worker process)"."""
        return f"{self.pid} ({self.command or self.name})"


class _Cause(Struct, frozen=True):
    reason: str = ""
    message: str = ""


class _Details(Struct, frozen=True):
    causes: list[_Cause] | None = None


class _End(Struct, frozen=True):
    status: str = ""
    message: str = ""
    details: _Details | None = None


def run(at: Cluster, ref: Ref, container: str, command: Sequence[str], within_s: float = _ANSWER_S) -> Ran:
    """Runs a command in a container, once. Raises ApiUnreachable when nothing is known of it, Denied, and Gone."""
    query = [("container", container), ("stdout", "true"), ("stderr", "true"), *(("command", one) for one in command)]
    heard: dict[int, bytes] = {}
    try:
        for frame in at.frames(POD.path(ref.namespace, ref.name, "exec"), query, within_s):
            heard[frame[0]] = heard.get(frame[0], b"") + frame[1:]
    except ApiUnreachable as broken:
        if not heard:
            raise
        return _ran(heard)._replace(problem=str(broken)) if _END not in heard else _ran(heard)
    return _ran(heard)


def _ran(heard: dict[int, bytes]) -> Ran:
    out, err = (heard.get(channel, b"").decode(errors="replace") for channel in (_OUT, _ERR))
    try:
        end = msgspec.json.decode(heard.get(_END, b"{}"), type=_End)
    except msgspec.DecodeError:
        end = _End()
    if end.status == "Success":
        return Ran(0, out, err)
    causes = (end.details.causes if end.details else None) or []
    status = next((int(one.message) for one in causes if one.reason == "ExitCode" and one.message.isdigit()), None)
    return Ran(status, out, err, "" if status is not None else end.message or "its end was not heard")


def processes(at: Cluster, ref: Ref, container: str) -> list[Inside] | None:
    """What runs in a container; None when its image has no sh to ask with. Changes nothing."""
    ran = _looked(at, ref, container, ["sh", "-c", _LOOK])
    if ran.status != 0 or _RECORD not in ran.out:
        return None
    return sorted(_read(ran.out), key=_pid)


def has_kill(at: Cluster, ref: Ref, container: str) -> bool:
    """Whether the image has a `kill` that may signal the first process. Signal 0 changes nothing."""
    return _looked(at, ref, container, ["kill", "-0", str(FIRST)]).status == 0


def send(at: Cluster, ref: Ref, container: str, signal: str, pid: int, started: str) -> Ran:
    """Sends a signal, once. With `started` only to that very process: else the status is OTHER. Without: by `kill`."""
    if started:
        return run(at, ref, container, ["sh", "-c", _SEND, "sh", signal, str(pid), started])
    return run(at, ref, container, ["kill", f"-{signal}", str(pid)])


def _looked(at: Cluster, ref: Ref, container: str, command: Sequence[str]) -> Ran:
    """A command that only looks may be run again."""
    for left in reversed(range(_TRIES)):
        try:
            return run(at, ref, container, command)
        except ApiUnreachable as unreachable:
            if not left:
                return _not_run(unreachable)
        time.sleep(_AGAIN_S)
    raise AssertionError("there is a last try")


def _not_run(unreachable: ApiUnreachable) -> Ran:
    """What the runtime says of an executable that is not there comes as an error of the server."""
    if "executable file not found" in str(unreachable) or "no such file or directory" in str(unreachable):
        return Ran(None, problem=str(unreachable))
    raise Refused(f"it could not be looked into the container: {unreachable}") from unreachable


def _read(out: str) -> Iterator[Inside]:
    for record in out.split(_RECORD)[1:]:
        head, _, command = record.partition("\n")
        found = re.fullmatch(r"(yes|no) ([0-9a-f]+) (\d+) \((.*)\) (.+)", head)
        fields: Any = found.group(5).split() if found else []
        if found and len(fields) > _STARTED and fields[0] != "Z":
            yield Inside(pid=int(found.group(3)), started=fields[_STARTED], name=found.group(4),
                         command=command.replace("\0", " ").strip(), caught=int(found.group(2), 16),
                         ours=found.group(1) == "yes")


def _pid(process: Inside) -> int:
    return process.pid
