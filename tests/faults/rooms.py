"""Rooms: network namespaces in which tests do what they like to a network, and this machine's own stays as it is.

Everything is done by a process inside the room, which first makes sure, by name, that it is there.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from chaos_runner import errors
from chaos_runner.contracts import Act, Evidence, Mark, Restored
from chaos_runner.targets.network import check_right, program

_NUMBERS = count(1)
_RUNS = count(1)


def why_not() -> str:
    """Why there can be no rooms here. Empty when there can."""
    missing = [tool for tool in ("ip", "nft", "tc", "nsenter") if not shutil.which(tool, path=_path())]
    if missing:
        return f"needs {', '.join(missing)}"
    if os.geteuid() != 0:
        return "only root can make network namespaces"
    with_room = subprocess.run([program("unshare"), "--net", "true"], capture_output=True, check=False)
    return "" if with_room.returncode == 0 else "network namespaces are not allowed here"


def may_change_network() -> bool:
    """Whether faults of the network are allowed here at all."""
    try:
        check_right()
    except errors.Refused:
        return False
    return True


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def mark(within_s: float = 60.0) -> Mark:
    """A mark of its own, that expires so soon."""
    moment = datetime.now(UTC) + timedelta(seconds=within_s)
    return Mark(run=f"01TEST{os.getpid()}X{next(_RUNS)}", number=2, expires=moment.strftime("%Y%m%dT%H%M%SZ"))


class Room:
    """A network namespace, and a process in it that does what it is told."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.enter = [program("nsenter"), f"--net=/run/netns/{name}"]
        self._process = subprocess.Popen([*self.enter, sys.executable, "-m", "tests.faults.in_room", name], text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
        self.ask("ip", words=["link", "set", "lo", "up"])

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()

    def ask(self, do: str, **words: Any) -> Any:
        """What the process answers. Raises what a verb raised."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"do": do, **words}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise getattr(errors, answer["error"], RuntimeError)(answer["text"])
        return answer["said"]

    def run(self, *words: str) -> str:
        """Runs a command in the room and gives its output."""
        done = subprocess.run([*self.enter, *words], capture_output=True, text=True, check=True)
        return done.stdout

    def prepare(self, name: str, target: dict[str, Any], signed: Mark | None = None, **arguments: Any) -> Act:
        """The one act of a fault, whose arguments are written as in a file."""
        acts = self.ask("prepare", fault=name, target=target, arguments=arguments,
                        mark=msgspec.to_builtins(signed or mark()))
        [act] = msgspec.convert(acts, list[Act])
        return act

    def apply(self, name: str, act: Act) -> Evidence:
        """Applies."""
        return msgspec.convert(self.ask("apply", fault=name, act=msgspec.to_builtins(act)), Evidence)

    def undo(self, name: str, act: Act) -> None:
        """Undoes."""
        self.ask("undo", fault=name, act=msgspec.to_builtins(act))

    def verify(self, name: str, act: Act) -> Restored:
        """Looks back."""
        return msgspec.convert(self.ask("verify", fault=name, act=msgspec.to_builtins(act)), Restored)

    def killed_in(self, verb: str, name: str, act: Act, before: int) -> bool:
        """Has a process do that verb, and kills it with SIGKILL before it runs that many commands. False if it does
        not run so many.
        """
        return bool(self.ask("killed", verb=verb, fault=name, act=msgspec.to_builtins(act), before=before))


@contextmanager
def room() -> Iterator[Room]:
    """A new room. It is gone afterwards."""
    name = f"chaos-test-{os.getpid()}-{next(_NUMBERS)}"
    _ip("netns", "add", name)
    try:
        made = Room(name)
        try:
            yield made
        finally:
            made.close()
    finally:
        _ip("netns", "delete", name)


@contextmanager
def rooms_with_a_cable() -> Iterator[Sequence[Room]]:
    """Two rooms, 10.99.0.1 and fd99::1 here, 10.99.0.2 and fd99::2 there; both know their interface as eth0."""
    with room() as near, room() as far:
        words = f"link add eth0 netns {near.name} type veth peer name eth0 netns {far.name}"
        near.ask("ip", words=words.split())
        for number, each in enumerate((near, far), start=1):
            each.ask("ip", words=["address", "add", f"10.99.0.{number}/24", "dev", "eth0"])
            each.ask("ip", words=["address", "add", f"fd99::{number}/64", "dev", "eth0", "nodad"])
            each.ask("ip", words=["link", "set", "eth0", "up"])
        yield near, far


def _ip(*words: str) -> None:
    subprocess.run([program("ip"), *words], check=True)
