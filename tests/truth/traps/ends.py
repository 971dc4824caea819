"""Runs that are cut off in the middle."""

from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM

from tests.truth.pieces import action, hurting, process, wait
from tests.truth.trap import Said, Trap

_CUT = "cut off while the fault acted; the fault was to be undone"


def _interrupted(exit_code: int, code: str = "V301") -> Said:
    return Said(exit_code, code, "interrupted", "reported")


TRAPS = (
    Trap(name="SIGTERM comes while a Python action works", truth=_CUT, signal=SIGTERM, says=_interrupted(143),
         experiment=hurting(wait(1.5))),
    Trap(name="SIGTERM comes while a process works", truth=_CUT, signal=SIGTERM, says=_interrupted(143),
         experiment=hurting(action("wait", process("sleep", "1.5")))),
    Trap(name="SIGINT comes while a Python action works", truth=_CUT, signal=SIGINT, says=_interrupted(130),
         experiment=hurting(wait(1.5))),
    Trap(name="the terminal is closed while a process works", truth=_CUT, signal=SIGHUP, says=_interrupted(129),
         experiment=hurting(action("wait", process("sleep", "1.5")))),
    Trap(name="kill -9", truth=_CUT, signal=SIGKILL, after_s=1.0, says=_interrupted(137, "V302"),
         experiment=hurting(action("wait", process("sleep", "1.5")))),
)
