"""The moments at which a schedule is due, before anybody asks whether a run may be then."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from chaos_runner.calendar import zones
from chaos_runner.schedule.cron import cron
from chaos_runner.schedule.diary import Diary, Refusal, Why
from chaos_runner.schedule.model import DAY_S, ByChance, ByCron, ByInterval, Gap, Per, Schedule, Twice

_DAY: Final = timedelta(days=1)
_MINUTE_S: Final = 60


class Moment(Struct, frozen=True, gc=False):
    """An instant in UTC. `refusal`: why nothing is due at it after all. `note`: what the clocks' change did to it."""

    due: datetime
    refusal: Refusal | None = None
    note: str = ""


def moments(schedule: Schedule, since: datetime, until: datetime, diary: Diary) -> list[Moment]:
    """The moments from `since` to before `until`, in order, each once."""
    match schedule.when:
        case ByCron():
            found = _by_cron(schedule, schedule.when, since, until)
        case ByInterval():
            found = _by_interval(schedule, schedule.when, since, until)
        case ByChance():
            found = _by_chance(schedule, schedule.when, since, until, diary)
    by_due: dict[datetime, Moment] = {}
    for moment in found:
        due = moment.due
        if since <= due < until and (due not in by_due or not moment.note):
            by_due[due] = moment
    return [by_due[due] for due in sorted(by_due)]


def jitter_s(schedule: Schedule, due: datetime) -> int:
    """How much later the run starts: whole seconds below `jitter`, for the same occurrence always the same."""
    most = int(schedule.jitter_s)
    return _number(schedule.name, int(due.timestamp())) % most if most else 0


def _number(name: str, period: object) -> int:
    """Chance that is the same on every machine and in every process: nobody has to write down what it gave."""
    return int.from_bytes(sha256(f"{period} {name}".encode()).digest()[:8])


# ── cron ────────────────────────────────────────────────────────────────────────────────────────────────────────────

def _by_cron(schedule: Schedule, when: ByCron, since: datetime, until: datetime) -> Iterator[Moment]:
    """What the wall shows at a cron text's times. A text that begins its minutes or hours with a star goes by elapsed
    time (as in Vixie's cron): it is due at each instant that matches, and at no other.
    """
    rule, zone = cron(when.text), schedule.zone
    for day in _days(schedule, since, until):
        if not rule.on(day):
            continue
        offset = zones.steady_offset(day, zone)
        if offset is not None:  # most days: nothing to be asked about each time
            yield from [Moment(datetime.combine(day, clock, UTC) - offset) for clock in rule.times]
        else:
            for clock in rule.times:
                wall = datetime.combine(day, clock)
                if rule.wild:
                    yield from map(Moment, zones.instants(wall, zone))
                else:
                    yield from _fixed(schedule, wall, zone)


def _days(schedule: Schedule, since: datetime, until: datetime) -> Iterator[date]:
    """Every day that the wall shows in that time. One more on each side: clocks have been put a whole day forward."""
    day, last = (zones.local(moment, schedule.zone).date() for moment in (since - _DAY, until + _DAY))
    while day <= last:
        yield day
        day += _DAY


def _fixed(schedule: Schedule, wall: datetime, zone: ZoneInfo) -> Iterator[Moment]:
    """A time of day that is meant once a day, by what the schedule says of days with a change."""
    found = zones.instants(wall, zone)
    if not found:
        yield _in_gap(schedule, wall)
    elif len(found) == 1:
        yield Moment(found[0])
    else:
        yield Moment(found[0], note=f"{wall:%H:%M} is there twice on that day: the first")
        if schedule.twice is Twice.BOTH:
            yield Moment(found[1], note=f"{wall:%H:%M} is there twice on that day: the second")


def _in_gap(schedule: Schedule, wall: datetime) -> Moment:
    due = zones.next_valid(wall, schedule.zone)
    if schedule.gap is Gap.SKIP:
        return Moment(due, Refusal(Why.GAP, f"{wall:%H:%M} does not exist on that day"))
    shown = zones.local(due, schedule.zone)
    return Moment(due, note=f"{wall:%H:%M} does not exist on that day: {shown:%H:%M} instead")


# ── intervals ───────────────────────────────────────────────────────────────────────────────────────────────────────

def _by_interval(schedule: Schedule, when: ByInterval, since: datetime, until: datetime) -> Iterator[Moment]:
    if when.every_s % DAY_S:
        yield from _elapsed(schedule, when, since, until)
        return
    step = timedelta(seconds=when.every_s)
    first = zones.local(since - _DAY, schedule.zone)
    number = max(0, (first - when.starting) // step)
    wall, last = when.starting + number * step, zones.local(until + _DAY, schedule.zone)
    while wall <= last:
        yield from _fixed(schedule, wall, schedule.zone)
        wall += step


def _elapsed(schedule: Schedule, when: ByInterval, since: datetime, until: datetime) -> Iterator[Moment]:
    step = timedelta(seconds=when.every_s)
    anchor = zones.next_valid(when.starting, schedule.zone)
    due = anchor + max(0, -((anchor - since) // step)) * step
    while due < until:
        yield Moment(due)
        due += step


# ── chance ──────────────────────────────────────────────────────────────────────────────────────────────────────────

def _by_chance(schedule: Schedule, when: ByChance, since: datetime, until: datetime, diary: Diary) -> Iterator[Moment]:
    first, last = (zones.local(moment, schedule.zone).date() for moment in (since - _DAY, until + _DAY))
    day = _begin(first, when.per)
    while day <= last:
        following = _next(day, when.per)
        yield from map(Moment, _chosen(schedule, when, day, following, diary))
        day = following


def _chosen(schedule: Schedule, when: ByChance, day: date, following: date, diary: Diary) -> Iterator[datetime]:
    """Different minutes of a period, each as likely as any other in which a run could start and end in time."""
    starts: list[tuple[datetime, int]] = []
    period = day.isoformat()
    while day < following:
        for span in diary.openings(day):
            minutes = int(((span.until - span.since).total_seconds() - schedule.longest_s) // _MINUTE_S) + 1
            if minutes > 0:
                starts.append((span.since, minutes))
        day += _DAY
    total = sum(minutes for _, minutes in starts)
    for number in _different(schedule.name, period, min(when.times, total), total):
        yield _minute(starts, number)


def _minute(starts: Sequence[tuple[datetime, int]], number: int) -> datetime:
    """The minute of that number, in spans of so many minutes each. Raises LookupError where there are not so many."""
    for since, minutes in starts:
        if number < minutes:
            return since + timedelta(minutes=number)
        number -= minutes
    raise LookupError(number)


def _different(name: str, period: str, count: int, total: int) -> list[int]:
    """So many different numbers below `total`. Not the standard library's choice, which may be another in another
    version: then two machines would not mean the same occurrences.
    """
    found: dict[int, None] = {}
    attempt = 0
    while len(found) < count:
        found[_number(name, f"{period} {attempt}") % total] = None
        attempt += 1
    return list(found)


def _begin(day: date, per: Per) -> date:
    match per:
        case Per.DAY:
            return day
        case Per.WEEK:
            return day - timedelta(days=day.weekday())
        case Per.MONTH:
            return day.replace(day=1)


def _next(day: date, per: Per) -> date:
    match per:
        case Per.DAY:
            return day + _DAY
        case Per.WEEK:
            return day + 7 * _DAY
        case Per.MONTH:
            return (day + 31 * _DAY).replace(day=1)


