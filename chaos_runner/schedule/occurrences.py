"""From a schedule and a span of time to its occurrences: due, or skipped with the reason. Pure: no clock, no file."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Final

from msgspec import Struct

from chaos_runner.schedule.diary import Diary, Refusal, Why
from chaos_runner.schedule.model import Schedule
from chaos_runner.schedule.moments import Moment, jitter_s, moments

HORIZON: Final = timedelta(days=5 * 366)
"""How far `following` looks: an occurrence that is farther away is none."""
MOST: Final = 100_000
"""How many occurrences are looked at for one that is due: one a minute, skipped for two months, is never due."""
_LAST: Final = datetime(9990, 1, 1, tzinfo=UTC)


class Status(StrEnum):
    """What an occurrence is, as far as its schedule alone tells. That it was missed, only its time can tell."""

    DUE = "due"
    SKIPPED = "skipped"
    MISSED = "missed"


class Occurrence(Struct, frozen=True, kw_only=True, gc=False):
    """One due time of a schedule. With its name, `due` identifies it for good; instants are in UTC.

    A run starts at `starts` (`due`, and the jitter) and is over at `ends` at the latest. `note` tells of what the
    clocks' change did to it.
    """

    schedule: str
    due: datetime
    starts: datetime
    ends: datetime
    status: Status = Status.DUE
    why: Why | None = None
    reason: str = ""
    note: str = ""


def occurrences(schedule: Schedule, since: datetime, until: datetime) -> list[Occurrence]:
    """The occurrences that are due from `since` to before `until`, in order. Both have a zone.

    A run that could not be over in time (hours, days, blackouts), undo included, is skipped.
    """
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    diary, longest = Diary(schedule, since, until), timedelta(seconds=schedule.longest_s)
    return [_occurrence(schedule, moment, diary, longest) for moment in moments(schedule, since, until, diary)]


def following(schedule: Schedule, after: datetime) -> Iterator[Occurrence]:
    """The occurrences from `after` on, one by one, as far as five years ahead."""
    since, step = after, timedelta(days=2)
    while since < min(after + HORIZON, _LAST):
        until = since + step
        yield from occurrences(schedule, since, until)
        since, step = until, min(step * 4, timedelta(days=366))


def next_due(schedule: Schedule, after: datetime) -> Occurrence | None:
    """The first from `after` on that is not skipped. None when there is none in five years, or among very many."""
    some = islice(following(schedule, after), MOST)
    return next((found for found in some if found.status is Status.DUE), None)


def late(schedule: Schedule, due: datetime, now: datetime) -> Refusal | None:
    """Why an occurrence that was missed may not be run now. It must be within `missed`, and a run of now must fit the
    hours and keep out of blackouts, as any other. None when it may.
    """
    most_s = schedule.missed_within_s
    if most_s is None or now - due > timedelta(seconds=most_s):
        return Refusal(Why.WINDOW, "later than `missed` allows")
    return Diary(schedule, now, now).refusal(now)


def _occurrence(schedule: Schedule, moment: Moment, diary: Diary, longest: timedelta) -> Occurrence:
    due = moment.due
    starts = due + timedelta(seconds=jitter_s(schedule, due)) if schedule.jitter_s else due
    ends = starts + longest
    refusal = moment.refusal or diary.refusal(starts)
    if refusal is None:
        return Occurrence(schedule=schedule.name, due=due, starts=starts, ends=ends, note=moment.note)
    return Occurrence(schedule=schedule.name, due=due, starts=starts, ends=ends, status=Status.SKIPPED,
                      why=refusal.why, reason=refusal.reason, note=moment.note)
