"""The journal of a run, as it is written."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from chaos_runner.clock import rfc3339
from chaos_runner.journal.lines import Lines
from chaos_runner.journal.reader import JournalUnreadable, started_at, whole_of
from chaos_runner.journal.record import encode
from chaos_runner.run.events import Event


class Journal:
    """The one writer of a run's journal.

    Events of one breath go to disk in one write. When one of them is durable they are forced to the disk before
    `append` returns: whoever acts afterwards acts on something that a crash cannot take back.
    """

    def __init__(self, path: Path, lines: Lines, started: datetime) -> None:
        """From its open file. Use `create` or `resume`."""
        self.path = path
        self._lines = lines
        self._started = started

    @classmethod
    def create(cls, path: Path, started: datetime) -> "Journal":
        """A new journal. Raises NotDurable when the file cannot be made."""
        return cls(path, Lines.create(path), started)

    @classmethod
    def resume(cls, path: Path) -> "Journal":
        """A journal whose writer died; a last line that was cut is taken away. Only for whoever holds the run.

        Raises NotDurable when it cannot be written, JournalUnreadable when it cannot be read.
        """
        whole = whole_of(path)
        if not whole.lines:
            raise JournalUnreadable(f"{path}: no whole line; the run ended before anything was done")
        return cls(path, Lines.resume(path, whole), started_at(whole.lines[0]))

    def append(self, events: Sequence[Event]) -> bytes:
        """Writes the events, and forces them to disk when one of them is durable. Returns what was written.

        Raises NotDurable when they could not be written or forced; then nothing may be done that relies on them.
        """
        if not events:
            return b""
        written = self._lines.append([self._line(n, event) for n, event in enumerate(events, self._lines.count)])
        if any(event.durable for event in events):
            self._lines.force()
        return written

    def close(self) -> None:
        """Ends the writing. Raises nothing: what had to be durable is."""
        self._lines.close()

    def _line(self, n: int, event: Event) -> bytes:
        return encode(n, rfc3339(self._started + timedelta(seconds=event.t)), event, self._lines.chain)
