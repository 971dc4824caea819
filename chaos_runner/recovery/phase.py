"""How far a run is, seen from outside."""

from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec import Struct

from chaos_runner.journal.lock import holder
from chaos_runner.recovery.unfinished import JOURNAL, is_over

OUTCOME = "outcome.json"
NEVER_BEGUN = "never-begun"
"""In the folder of a run that was kept from starting."""


class Phase(StrEnum):
    """How far a run is."""

    NOWHERE = "nowhere"
    """There is no folder, or nothing in it: no fault was injected, as each is written down before."""
    LIVES = "lives"
    """A process holds it: its runner, or whoever recovers it."""
    DEAD = "dead"
    """Nobody holds it, and it has no end: it is to be recovered."""
    OVER = "over"
    """It has an end. What could not be restored was tried, and is told."""


class _Answer(Struct):
    restored: str = ""


def phase(folder: Path) -> Phase:
    """How far the run in that folder is."""
    if not (folder / JOURNAL).is_file():
        return Phase.NOWHERE
    if holder(folder) is not None:
        return Phase.LIVES
    return Phase.OVER if is_over(folder) or _was_tried(folder) else Phase.DEAD


def keep_from_starting(folder: Path) -> bool:
    """Makes sure that a run of which there is no trace never begins: whoever was about to start it, and slept, is
    refused by its folder. False when there is one: then its runner was quicker.
    """
    try:
        folder.mkdir(parents=True)
        (folder / NEVER_BEGUN).write_text("It was about to be started when whoever was to start it died, or slept.\n")
    except OSError:
        return (folder / NEVER_BEGUN).exists()
    return True


def _was_tried(folder: Path) -> bool:
    try:
        told = msgspec.json.decode((folder / OUTCOME).read_bytes(), type=_Answer)
    except (OSError, msgspec.DecodeError):
        return False
    return told.restored in ("not-restored", "unknown")
