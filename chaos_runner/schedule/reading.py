"""From a schedule's file to a Schedule, with every complaint in one go."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from chaos_runner.calendar import zones
from chaos_runner.experiment.activities import Known, gates
from chaos_runner.experiment.document import BYTES_MAX, Document, Node
from chaos_runner.experiment.fields import Fields, Found
from chaos_runner.experiment.findings import Severity
from chaos_runner.experiment.notifying import channels
from chaos_runner.experiment.reusable import Library
from chaos_runner.experiment.suggest import did_you_mean
from chaos_runner.schedule import calendars, ical
from chaos_runner.schedule.cron import BadCron, cron
from chaos_runner.schedule.model import (
    DAY_S,
    WEEK,
    ByChance,
    ByCron,
    ByInterval,
    Calendar,
    Freeze,
    Gap,
    Overlap,
    Per,
    Schedule,
    Twice,
    When,
    Window,
)

SCHEDULE_KEYS: Final = (
    "experiment", "env", "cron", "every", "starting", "random", "timezone", "dst", "window", "days", "calendar",
    "blackouts", "jitter", "missed", "overlap", "pause-after", "gates", "notify", "tags", "owner",
    "description", "enabled")
DST_KEYS: Final = ("gap", "overlap")
RANDOM_KEYS: Final = ("times", "per")
BLACKOUT_KEYS: Final = ("from", "to", "why")
MISSED_KEYS: Final = ("run-once-within",)
WHENS: Final = ("cron", "every", "random")
BUSINESS: Final = "business"
RECORD: Final = "record"
EVERY_S_MIN: Final = 60.0
TIMES_MAX: Final = 1440
_MONDAY: Final = datetime(1970, 1, 5)  # noqa: DTZ001 -- what a wall shows
_HOURS: Final = re.compile(r"\s*(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})\s*")
_WEEKDAYS: Final = re.compile(r"\s*([a-z]{3,9})\s*-\s*([a-z]{3,9})\s*")

T = TypeVar("T")


class _Bad(ValueError):
    """A value that is none; the message says what would be."""


def schedule(document: Document) -> tuple[Schedule | None, Found]:
    """The schedule in a document, without what its experiment says; None when any finding is an error.

    A key that is not known is an error: most of them say when nothing may run.
    """
    found: Found = list(document.findings)
    if document.root is None or not isinstance(document.root.value, dict):
        return None, found
    read = _schedule(document, Fields(document.root, "the schedule", found).known(SCHEDULE_KEYS), found)
    broken = any(finding.severity is Severity.ERROR or finding.code == "W101" for finding in found)
    return None if broken else read, found


def beside(name: str, file: str) -> Path | None:
    """The file of that name: from the schedule's folder upwards, the first there is."""
    folder = Path(file).absolute().parent
    return next((place / name for place in (folder, *folder.parents) if (place / name).is_file()), None)


def _schedule(document: Document, fields: Fields, found: Found) -> Schedule:
    fields.require("experiment", "timezone")
    when, days = _when(fields), fields.node_of("days")
    business = days is not None and days.value == BUSINESS
    calendar = _calendar(fields, found, document.file)
    freezes, events = _blackouts(fields, found, document.file)
    if business and not calendar:
        fields.complain("W321", "business days of nowhere: without a calendar no holiday is known", days,
                        "add `calendar: DE-BE`, or say `days: mon-fri`")
    dst = _inner(fields, "dst", DST_KEYS)
    return Schedule(
        name=Path(document.file).stem, file=document.file, experiment=fields.text("experiment"), when=when,
        timezone=_zone(fields), env=fields.text("env"), gap=_word(dst, "gap", Gap, Gap.NEXT),
        twice=_word(dst, "overlap", Twice, Twice.FIRST), windows=tuple(_windows(fields)),
        weekdays=None if business else _weekdays(fields), business=business, calendar=calendar, freezes=freezes,
        freeze_events=events, jitter_s=_jitter_s(fields, when), missed_within_s=_missed(fields),
        overlap=_word(fields, "overlap", Overlap, Overlap.SKIP), pause_after=_count(fields, "pause-after"),
        gates=gates(fields, found, Known({}, Library(Path(document.file).absolute().parent)), "the schedule"),
        notify=channels(fields, f"schedule {Path(document.file).stem}"), tags=tuple(_texts(fields, "tags")),
        owner=fields.text("owner"), description=fields.text("description"),
        enabled=fields.flag("enabled"))


# ── when ────────────────────────────────────────────────────────────────────────────────────────────────────────────

def _when(fields: Fields) -> When:
    """One of three ways. Of a file with none or several of them nothing is used."""
    there = [key for key in WHENS if key in fields]
    if len(there) != 1:
        fields.complain("E403", "a schedule has exactly one of cron, every and random", None,
                        "leave one of them" if there else 'add `cron: "0 10 * * 1-5"`', found=", ".join(there))
        return ByCron("@daily")
    for key, others in _BELONGS.items():
        if key in fields and there[0] not in others:
            fields.complain("E403", f"{key} says nothing beside {there[0]}", fields.place(key), "leave it out")
    read: dict[str, Callable[[Fields], When]] = {"cron": _cron, "every": _every, "random": _random}
    return read[there[0]](fields)


_BELONGS: Final = {"starting": ("every",), "jitter": ("cron", "every"), "dst": ("cron", "every")}


def _cron(fields: Fields) -> ByCron:
    text, node = fields.filled_text("cron"), fields.node_of("cron")
    try:
        rule = cron(text)
    except BadCron as problem:
        if text.strip():
            fields.complain("E401", f"the cron text cannot be read: {problem}", node, found=text)
        return ByCron("@daily")
    if rule.either:
        fields.complain("W320", f"day of month and weekday are both given, and either is enough: {rule.words}", node,
                        "begin the weekday with + where both must match, or leave one of them *", found=text)
    return ByCron(text)


def _every(fields: Fields) -> ByInterval:
    every_s = fields.duration_s("every", DAY_S) or 0.0
    if every_s < EVERY_S_MIN or every_s % 1:
        fields.complain("E403", "every must be whole seconds, and a minute or more", fields.node_of("every"))
        every_s = DAY_S
    starting = _read(fields, fields.node_of("starting"), _moment, None)
    return ByInterval(int(every_s), starting or _MONDAY, begins=starting is not None)


def _random(fields: Fields) -> ByChance:
    inner = _inner(fields, "random", RANDOM_KEYS)
    if not inner:
        return ByChance(1, Per.DAY)
    inner.require("times", "per")
    times = _count(inner, "times")
    if times and times > TIMES_MAX:
        inner.complain("E103", f"times must be {TIMES_MAX} or less", inner.node_of("times"), found=str(times))
    if "window" not in fields:
        fields.complain("E403", "chance chooses among the minutes of a window, and there is none",
                        fields.place("random"), "add `window: 09:00-16:00`")
    return ByChance(times or 1, _word(inner, "per", Per, Per.DAY))


def _jitter_s(fields: Fields, when: When) -> float:
    jitter_s = fields.duration_s("jitter", 0.0) or 0.0
    most_s = when.every_s if isinstance(when, ByInterval) else DAY_S
    if jitter_s > most_s:
        fields.complain("E403", "jitter must not be longer than it takes to the next occurrence, or than a day",
                        fields.node_of("jitter"))
    return min(jitter_s, float(most_s))


def _missed(fields: Fields) -> float | None:
    node = fields.node_of("missed")
    if node is None or node.value == RECORD:
        return None
    if not isinstance(node.value, dict):
        fields.complain("E104", f"missed must be {RECORD}, or say how late a run may still start", node,
                        "write `missed: {run-once-within: 30m}`", found=node.raw or node.kind)
        return None
    inner = fields.inner(node, "missed").known(MISSED_KEYS)
    return inner.positive_s("run-once-within") if inner.require("run-once-within") else None


def _zone(fields: Fields) -> str:
    key, node = fields.text("timezone"), fields.node_of("timezone")
    try:
        zones.zone_named(key or "UTC")
    except zones.NoZone as problem:
        from zoneinfo import available_timezones

        close = did_you_mean(key, sorted(available_timezones()))
        fields.complain("E402", str(problem), node, f'did you mean "{close}"?' if close else
                        "write it as in Europe/Berlin or UTC", found=key)
        return "UTC"
    return key or "UTC"


# ── hours and days ──────────────────────────────────────────────────────────────────────────────────────────────────

def _windows(fields: Fields) -> list[Window]:
    read = [_read(fields, node, _window, None) for node in _members(fields.node_of("window"))]
    return [window for window in read if window]


def _window(node: Node) -> Window:
    found = _HOURS.fullmatch(str(node.value))
    if not found:
        raise _Bad("hours such as 09:00-16:00")
    opens, closes = _clock(found[1]), _clock(found[2])
    if opens == closes:
        raise _Bad("hours that close at another time than they open")
    return Window(opens, closes)


def _clock(text: str) -> time:
    """24:00 is the end of a day, which windows call 00:00."""
    hour, minute = map(int, text.split(":"))
    if (hour, minute) == (24, 0):
        return time(0)
    if hour > 23 or minute > 59:
        raise _Bad("hours such as 09:00-16:00")
    return time(hour, minute)


def _weekdays(fields: Fields) -> frozenset[int] | None:
    nodes = _members(fields.node_of("days"))
    read = [_read(fields, node, _some_weekdays, frozenset()) for node in nodes]
    return frozenset[int]().union(*read) if nodes else None


def _some_weekdays(node: Node) -> frozenset[int]:
    text = str(node.value).strip().lower()
    found = _WEEKDAYS.fullmatch(text)
    if not found:
        return frozenset((_weekday(text),))
    first, last = _weekday(found[1]), _weekday(found[2])
    return frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))


def _weekday(text: str) -> int:
    if text[:3] not in WEEK:
        raise _Bad(f"{BUSINESS}, or days such as mon-fri or [mon, thu]")
    return WEEK.index(text[:3])


def _calendar(fields: Fields, found: Found, file: str) -> Calendar:
    names: list[str] = []
    days: list[date] = []
    events: list[ical.Event] = []
    for node in _members(fields.node_of("calendar")):
        day = _day(node)
        if day:
            days.append(day)
        elif isinstance(node.value, str) and node.value.lower().endswith(".ics"):
            events += _events(fields, node, found, file)
        elif isinstance(node.value, str):
            names.append(node.value)
            _check_calendar(fields, node, node.value)
        else:
            fields.complain("E103", "a calendar is a name such as DE-BE, an iCal file, or a date", node,
                            found=node.raw or node.kind)
    return Calendar(tuple(names), tuple(days), tuple(events))


def _check_calendar(fields: Fields, node: Node, name: str) -> None:
    try:
        calendars.holidays_named(name)
    except calendars.NoCalendar as problem:
        close = did_you_mean(name, calendars.known_names())
        fields.complain("E406", f"there is no calendar for it: {problem}", node,
                        f'did you mean "{close}"?' if close else "a country (DE), its part (DE-BE), or NYSE",
                        found=name)


# ── blackouts ───────────────────────────────────────────────────────────────────────────────────────────────────────

def _blackouts(fields: Fields, found: Found, file: str) -> tuple[tuple[Freeze, ...], tuple[ical.Event, ...]]:
    freezes: list[Freeze] = []
    events: list[ical.Event] = []
    for node in _members(fields.node_of("blackouts")):
        if isinstance(node.value, str) and node.value.lower().endswith(".ics"):
            events += _events(fields, node, found, file)
        elif isinstance(node.value, dict):
            freezes += _range(fields.inner(node, "the blackout").known(BLACKOUT_KEYS))
        else:
            day = _read(fields, node, _whole_day, None)
            freezes += [day] if day else []
    return tuple(freezes), tuple(events)


def _range(fields: Fields) -> list[Freeze]:
    """From a day to the end of another, or from a moment to a moment."""
    if not fields.require("from", "to"):
        return []
    since, until = (_read(fields, fields.node_of(key), _moment, None) for key in ("from", "to"))
    last = fields.node_of("to")
    if since is None or until is None or last is None:
        return []
    if _is_day(last):
        until += timedelta(days=1)
    if until <= since:
        fields.complain("E404", "the blackout ends before it begins", last, found=last.raw)
    return [Freeze(since, until, fields.text("why"))]


def _whole_day(node: Node) -> Freeze:
    since = _moment(node)
    if not _is_day(node):
        raise _Bad("a date, a range {from: …, to: …}, or an iCal file")
    return Freeze(since, since + timedelta(days=1))


def _events(fields: Fields, node: Node, found: Found, file: str) -> list[ical.Event]:
    name = str(node.value)
    path = beside(name, file)
    try:
        if path is None:
            raise FileNotFoundError(2, "there is none, in the schedule's folder or above")
        with path.open("rb") as opened:
            text = opened.read(BYTES_MAX + 1)
        if len(text) > BYTES_MAX:
            raise OSError(27, "it is larger than 10 MiB")
        events, findings = ical.read(text.decode("utf-8"), name)
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8"
        fields.complain("E407", f"the iCal file cannot be read: {why}", node, found=name)
        return []
    found += findings
    return events


# ── values ──────────────────────────────────────────────────────────────────────────────────────────────────────────

def _read(fields: Fields, node: Node | None, parse: Callable[[Node], T], default: Any) -> Any:
    """A value by a function that says what would be right."""
    if node is None:
        return default
    try:
        return parse(node)
    except _Bad as problem:
        fields.complain("E404", f"wanted: {problem}", node, found=node.raw or node.kind)
    return default


def _moment(node: Node) -> datetime:
    """A date or a time by the wall, without a zone."""
    try:
        if not isinstance(node.value, str | date):
            raise ValueError
        found = datetime.fromisoformat(str(node.value))
    except ValueError as problem:
        raise _Bad("a date or a time such as 2026-12-24 or 2026-12-24 18:00") from problem
    if not zones.YEARS[0] <= found.year <= zones.YEARS[1]:
        raise _Bad(f"a year from {zones.YEARS[0]} to {zones.YEARS[1]}")
    if found.tzinfo is not None:
        raise _Bad("a time without an offset: it is one of the schedule's zone")
    return found


def _is_day(node: Node) -> bool:
    return len(str(node.value).strip()) <= len("2026-12-24")


def _day(node: Node) -> date | None:
    """The day that a value is, or begins in where it is a time. JSON has no dates: there a text is one."""
    if isinstance(node.value, date):
        return date.fromisoformat(str(node.value)[:len("2026-12-24")])
    with suppress(TypeError, ValueError):
        return date.fromisoformat(node.value)  # type: ignore[arg-type]  # which is what is tried
    return None


def _members(node: Node | None) -> Sequence[Node]:
    """Those of a list, or the value alone."""
    if node is None:
        return ()
    return node.value if isinstance(node.value, list) else (node,)


def _inner(fields: Fields, key: str, keys: Sequence[str]) -> Fields | None:
    node = fields.node_of(key)
    return fields.inner(node, key).known(keys) if node else None


def _word(fields: Fields | None, key: str, kind: type[T], default: T) -> T:
    words = [str(word) for word in kind]  # type: ignore[attr-defined]  # one of the enumerations above
    return kind(fields.one_of(key, words, str(default))) if fields else default  # type: ignore[call-arg]


def _count(fields: Fields, key: str) -> int | None:
    count = fields.whole(key)
    if count is not None and count < 1:
        fields.complain("E103", f"{key} must be 1 or more", fields.node_of(key), found=str(count))
        return None
    return count


def _texts(fields: Fields, key: str) -> list[str]:
    for node in fields.items(key):
        if not isinstance(node.value, str) or not node.value:
            fields.complain("E103", f"{key} must be a list of texts that are not empty", node, found=node.kind)
    return [node.value for node in fields.items(key) if isinstance(node.value, str) and node.value]
