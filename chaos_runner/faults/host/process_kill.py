"""host.process_kill: ends processes with a signal. Nothing undoes it; a supervisor brings them back."""

import signal
import time
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from chaos_runner.contracts import (
    Act,
    Answer,
    Band,
    Candidate,
    Evidence,
    Example,
    Fault,
    Restored,
    Right,
    Seconds,
    Setting,
)
from chaos_runner.errors import Gone, Refused
from chaos_runner.faults.host._processes import NEEDS, listening
from chaos_runner.targets.host import Process, ProcessTarget, find
from chaos_runner.units import spoken_seconds

SIGNALS: Final = ("KILL", "TERM", "INT", "HUP", "QUIT", "ABRT")


class KillArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which signal to send, and how long the process may take to end."""

    signal: str = "KILL"
    within: Seconds = 5.0


class ProcessKill(Fault[ProcessTarget, KillArguments]):
    """Ends every target. One that does not end in time is an error: a signal that is ignored proves nothing."""

    target = ProcessTarget
    arguments = KillArguments
    outlives_machine = False
    band = Band(word="killed")
    healed_by = "whatever supervises the process (systemd, a container runtime)"
    needs = NEEDS
    example = Example(target={"name": "nginx", "at-most": 1}, arguments={"signal": "TERM"})

    def prepare(self, target: ProcessTarget, arguments: KillArguments, setting: Setting) -> list[Act]:
        name = _checked(arguments.signal)
        processes, group = find(target, setting.seed)
        for process in processes:
            process.check_right()
        return [Act(target=process.key, do={"signal": name, "within_s": arguments.within},
                    was={"state": process.state}, label=process.label,
                    group=group) for process in processes]

    def candidates(self, given: Mapping[str, Any]) -> list[Candidate]:
        return listening(given)

    def rights(self, act: Act) -> list[Right]:
        return [Process.at(act.target).right("do")]

    def apply(self, act: Act) -> Evidence:
        process = Process.at(act.target)
        began_s = time.monotonic()
        process.signal(signal.Signals[f"SIG{act.do['signal']}"])
        process.wait_for_end(act.do["within_s"])
        took = spoken_seconds(time.monotonic() - began_s)
        return Evidence(before=process.state, after=f"ended {took} after SIG{act.do['signal']}")

    def undo(self, act: Act) -> None:
        """Nothing brings a process back but who started it."""

    def verify(self, act: Act) -> Restored:
        """Gone is the end of it; a process that outlived its signal is as it was."""
        try:
            Process.at(act.target)
        except Gone as gone:
            return Restored(answer=Answer.GONE, diff=str(gone))
        return Restored(answer=Answer.RESTORED)


def _checked(name: str) -> str:
    short = name.upper().removeprefix("SIG")
    if short not in SIGNALS:
        raise Refused(f"`signal` is one of {', '.join(SIGNALS)}, not {name!r}")
    return short
