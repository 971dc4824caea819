"""What the tests of the loads share: marks that expire soon, and processes that apply a fault and are then killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from chaos_runner.contracts import Act, Fault, Mark, Setting
from chaos_runner.targets.host import Process, with_words
from chaos_runner.targets.load import Leash

_APPLY = """if True:
    import msgspec, sys, time
    from chaos_runner import shelf
    from chaos_runner.contracts import Act
    act = msgspec.json.decode(sys.argv[2], type=Act)
    print("up", flush=True)
    shelf.fault(sys.argv[1]).apply(act)
    print("applied", flush=True)
    time.sleep(60)
"""
_UNDO = """if True:
    import msgspec, sys
    from chaos_runner import shelf
    from chaos_runner.contracts import Act
    fault = shelf.fault(sys.argv[1])
    act = msgspec.json.decode(sys.argv[2], type=Act)
    fault.undo(act)
    print(fault.verify(act).answer)
"""


class Free(Leash):
    """A leash that nobody pulls."""

    def __init__(self) -> None:
        super().__init__(0)

    def holds(self, wait_s: float) -> bool:  # noqa: ARG002
        return True


def setting_for(seconds: float = 60, number: int = 2) -> Setting:
    """A setting whose mark expires in so many seconds. No two are alike: tests run side by side."""
    expires = (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y%m%dT%H%M%SZ")
    mark = Mark(run=f"01TEST{os.getpid()}T{time.monotonic_ns()}", number=number, expires=expires)
    return Setting(mark=mark, seed=7, configuration={})


def prepared(fault: Fault[Any, Any], target: dict[str, Any], setting: Setting | None = None, **arguments: Any) -> Act:
    """The one act of a fault."""
    [act] = fault.prepare(fault.target(**target), fault.arguments(**arguments), setting or setting_for())
    return act


def helpers(act: Act) -> list[Process]:
    """The processes that work for an act."""
    return with_words("--mark", act.do["mark"])


def killed(name: str, act: Act, word: str = "applied", after_s: float = 0) -> None:
    """Applies an act in another process, which is killed so long after it said the word."""
    command = [sys.executable, "-c", _APPLY, name, msgspec.json.encode(act).decode()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        while process.stdout.readline().strip() != word:
            assert process.poll() is None
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)


def undone_elsewhere(name: str, act: Act) -> str:
    """Undoes an act, of which only its JSON is known, in another process; what verify then answers."""
    command = [sys.executable, "-c", _UNDO, name, msgspec.json.encode(act).decode()]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def orphan(act: Act, *words: str) -> "subprocess.Popen[bytes]":
    """A helper that keeps its leash when its starter is gone: a child of the starter holds the other end."""
    process = subprocess.Popen([sys.executable, "-m", "chaos_runner.targets.load", words[0], "--mark", act.do["mark"],
                                "--until", str(act.do["until_s"]), *words[1:]],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"\n")
    process.stdin.flush()
    process.stdout.readline()
    return process


def closed(process: "subprocess.Popen[bytes]") -> None:
    """Ends a process and lets go of its pipes."""
    process.kill()
    with process:
        pass


def eventually(what: Callable[[], object], within_s: float = 5.0) -> bool:
    """Whether it comes true in time."""
    deadline_s = time.monotonic() + within_s
    while not what():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.01)
    return True
