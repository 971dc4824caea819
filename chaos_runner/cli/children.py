"""One run, one process: chaoslib keeps state in its process, so whoever runs several experiments starts children."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from chaos_runner.engine.signals import STOPPING
from chaos_runner.run.events import Verdict


def run_in_a_child(file: str, options: Sequence[str] = ()) -> dict[str, Any]:
    """Runs one experiment and gives its outcome. Its talk goes to our standard error.

    A child that was refused before it had a folder left no outcome: then only file, verdict and exit are known.
    """
    child = subprocess.Popen([sys.executable, "-m", "chaos_runner", "run", file, "--json", *options],
                             stdout=subprocess.PIPE)
    with passing_signals_to(child):
        printed, _ = child.communicate()
    try:
        outcome: dict[str, Any] = msgspec.json.decode(printed)
    except msgspec.DecodeError:
        return {"file": file, "verdict": _without_outcome(child.returncode), "exit": child.returncode}
    return outcome


def _without_outcome(exit_code: int) -> Verdict:
    return Verdict.NOT_STARTED if exit_code == 3 else Verdict.ERROR


@contextlib.contextmanager
def passing_signals_to(child: "subprocess.Popen[bytes]") -> Iterator[None]:
    """While this lasts stopping signals go to the child, which undoes, and we wait for it.

    A terminal's Ctrl-C reaches the child without us.
    """

    def pass_on(number: int, _: object) -> None:
        if number != signal.SIGINT:
            child.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
