"""When a run may be: the hours, days and blackouts of one schedule, looked up day by day."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from chaos_runner.calendar import zones
from chaos_runner.schedule import ical
from chaos_runner.schedule.calendars import holidays_in, weekend_of
from chaos_runner.schedule.ical import Span
from chaos_runner.schedule.model import Schedule, Window
from chaos_runner.units import spoken_seconds

_DAY: Final = timedelta(days=1)
_WHOLE_DAY: Final = Window(time(0), time(0))
_NAMES: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Why(StrEnum):
    """Why an occurrence is skipped."""

    GAP = "dst-gap"
    DAY = "day"
    HOLIDAY = "holiday"
    WINDOW = "window"
    FIT = "does-not-fit"
    BLACKOUT = "blackout"


class Refusal(Struct, frozen=True, gc=False):
    """Why a run may not be then, as a word and in a sentence."""

    why: Why
    reason: str


class Diary:
    """The hours of a schedule between two instants. Keeps what it has looked up."""

    def __init__(self, schedule: Schedule, since: datetime, until: datetime) -> None:
        self._schedule = schedule
        self._zone = schedule.zone
        self._longest = timedelta(seconds=schedule.longest_s)
        self._off: dict[date, Refusal | None] = {}
        self._openings: dict[date, Sequence[Span]] = {}
        self._windows = schedule.windows or (_WHOLE_DAY,)
        self._hours = " and ".join(map(str, self._windows))
        self._overnight = any(window.opens != window.closes and window.overnight for window in self._windows)
        self._weekend = weekend_of(schedule.calendar) if schedule.business else frozenset()
        late = timedelta(seconds=schedule.longest_s + schedule.jitter_s) + _DAY
        self._blackouts = _joined(_blackouts(schedule, since - _DAY, until + late))
        self._blackout_starts = [span.since for span in self._blackouts]

    def refusal(self, start: datetime) -> Refusal | None:
        """Why no run may start at that instant. None when one may."""
        return (self._outside(start) if self._schedule.has_hours else None) or self._blacked_out(start)

    def open_until(self, start: datetime) -> datetime | None:
        """When the hours end that an instant is in, by the next blackout at the latest. None when they do not."""
        shut = next((span.since for span in self._blackouts if span.since > start), None)
        closes = self._closes(start) if self._schedule.has_hours else None
        return min((instant for instant in (shut, closes) if instant), default=None)

    def off(self, day: date) -> Refusal | None:
        """Why no run may be on that day."""
        if day not in self._off:
            self._off[day] = self._look_at(day)
        return self._off[day]

    def openings(self, day: date) -> Sequence[Span]:
        """The hours that begin on that day."""
        if day not in self._openings:
            self._openings[day] = () if self.off(day) else _opened(day, self._windows, self._zone)
        return self._openings[day]

    def _look_at(self, day: date) -> Refusal | None:
        schedule, number = self._schedule, day.weekday()
        if schedule.weekdays is not None and number not in schedule.weekdays:
            return Refusal(Why.DAY, f"not on a {_NAMES[number]}")
        if number in self._weekend:
            return Refusal(Why.DAY, f"{_NAMES[number]} is no business day")
        holiday = holidays_in(schedule.calendar, day.year).get(day, "") if schedule.calendar else ""
        return Refusal(Why.HOLIDAY, f"holiday: {holiday}") if holiday else None

    def _outside(self, start: datetime) -> Refusal | None:
        day = start.astimezone(self._zone).date()
        inside = self._inside(start, day)
        if inside is None:
            return self.off(day) or Refusal(Why.WINDOW, f"outside the window {self._hours}")
        end, closes = start + self._longest, inside.until
        while closes < end:
            following = self._inside(closes, zones.local(closes, self._zone).date())
            if following is None:
                return self._too_long(end, closes)
            closes = following.until
        return None

    def _closes(self, start: datetime) -> datetime | None:
        """When the hours end, those that follow without a break included. None when they last more than a month."""
        closes, farthest = start, start + timedelta(days=31)
        while closes < farthest:
            inside = self._inside(closes, zones.local(closes, self._zone).date())
            if inside is None:
                return closes
            closes = inside.until
        return None

    def _inside(self, instant: datetime, day: date) -> Span | None:
        """The hours that an instant is in; they may have begun the day before."""
        spans = self.openings(day)
        for span in (*spans, *self.openings(day - _DAY)) if self._overnight else spans:
            if span.since <= instant < span.until:
                return span
        return None

    def _too_long(self, end: datetime, closes: datetime) -> Refusal:
        last, shut = zones.local(end, self._zone), zones.local(closes, self._zone)
        shown = f"{last:%H:%M}" if last.date() == shut.date() else f"{last:%Y-%m-%d %H:%M}"
        return Refusal(Why.FIT, f"may take {spoken_seconds(self._longest.total_seconds())}, until {shown}, and may run "
                                f"until {shut:%H:%M} only")

    def _blacked_out(self, start: datetime) -> Refusal | None:
        """A blackout that a run would be in, or may last into."""
        end = max(start + self._longest, start + timedelta(microseconds=1))
        index = bisect_left(self._blackout_starts, end)
        if not index or self._blackouts[index - 1].until <= start:
            return None
        span = self._blackouts[index - 1]
        since, until = (f"{zones.local(moment, self._zone):%Y-%m-%d %H:%M}" for moment in (span.since, span.until))
        into = "" if span.since <= start else "may last into it; "
        return Refusal(Why.BLACKOUT, f"blackout: {span.why or 'by the schedule'} ({into}{since} to {until})")


@lru_cache(maxsize=16_384)
def _opened(day: date, windows: tuple[Window, ...], zone: ZoneInfo) -> tuple[Span, ...]:
    """The hours of a day. Where the clocks are changed just then: from the first instant of the one to the first of the
    other. Schedules share their hours, so what one has looked up another need not.
    """
    return tuple(Span(zones.next_valid(datetime.combine(day, window.opens), zone),
                      zones.next_valid(datetime.combine(day + _DAY if window.overnight else day, window.closes), zone))
                 for window in windows)


def _blackouts(schedule: Schedule, since: datetime, until: datetime) -> Iterator[Span]:
    zone = schedule.zone
    for freeze in schedule.freezes:
        yield Span(zones.next_valid(freeze.since, zone), zones.next_valid(freeze.until, zone), freeze.why)
    for event in schedule.freeze_events:
        for span in ical.spans(event, schedule.timezone, since, until):
            yield Span(span.since, span.until, span.why or event.file)


def _joined(spans: Iterator[Span]) -> list[Span]:
    """In order, and none beside another: those that touch are one, called as the first."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: span.since):
        if found and span.since <= found[-1].until:
            last = found.pop()
            found.append(Span(last.since, max(last.until, span.until), last.why or span.why))
        else:
            found.append(span)
    return found
