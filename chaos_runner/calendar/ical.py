"""iCal files (RFC 5545), as far as a calendar of freezes or holidays needs them: when events are.

Read here and not by a library: the known ones bring three megabytes and every property there is, and do not say when an
event that repeats takes place. Events with start, end or duration, zone, repetition (`RRULE`, counted out by
python-dateutil), exceptions and moved instances are understood. What is not is a complaint with its line: a freeze that
was not understood would be none.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from msgspec import Struct, structs

from chaos_runner.calendar import zones

EVENTS_MAX: Final = 10_000
_LINE: Final = re.compile(r"([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:\"[^\"]*\"|[^\";:]*))*):(.*)", re.DOTALL)
_PARAMETER: Final = re.compile(r";([A-Za-z0-9-]+)=(?:\"([^\"]*)\"|([^\";:]*))")
_DURATION: Final = re.compile(r"\+?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_UNTIL: Final = re.compile(r"UNTIL=(\d{8})(T\d{6}Z?)?", re.IGNORECASE)
_TOO_OFTEN: Final = re.compile(r"FREQ=(SECONDLY|MINUTELY|HOURLY)|INTERVAL=0+(?:;|$)", re.IGNORECASE)
_UNITS_S: Final = (604_800, 86_400, 3_600, 60, 1)
_ESCAPED: Final = re.compile(r"\\([\\;,nN])")


class Event(Struct, frozen=True, kw_only=True):
    """One event, once or repeated. `start` is what a wall in `zone` shows; without a zone it is the schedule's own.

    `length_s` is elapsed time; that of an event of whole days is days by the wall.
    """

    start: datetime
    length_s: float
    all_day: bool = False
    zone: str = ""
    summary: str = ""
    rule: str = ""
    left_out: tuple[datetime, ...] = ()
    more: tuple[datetime, ...] = ()
    file: str = ""


class Complaint(Struct, frozen=True):
    """What is not understood, and in which line."""

    line: int
    said: str


class Span(Struct, frozen=True, gc=False):
    """From one instant to before another, and what it is."""

    since: datetime
    until: datetime
    why: str = ""


class _Line(Struct, frozen=True):
    number: int
    name: str
    parameters: Mapping[str, str]
    value: str


class _Bad(ValueError):
    """A line that is not understood."""

    def __init__(self, line: int, said: str) -> None:
        super().__init__(said)
        self.line = line


def read(text: str, file: str) -> tuple[list[Event], list[Complaint]]:
    """The events of a file, and everything in it that is not understood."""
    found: list[Complaint] = []
    lines = list(_lines(text))
    if not lines or lines[0].name != "BEGIN" or lines[0].value.upper() != "VCALENDAR":
        return [], [Complaint(1, "this is no iCal file: it does not begin with BEGIN:VCALENDAR")]
    zone_names = _own_zones(lines)
    events: list[tuple[str, Event, datetime | None]] = []
    for block in _blocks(lines, "VEVENT"):
        try:
            events += _event(block, zone_names, file)
        except _Bad as problem:
            found.append(Complaint(problem.line, str(problem)))
    if len(events) > EVENTS_MAX:
        return [], [Complaint(1, f"the file has {len(events)} events, and no more than {EVENTS_MAX} are read")]
    return _without_moved(events), found


def spans(event: Event, own: str, since: datetime, until: datetime) -> Iterator[Span]:
    """When the event is between two instants, in a schedule of that zone."""
    zone = zones.zone_named(event.zone or own)
    margin = timedelta(days=2)
    low = zones.local(since, zone) - timedelta(seconds=event.length_s) - margin
    high = zones.local(until, zone) + margin
    for start in starts(event, low, high):
        span = _span(event, start, own)
        if span.until > since and span.since < until:
            yield span


def days(event: Event, since: date, until: date) -> Iterator[date]:
    """The days that the event touches, by the wall, from one to before another."""
    midnight = datetime.min.time()
    low = datetime.combine(since, midnight) - timedelta(seconds=event.length_s)
    for start in starts(event, low, datetime.combine(until, midnight)):
        last = max(start, start + timedelta(seconds=event.length_s) - timedelta(seconds=1)).date()
        day = start.date()
        while day <= last:
            if since <= day < until:
                yield day
            day += timedelta(days=1)


@lru_cache(maxsize=4096)
def starts(event: Event, low: datetime, high: datetime) -> tuple[datetime, ...]:
    """What the wall shows at its starts from `low` to `high`."""
    once = [event.start] if not event.rule else _repeated(event, low, high)
    left_out = set(event.left_out)
    return tuple(sorted({start for start in (*once, *event.more) if low <= start <= high and start not in left_out}))


def _repeated(event: Event, low: datetime, high: datetime) -> Sequence[datetime]:
    from dateutil.rrule import rrulestr

    found: list[datetime] = rrulestr(event.rule, dtstart=event.start).between(low, high, inc=True)
    return found


def _span(event: Event, start: datetime, own: str) -> Span:
    zone = zones.zone_named(event.zone or own)
    since = zones.next_valid(start, zone)
    if event.all_day:
        return Span(since, zones.next_valid(start + timedelta(seconds=event.length_s), zone), event.summary)
    return Span(since, since + timedelta(seconds=event.length_s), event.summary)


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def _lines(text: str) -> Iterator[_Line]:
    """The content lines, unfolded (RFC 5545, 3.1). What is none is left out: it can be no event."""
    parts: list[tuple[int, str]] = []
    for number, raw in enumerate(text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if raw[:1] in (" ", "\t") and parts:
            parts[-1] = (parts[-1][0], parts[-1][1] + raw[1:])
        else:
            parts.append((number, raw))
    for number, line in parts:
        if found := _LINE.fullmatch(line):
            parameters = {name.upper(): quoted or plain for name, quoted, plain in _PARAMETER.findall(found[2])}
            yield _Line(number, found[1].upper(), parameters, found[3])


def _blocks(lines: Iterable[_Line], kind: str) -> Iterator[list[_Line]]:
    """The lines of each component of that kind, without those of components within it."""
    block: list[_Line] = []
    inside: list[str] = []
    for line in lines:
        if line.name == "BEGIN":
            inside.append(line.value.upper())
            if inside[-1] == kind:
                block = [line]
        elif line.name == "END":
            if inside and inside.pop() == kind:
                yield block
        elif inside and inside[-1] == kind:
            block.append(line)


def _own_zones(lines: Sequence[_Line]) -> dict[str, str]:
    """The file's own names of zones, where it says which of IANA's they are."""
    found = {}
    for block in _blocks(lines, "VTIMEZONE"):
        named = {line.name: line.value for line in block}
        if "TZID" in named:
            found[named["TZID"]] = named.get("X-LIC-LOCATION", named["TZID"])
    return found


def _event(block: Sequence[_Line], own: Mapping[str, str], file: str) -> Iterator[tuple[str, Event, datetime | None]]:
    """The event with its id, and which instance of another it stands for. None when it is cancelled."""
    only = {line.name: line for line in block}
    begin = only.get("DTSTART")
    if begin is None:
        raise _Bad(block[0].number, "the event has no DTSTART")
    start, zone, all_day = _moment(begin, own)
    event = Event(
        start=start, zone=zone, all_day=all_day, length_s=_length_s(only, start, zone, own), file=file,
        summary=_unescaped(only["SUMMARY"].value) if "SUMMARY" in only else "", rule=_rule(only, zone),
        left_out=_listed(block, "EXDATE", zone, own), more=_listed(block, "RDATE", zone, own))
    uid = only["UID"].value if "UID" in only else ""
    moved = only.get("RECURRENCE-ID")
    instance = _in_zone(moved, zone, own) if moved else None
    cancelled = "STATUS" in only and only["STATUS"].value.upper() == "CANCELLED"
    if not cancelled or instance is not None:
        yield uid, structs.replace(event, length_s=-1.0) if cancelled else event, instance


def _without_moved(events: Sequence[tuple[str, Event, datetime | None]]) -> list[Event]:
    """Every event; of one that repeats without the instances that were moved or cancelled."""
    moved: dict[str, list[datetime]] = {}
    for uid, _, instance in events:
        if instance is not None:
            moved.setdefault(uid, []).append(instance)
    return [structs.replace(event, left_out=(*event.left_out, *moved.get(uid, ()))) if instance is None else event
            for uid, event, instance in events if event.length_s >= 0]


def _moment(line: _Line, own: Mapping[str, str]) -> tuple[datetime, str, bool]:
    """What the wall shows, the zone of that ("" for the schedule's), and whether it is a whole day."""
    value = line.value.strip().upper()
    if value[:4].isdecimal() and not zones.YEARS[0] <= int(value[:4]) <= zones.YEARS[1]:
        raise _Bad(line.number, f"{line.name} is not in a year from {zones.YEARS[0]} to {zones.YEARS[1]}")
    try:
        if len(value) == len("20261224"):
            return datetime.strptime(value, "%Y%m%d"), "", True  # noqa: DTZ007 -- the zone is told beside it
        moment = datetime.strptime(value.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007 -- the same
    except ValueError as problem:
        raise _Bad(line.number, f"{line.name} is no date or time: {value[:40]!r}") from problem
    if value.endswith("Z"):
        return moment, "UTC", False
    return moment, _zone(line, own), False


def _zone(line: _Line, own: Mapping[str, str]) -> str:
    written = line.parameters.get("TZID", "")
    if not written:
        return ""
    named = own.get(written, written)
    for key in (named, "/".join(named.split("/")[-2:]), "/".join(named.split("/")[-3:])):
        try:
            zones.zone_named(key)
        except zones.NoZone:
            continue
        return key
    raise _Bad(line.number, f"{line.name} has a zone that is not of the IANA database: {written[:60]!r}")


def _length_s(only: Mapping[str, _Line], start: datetime, zone: str, own: Mapping[str, str]) -> float:
    if "DURATION" in only:
        return _duration_s(only["DURATION"])
    if "DTEND" not in only:
        if len(only["DTSTART"].value.strip()) == len("20261224"):
            return 86_400.0
        raise _Bad(only["DTSTART"].number, "the event has neither DTEND nor DURATION")
    end, end_zone, _ = _moment(only["DTEND"], own)
    length_s = (end - start).total_seconds()
    if zone and end_zone:
        since, until = (zones.next_valid(*pair) for pair in ((start, zones.zone_named(zone)),
                                                             (end, zones.zone_named(end_zone))))
        length_s = (until - since).total_seconds()
    if length_s <= 0:
        raise _Bad(only["DTEND"].number, "the event ends before it starts, or as it starts")
    return length_s


def _duration_s(line: _Line) -> float:
    found = _DURATION.fullmatch(line.value.strip().upper())
    parts = [int(part[:9]) if part else 0 for part in found.groups()] if found else [0]
    length_s = sum(part * unit_s for part, unit_s in zip(parts, _UNITS_S, strict=False))
    if not 0 < length_s < 366 * 86_400:
        raise _Bad(line.number, f"DURATION is none, or longer than a year: {line.value[:40]!r}")
    return float(length_s)


def _rule(only: Mapping[str, _Line], zone: str) -> str:
    """The rule with its end as the wall in the event's zone shows it."""
    if "RRULE" not in only:
        return ""
    line = only["RRULE"]
    if _TOO_OFTEN.search(line.value):
        raise _Bad(line.number, "an event that repeats more often than daily is not read")
    rule = _UNTIL.sub(lambda end: f"UNTIL={_until(end[1], end[2] or '', zone, line)}", line.value.strip())
    try:
        from dateutil.rrule import rrulestr
    except ImportError as problem:
        raise _Bad(line.number, "an event that repeats needs the package python-dateutil: "
                   "pip install 'chaos-runner[calendars]'") from problem
    try:
        rrulestr(rule, dtstart=_moment(only["DTSTART"], {})[0] if "TZID" not in only["DTSTART"].parameters
                 else datetime(2000, 1, 1))  # noqa: DTZ001 -- a wall's time
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as problem:
        raise _Bad(line.number, f"RRULE is not understood: {line.value[:60]!r}") from problem
    return rule


def _until(day: str, rest: str, zone: str, line: _Line) -> str:
    if not rest:
        return f"{day}T235959"
    if not rest.endswith("Z") or not zone:
        return f"{day}{rest.removesuffix('Z')}"
    try:
        instant = datetime.strptime(day + rest, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as problem:
        raise _Bad(line.number, f"RRULE ends at no time: {day}{rest}") from problem
    return f"{zones.local(instant, zones.zone_named(zone)):%Y%m%dT%H%M%S}"


def _listed(block: Sequence[_Line], name: str, zone: str, own: Mapping[str, str]) -> tuple[datetime, ...]:
    return tuple(_in_zone(structs.replace(line, value=value), zone, own)
                 for line in block if line.name == name for value in line.value.split(","))


def _in_zone(line: _Line, zone: str, own: Mapping[str, str]) -> datetime:
    """What the wall in the event's zone shows then."""
    moment, written, _ = _moment(line, own)
    if not written or not zone or written == zone:
        return moment
    return zones.local(zones.next_valid(moment, zones.zone_named(written)), zones.zone_named(zone))


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: " " if found[1] in "nN" else found[1], text).strip()
