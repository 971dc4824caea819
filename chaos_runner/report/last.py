"""The run of the same experiment before this one, as far as the page compares with it.

Looked for in the folders beside the run's own, newest first. A report that is made elsewhere knows of none.
"""

from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from chaos_runner.run.events import Phase
from chaos_runner.run.run import Run

LOOKED_AT_MOST: Final = 50
_BYTES_MOST: Final = 4_000_000


class LastProbe(Struct, frozen=True):
    """One probe in one phase of it, as `outcome.json` has it."""

    name: str
    phase: Phase
    worst: Any
    unit: str
    state: str


class Last(Struct, frozen=True):
    """What is read of an `outcome.json`."""

    run: str
    title: str
    file: str
    verdict: str
    restored: str
    started: str
    probes: list[LastProbe]
    time_to_recover_s: float | None


def last_before(run: Run, folder: Path) -> Last | None:
    """The newest older run with this one's file and title, among so many at most. `folder` is the run's own."""
    asked = run.plan.experiment
    try:
        older = sorted((beside.name for beside in folder.parent.iterdir() if beside.name < folder.name), reverse=True)
    except OSError:
        return None
    for name in older[:LOOKED_AT_MOST]:
        found = _read(folder.parent / name / "outcome.json")
        if found and (found.file, found.title) == (asked.file, asked.title):
            return found
    return None


def _read(path: Path) -> Last | None:
    """None for what is no outcome: a run that is not over, or somebody's folder."""
    try:
        if path.stat().st_size > _BYTES_MOST:
            return None
        return msgspec.json.decode(path.read_bytes(), type=Last)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None

