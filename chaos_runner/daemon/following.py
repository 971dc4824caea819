"""What runs say of themselves while they are under way, from their journals: a breach, and that they stop."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from chaos_runner.daemon import told
from chaos_runner.experiment.model import Probe
from chaos_runner.journal.record import Record, decode_all
from chaos_runner.ledger.occurrences import Row
from chaos_runner.notify.notice import Notice
from chaos_runner.recovery.unfinished import JOURNAL
from chaos_runner.run.conditions import broke, tripped
from chaos_runner.run.events import Phase, RunStarted, Stopped
from chaos_runner.run.run import Run
from chaos_runner.run.sentences import limit_words, value_words
from chaos_runner.run.tally import Tally

_BYTES_MAX: Final = 4 * 1024 * 1024
"""What is read of a journal in one look. A long one that is taken over is caught up with look by look."""
_NO_JOURNAL: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, LookupError, OverflowError, TypeError,
                      ValueError)
"""What is raised over a journal that is none, or of another version: then nothing is told of it."""


class Follower:
    """Reads one run's journal as it grows."""

    def __init__(self, row: Row, journal: Path) -> None:
        self._row = row
        self._journal = journal
        self._offset = 0
        self._run: Run | None = None
        self._broken: set[int] = set()
        self._deaf = False
        self.untold: list[Notice] = []
        """What was read and nobody has been told yet."""

    def look(self) -> list[Notice]:
        """Reads what is new. Gives all that is untold."""
        if not self._deaf:
            try:
                self.untold += self._news(self._records())
            except _NO_JOURNAL:
                self._deaf = True
        return self.untold

    def _records(self) -> list[Record]:
        """Those of the lines that are whole by now."""
        try:
            with self._journal.open("rb") as journal:
                journal.seek(self._offset)
                read = journal.read(_BYTES_MAX)
        except OSError:
            return []
        lines = read[:read.rfind(b"\n") + 1]
        self._offset += len(lines)
        return decode_all(lines)

    def _news(self, records: list[Record]) -> Iterator[Notice]:
        if not records:
            return
        events = [record.event for record in records]
        if self._run is None:
            first = events.pop(0)
            if not isinstance(first, RunStarted):
                raise LookupError("a journal begins with a plan")
            self._run = Run.of(first)
        self._run = self._run.after_all(events)
        at = datetime.fromisoformat(records[-1].at).astimezone(UTC)
        yield from self._breaches(self._run, at)
        yield from (told.of_stop(self._row, event.text, at) for event in events if isinstance(event, Stopped))

    def _breaches(self, run: Run, at: datetime) -> Iterator[Notice]:
        """The probes of the hypothesis that have left their tolerance since, each once."""
        for number, probe in enumerate(run.plan.probes):
            tally = run.tally(number, Phase.DURING)
            if number in self._broken or not broke(run, number) or not (tripped(probe, tally) or not probe.allow):
                continue
            self._broken.add(number)
            yield told.of_breach(self._row, number, _breach(probe, tally), at)


class Following:
    """The followers of the runs that are a daemon's."""

    def __init__(self, reports: Path) -> None:
        self._reports = reports
        self._followers: dict[str, Follower] = {}

    def look(self, rows: Iterable[Row]) -> list[Notice]:
        """Looks at these runs. What it gives it gives again, until it hears that it was `told`."""
        return [notice for row in rows if row.run for notice in self._follower(row).look()]

    def told(self, rows: Iterable[Row]) -> None:
        """What was given of these was told."""
        for row in rows:
            if row.run in self._followers:
                self._followers[row.run].untold = []

    def forget(self, rows: Iterable[Row]) -> None:
        """These are over."""
        for row in rows:
            self._followers.pop(row.run, None)

    def _follower(self, row: Row) -> Follower:
        if row.run not in self._followers:
            self._followers[row.run] = Follower(row, self._reports / "runs" / row.run / JOURNAL)
        return self._followers[row.run]


def _breach(probe: Probe, tally: Tally) -> str:
    """Of values without an order nobody knows the worst."""
    if isinstance(tally.worst, int | float) and not isinstance(tally.worst, bool):
        return f'"{probe.name}" is {value_words(tally.worst, probe.unit)}, and should be {limit_words(probe)}'
    return f'"{probe.name}" should be {limit_words(probe)}, and is not'
