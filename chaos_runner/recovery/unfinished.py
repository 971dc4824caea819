"""Finding runs that are not over: their runner lives, or it died and nobody has brought back what it left."""

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from chaos_runner.journal.lock import holder

JOURNAL = "journal.ndjson"
_LAST_LINE_BYTES = 65536
_LEFT = (b'"restored":"not-restored"', b'"restored":"unknown"')


class Unfinished(Struct, frozen=True):
    """A run without an end. `held_by` is the process that runs or recovers it just now, if any."""

    folder: Path
    held_by: int | None

    @property
    def run(self) -> str:
        return self.folder.name


def unfinished(reports: Path) -> Iterator[Unfinished]:
    """Every run in these reports that is not over, oldest first. Reads the end of each journal only."""
    for folder in sorted((reports / "runs").glob("*")):
        if (folder / JOURNAL).is_file() and not is_over(folder):
            yield Unfinished(folder, holder(folder))


def is_over(folder: Path) -> bool:
    """Whether the run has its end, and everything is restored.

    One that ended with something not restored is tried again; a step that was left behind may act after the end.
    """
    try:
        with (folder / JOURNAL).open("rb") as journal:
            journal.seek(max(0, journal.seek(0, 2) - _LAST_LINE_BYTES))
            lines = journal.read().split(b"\n")
    except OSError:
        return True
    if lines[-1] or len(lines) == 1 or b'"event":{"type":"RunEnded"' not in lines[-2]:
        return False
    return not _abandoned(lines) and not any(answer in lines[-2] for answer in _LEFT)


def _abandoned(lines: list[bytes]) -> bool:
    """Whether the last thing before the end was to leave a step behind, and nobody has looked after it since."""
    for line in reversed(lines):
        if b'"event":{"type":"RunnerDied"' in line:
            return False
        if b'"event":{"type":"StepAbandoned"' in line:
            return True
    return False
