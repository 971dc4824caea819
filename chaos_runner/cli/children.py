"""One run, one process: chaoslib keeps state in its process, so whoever runs several experiments starts children."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from chaos_runner.engine.signals import STOPPING
from chaos_runner.run.events import Verdict

_BUG_EXIT: Final = 70

def run_in_a_child(file: str, options: Sequence[str] = ()) -> dict[str, Any]:
    """Runs one experiment and gives its outcome. Its talk goes to our standard error.

    A child that was refused before it had a folder left no outcome: then only file, verdict and exit are known. One
    that left without an outcome and with exit code 0 did not pass.
    """
    child = subprocess.Popen([sys.executable, "-m", "chaos_runner", "run", file, "--json", *options],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, process_group=0)
    with passing_signals_to(child):
        printed, _ = child.communicate()
    try:
        outcome: dict[str, Any] = msgspec.json.decode(printed)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _without_outcome(file, child.returncode)
    return outcome


def _without_outcome(file: str, exit_code: int) -> dict[str, Any]:
    if exit_code == 3:
        return {"file": file, "verdict": Verdict.NOT_STARTED, "exit": exit_code}
    if exit_code < 0:
        return {"file": file, "verdict": Verdict.INTERRUPTED, "exit": 128 - exit_code}
    return {"file": file, "verdict": Verdict.ERROR, "exit": exit_code or _BUG_EXIT}


@contextlib.contextmanager
def passing_signals_to(child: "subprocess.Popen[bytes]") -> Iterator[None]:
    """While this lasts stopping signals go to the child, which undoes, and we wait for it.

    The child has a process group of its own, so that a terminal's Ctrl-C reaches it once, through us.
    """
    before = {number: signal.signal(number, lambda number, _: child.send_signal(number)) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
