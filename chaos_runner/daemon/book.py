"""What is due next, of many schedules. Knows no clock: it is told what time it is."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Final

from msgspec import Struct

from chaos_runner.notify.channel import Channel
from chaos_runner.schedule.grounds import Ground
from chaos_runner.schedule.model import ByInterval, Schedule
from chaos_runner.schedule.occurrences import HORIZON, Occurrence, occurrences

GRACE: Final = timedelta(seconds=60)
"""How late a run may start and still count as one that started when it was due."""
_FIRST_STEP: Final = timedelta(hours=1)
_LONGEST_STEP: Final = timedelta(days=366)
_FEW: Final = 4
_MANY: Final = 64
"""How many occurrences are looked up at once, about: a schedule of every minute must not hold up the others."""
_LAST: Final = datetime(9990, 1, 1, tzinfo=UTC)


class Planned(Struct, frozen=True, kw_only=True):
    """A schedule that is on, what its experiment may hit, and who is told. `invalid` says why its file cannot be
    followed any more: then nothing of it runs, and its due times are told as skipped.
    """

    schedule: Schedule
    grounds: tuple[Ground, ...] = ()
    production: bool = False
    notify: tuple[Channel, ...] = ()
    invalid: str = ""


class Due(Struct, frozen=True, kw_only=True):
    """An occurrence whose time has come. `newest` is the last of its schedule of which that is so."""

    planned: Planned
    occurrence: Occurrence
    newest: bool = True


class _Entry:
    """One schedule, and its occurrences from here on."""

    def __init__(self, planned: Planned, since: datetime) -> None:
        self.planned = planned
        self.since = since
        self.coming = coming(planned.schedule, since)


class Book:
    """The schedules that are on, in the order in which they are due."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._heap: list[tuple[datetime, str, int, Occurrence]] = []
        self._edition = 0
        self._to_turn: list[str] = []

    @property
    def next_start(self) -> datetime | None:
        """When something is to be looked at next. None when nothing ever is."""
        return self._heap[0][0] if self._heap else None

    def rewrite(self, planned: Iterable[Planned], since: Mapping[str, datetime]) -> None:
        """Puts these in the place of all others. One that has not changed goes on where it was; a new one begins after
        the instant that is given for it.
        """
        self._edition += 1
        before, self._entries, self._heap, self._to_turn = self._entries, {}, [], []
        for one in planned:
            name = one.schedule.name
            old = before.get(name)
            self._entries[name] = _Entry(one, old.since if old else since[name])
            self._push(name)

    def pop(self, now: datetime) -> list[Due]:
        """All whose time has come, the earliest first. Each is given once. What follows those that are in time is
        looked up by `turn_pages`, so that they need not wait for it.
        """
        self.turn_pages()
        found: list[tuple[Planned, Occurrence]] = []
        while self._heap and self._heap[0][0] <= now:
            starts, name, _, occurrence = heappop(self._heap)
            entry = self._entries[name]
            entry.since = occurrence.due
            found.append((entry.planned, occurrence))
            self._to_turn.append(name)
            if now - starts > GRACE:
                self.turn_pages()
        last = {occurrence.schedule: occurrence.due for _, occurrence in found}
        return [Due(planned=planned, occurrence=one, newest=last[one.schedule] == one.due) for planned, one in found]

    def turn_pages(self) -> None:
        """Looks up what comes next of those that were given."""
        names, self._to_turn = self._to_turn, []
        for name in names:
            self._push(name)

    def _push(self, name: str) -> None:
        following = next(self._entries[name].coming, None)
        if following:
            heappush(self._heap, (following.starts, name, self._edition, following))


def coming(schedule: Schedule, after: datetime) -> Iterator[Occurrence]:
    """The occurrences that are due after an instant, one by one, looked up a few at a time."""
    since, step = after + timedelta(microseconds=1), _first_step(schedule)
    until = min(after + HORIZON, _LAST)
    while since < until:
        found = occurrences(schedule, since, since + step)
        yield from found
        if found:
            until = min(found[-1].due + HORIZON, _LAST)
        since += step
        step = _fitting(step, len(found))


def _first_step(schedule: Schedule) -> timedelta:
    every = timedelta(seconds=schedule.when.every_s) if isinstance(schedule.when, ByInterval) else _FIRST_STEP
    return min(2 * max(every, _FIRST_STEP), _LONGEST_STEP)


def _fitting(step: timedelta, found: int) -> timedelta:
    if found > _MANY:
        return step / 2
    return min(step * 2, _LONGEST_STEP) if found < _FEW else step
