"""host.process_pause: stops processes with SIGSTOP; undo lets them go on."""

import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from chaos_runner.contracts import (
    Act,
    Answer,
    Band,
    Candidate,
    Evidence,
    Example,
    Fault,
    NoArguments,
    Restored,
    Right,
    Setting,
)
from chaos_runner.errors import ActFailed, Gone, NoEffect, Refused
from chaos_runner.faults.host._processes import NEEDS, listening
from chaos_runner.targets.host import Process, ProcessTarget, find


class ProcessPause(Fault[ProcessTarget, NoArguments]):
    """Pauses every target until undone. Its sockets stay open, so peers see silence, not a refusal.

    A process that somebody else stopped is refused: going on would be the wrong end for it.
    """

    target = ProcessTarget
    outlives_machine = False
    band = Band(word="paused")
    undone_by = "SIGCONT"
    needs = NEEDS
    example = Example(target={"name": "nginx", "at-most": 1})

    def prepare(self, target: ProcessTarget, arguments: NoArguments, setting: Setting) -> list[Act]:  # noqa: ARG002
        processes, group = find(target, setting.seed)
        for process in processes:
            process.check_right()
            _check_running(process)
        return [Act(target=process.key, do={"signal": "STOP"}, was={"state": process.state}, label=process.label,
                    group=group)
                for process in processes]

    def candidates(self, given: Mapping[str, Any]) -> list[Candidate]:
        return listening(given)

    def rights(self, act: Act) -> list[Right]:
        process = Process.at(act.target)
        return [process.right(verb) for verb in ("do", "undo")]

    def apply(self, act: Act) -> Evidence:
        process = Process.at(act.target)
        _check_running(process)
        process.signal(signal.SIGSTOP)
        return Evidence(before=process.state, after=process.wait_for_state("stopped").state)

    def undo(self, act: Act) -> None:
        with suppress(Gone):
            process = Process.at(act.target)
            if process.state == "stopped":
                _go_on(process)

    def verify(self, act: Act) -> Restored:
        try:
            process = Process.at(act.target)
        except Gone as gone:
            return Restored(answer=Answer.GONE, diff=str(gone))
        if process.state == "stopped":
            return Restored(answer=Answer.NOT_RESTORED, diff=f"{act.label} is still stopped")
        return Restored(answer=Answer.RESTORED)

    def by_hand(self, act: Act) -> str:
        return f"kill -CONT {act.target['pid']}"


def _check_running(process: Process) -> None:
    """Raises NoEffect for a process that is stopped already, Refused for one that a debugger holds."""
    if process.state == "stopped":
        raise NoEffect(f"{process.label} is already paused")
    if process.state != "running":
        raise Refused(f"{process.label} is held by a debugger, which would see the pause first")


def _go_on(process: Process) -> None:
    try:
        process.signal(signal.SIGCONT)
    except Refused as error:
        raise ActFailed(str(error)) from error
    process.wait_for_state("running")
