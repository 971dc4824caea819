"""What the folder of a run tells somebody who did not run it."""

from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from chaos_runner.journal.lock import holder
from chaos_runner.recovery.unfinished import JOURNAL, is_over

OUTCOME: Final = "outcome.json"


class Phase(StrEnum):
    """How far a run is, seen from outside."""

    NOWHERE = "nowhere"
    """There is no folder, or nothing in it: no fault was injected, as each is written down before."""
    LIVES = "lives"
    """A process holds it: its runner, or whoever recovers it."""
    DEAD = "dead"
    """Nobody holds it, and it has no end: it is to be recovered."""
    OVER = "over"


class Asked(Struct, frozen=True, kw_only=True):
    """A gate's answer, in an outcome."""

    name: str = ""
    result: str = ""
    again_at: str | None = None


class Outcome(Struct, frozen=True, kw_only=True):
    """What the daemon reads of an outcome."""

    verdict: str
    exit: int
    restored: str = ""
    sentence: str = ""
    gates: list[Asked] = []

    @property
    def again(self) -> str:
        """When a gate that is closed wants to be asked anew; empty when none does, or one says no for good."""
        answers = [gate for gate in self.gates if gate.result in ("DEFER", "DENY")]
        times = [gate.again_at or "" for gate in answers]
        return max(times) if answers and all(times) else ""


def phase(folder: Path) -> Phase:
    """How far the run in that folder is."""
    if not (folder / JOURNAL).is_file():
        return Phase.NOWHERE
    if holder(folder) is not None:
        return Phase.LIVES
    return Phase.OVER if is_over(folder) or _was_tried(folder) else Phase.DEAD


def outcome(folder: Path) -> Outcome | None:
    """The outcome of a run that is over. None when there is none, or it cannot be read."""
    try:
        return msgspec.json.decode((folder / OUTCOME).read_bytes(), type=Outcome)
    except (OSError, msgspec.DecodeError):
        return None


def _was_tried(folder: Path) -> bool:
    """A run that ended with something not restored is over too: it was tried, and is told."""
    found = outcome(folder)
    return found is not None and found.restored in ("not-restored", "unknown")
