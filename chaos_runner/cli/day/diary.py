"""The day that is being played, as far as it is written down."""

from collections.abc import Sequence
from datetime import datetime

from chaos_runner.clock import Clock
from chaos_runner.gameday.day import Day
from chaos_runner.gameday.events import DayEvent
from chaos_runner.journal.days import DayJournal


class Diary:
    """A day and its journal: nothing counts before it is on the disk."""

    def __init__(self, day: Day, journal: DayJournal, clock: Clock) -> None:
        self.day = day
        self._journal = journal
        self._clock = clock

    def record(self, events: Sequence[DayEvent]) -> None:
        """Writes down what has happened; it is on the disk when this returns. Raises NotDurable."""
        if events:
            self._journal.append(events)
            self.day = self.day.after(events)

    @property
    def t(self) -> float:
        """Seconds since the day began. A clock that was put back does not make it go back."""
        began = datetime.fromisoformat(self.day.began.started)
        return max(self.day.t, round((self._clock.now() - began).total_seconds(), 3))
