"""What becomes of an occurrence whose time has come. Pure: from what is known in one moment to rows of the table."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import Struct, structs

from chaos_runner.clock import rfc3339
from chaos_runner.daemon.book import GRACE, Due, Planned
from chaos_runner.ledger.occurrences import HOLDING, Row, State
from chaos_runner.ledger.pauses import Pause
from chaos_runner.schedule.diary import Diary
from chaos_runner.schedule.grounds import Ground
from chaos_runner.schedule.model import Overlap
from chaos_runner.schedule.occurrences import Status, late

PATIENCE: Final = timedelta(hours=1)
"""How long one that is queued waits for its targets at most."""
NO_GROUNDS: Final = "[]"
REPLACED: Final = "the next occurrence replaces it"


class Field:
    """The rows that are open, found by what may be in another's way."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._by_schedule: dict[str, list[Row]] = {}
        self._holding: dict[str, dict[str, list[Row]]] = {}
        for row in rows:
            self.add(row)

    def add(self, row: Row) -> None:
        """One more."""
        self._by_schedule.setdefault(row.schedule, []).append(row)
        if row.state in HOLDING and row.grounds != NO_GROUNDS:
            self._holding.setdefault(row.env, {}).setdefault(row.grounds, []).append(row)

    def of_schedule(self, row: Row) -> list[Row]:
        """The others of the same schedule."""
        return [one for one in self._by_schedule.get(row.schedule, ()) if one.key != row.key]

    def on_targets_of(self, row: Row, grounds: tuple[Ground, ...]) -> Row | None:
        """One that may be hitting what the row may hit, in its environment."""
        for theirs, rows in self._holding.get(row.env, {}).items() if grounds else ():
            if theirs == row.grounds or _meet(theirs, grounds):
                found = next((one for one in rows if one.key != row.key), None)
                if found:
                    return found
        return None


class Moment(Struct, frozen=True, kw_only=True):
    """What is known when it is decided: the time, what is paused, and the rows that are open."""

    now: datetime
    pauses: Sequence[Pause]
    field: Field

    @property
    def at(self) -> str:
        """The time, as the table has it."""
        return rfc3339(self.now)


def judged(due: Due, now: datetime) -> Row:
    """The row of an occurrence, as far as its schedule and the time tell: skipped, missed, or to be claimed."""
    row = _row(due.planned, due)
    if due.occurrence.status is Status.SKIPPED:
        return structs.replace(row, state=State.SKIPPED, why=str(due.occurrence.why), reason=due.occurrence.reason)
    if due.planned.invalid:
        return structs.replace(row, state=State.SKIPPED, why="invalid", reason=due.planned.invalid)
    return row if now - due.occurrence.starts <= GRACE else _missed(due, row, now)


def _row(planned: Planned, due: Due) -> Row:
    schedule, occurrence = planned.schedule, due.occurrence
    return Row(schedule=schedule.name, due=_written(occurrence.due), starts=_written(occurrence.starts),
               ends=_written(occurrence.ends), state=State.CLAIMED, experiment=schedule.experiment, env=schedule.env,
               grounds=grounds_json(planned.grounds))


@lru_cache(maxsize=1024)
def _written(instant: datetime) -> str:
    """As the table has it. Many schedules are due at the same few instants."""
    return rfc3339(instant)


def _missed(due: Due, row: Row, now: datetime) -> Row:
    missed = structs.replace(row, state=State.MISSED, why="late", reason="nobody was there to start it when it was due")
    if not due.newest:
        return missed
    schedule = due.planned.schedule
    refusal = late(schedule, due.occurrence.due, now)
    if refusal is None:
        return structs.replace(row, ends=rfc3339(now + timedelta(seconds=schedule.longest_s)))
    if schedule.missed_within_s is None:
        return missed
    return structs.replace(missed, reason=f"{missed.reason}, and now it is too late: {refusal.reason}")


def in_order(new: Sequence[tuple[Due, Row]], free: int) -> tuple[list[tuple[Due, Row]], list[Due]]:
    """Those that there are free places for, with those that want none; and the others.

    Those of a schedule keep their order: where one waits for a place those after it wait as well, as whoever comes
    after a death goes on behind the last that has a row.
    """
    ready: list[tuple[Due, Row]] = []
    later: list[Due] = []
    waits: set[str] = set()
    for due, row in new:
        if row.schedule in waits or (row.state is State.CLAIMED and not free):
            waits.add(row.schedule)
            later.append(due)
        else:
            ready.append((due, row))
            free -= row.state is State.CLAIMED
    return ready, later


def hindered(row: Row, planned: Planned, moment: Moment) -> Row | None:
    """What becomes of a row that is to be claimed, or waits, when something is in its way. None when nothing is."""
    schedule = planned.schedule
    pause = next((one for one in moment.pauses if one.holds(schedule.name, schedule.tags, moment.at)), None)
    if pause:
        return structs.replace(row, state=State.SKIPPED, why="paused", reason=pause.words)
    mine = moment.field.of_schedule(row)
    waits = next((one for one in mine if one.state is State.QUEUED), None)
    if waits and row.state not in (State.QUEUED, State.DEFERRED):
        return structs.replace(row, state=State.SKIPPED, why="overlap",
                               reason=f"the occurrence of {waits.due} waits already")
    holds = next((one for one in mine if one.state in HOLDING), None)
    if holds:
        return _overlapping(row, schedule.overlap, holds)
    theirs = moment.field.on_targets_of(row, planned.grounds)
    return _locked(row, schedule.overlap, theirs) if theirs else None


def no_longer_fits(planned: Planned, now: datetime) -> str:
    """Why a run of a schedule that starts now would not keep its hours; empty when it would."""
    refusal = Diary(planned.schedule, now, now).refusal(now)
    return refusal.reason if refusal else ""


def waited_too_long(row: Row, now: datetime) -> Row | None:
    """The row of what waited, once it would start later than anybody expects: it was missed. None while it may wait.

    Also one whose schedule nobody knows any more, or that was left waiting while no daemon was at work.
    """
    since = datetime.fromisoformat(row.again or row.starts)
    if now - since <= (PATIENCE if row.state is State.QUEUED else GRACE):
        return None
    waited = "its targets were not free for an hour" if row.state is State.QUEUED else "no daemon took it up in time"
    return structs.replace(row, state=State.MISSED, why="late", reason=waited)


def hours_are_over(planned: Planned, row: Row, now: datetime) -> str:
    """Why a run must stop now: the hours in which it began are over. Empty when they are not."""
    if not row.began:
        return ""
    began = datetime.fromisoformat(row.began)
    closes = Diary(planned.schedule, began, now).open_until(began)
    return f"its hours are over since {rfc3339(closes)}" if closes and closes <= now else ""


def to_replace(row: Row, planned: Planned, field: Field) -> list[Row]:
    """The runs that are to be stopped and undone so that a row can run."""
    if planned.schedule.overlap is not Overlap.REPLACE or row.state is not State.QUEUED:
        return []
    return [one for one in field.of_schedule(row) if one.state in HOLDING and not one.stop]


def grounds_json(grounds: tuple[Ground, ...]) -> str:
    """As the table has them."""
    return msgspec.json.encode(grounds, order="sorted").decode() if grounds else NO_GROUNDS


def _overlapping(row: Row, overlap: Overlap, holds: Row) -> Row:
    if row.state in (State.QUEUED, State.DEFERRED) or overlap is not Overlap.SKIP:
        return structs.replace(row, state=State.QUEUED)
    return structs.replace(row, state=State.SKIPPED, why="overlap", reason=f"the run of {holds.due} is not over")


def _locked(row: Row, overlap: Overlap, holder: Row) -> Row:
    if overlap is not Overlap.SKIP:
        return structs.replace(row, state=State.QUEUED)
    return structs.replace(row, state=State.SKIPPED, why="locked",
                           reason=f"{holder.schedule} may hit the same targets, and its run is not over")


def _meet(theirs: str, mine: tuple[Ground, ...]) -> bool:
    return any(one.meets(other) for other in _grounds_of(theirs) for one in mine)


@lru_cache(maxsize=16_384)
def _grounds_of(text: str) -> list[Ground]:
    return msgspec.json.decode(text, type=list[Ground])
