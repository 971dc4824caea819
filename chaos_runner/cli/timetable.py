"""Schedules and their occurrences as people and programs read them."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from msgspec import UNSET, Struct, UnsetType

from chaos_runner.calendar.zones import Change
from chaos_runner.cli.ink import Ink
from chaos_runner.experiment.complaints import escaped
from chaos_runner.schedule.collisions import Collision, On
from chaos_runner.schedule.model import Schedule
from chaos_runner.schedule.occurrences import Occurrence, Status
from chaos_runner.units import spoken_seconds

if TYPE_CHECKING:
    from chaos_runner.ledger.occurrences import Row as Occurred

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_TWO: Final = tuple(f"{number:02d}" for number in range(60))
_OUTCOMES: Final = {"passed": ("✔", "green"), "skipped": ("○", "dim"), "missed": ("✖", "red"), "deviated": ("✖", "red"),
                    "error": ("✖", "red"), "aborted": ("✖", "red")}
_SIGNS: Final = {"due": ("●", "due    "), "skipped": ("○", "skipped"), "missed": ("✖", "missed ")}


class Row(Struct, frozen=True, kw_only=True, gc=False):
    """One occurrence for programs. Instants are in UTC; `local` is `due` as the schedule's zone writes it."""

    schedule: str
    due: datetime
    local: datetime
    starts: datetime
    ends: datetime
    status: str
    reason: str
    why: str | UnsetType = UNSET
    note: str | UnsetType = UNSET


def row(found: Occurrence, zone: ZoneInfo) -> Row:
    """The occurrence for programs."""
    return Row(schedule=found.schedule, due=found.due, local=found.due.astimezone(zone), starts=found.starts,
               ends=found.ends, status=found.status.value, reason=found.reason,
               why=found.why.value if found.why else UNSET, note=found.note or UNSET)


def head(schedule: Schedule, following: Occurrence | None) -> dict[str, Any]:
    """A schedule for programs, with the next occurrence that is due."""
    return {"schedule": schedule.name, "file": schedule.file, "enabled": schedule.enabled,
            "experiment": schedule.experiment, "env": schedule.env, "words": schedule.words,
            "timezone": schedule.timezone, "longest_s": schedule.longest_s, "tags": schedule.tags,
            "owner": schedule.owner, "next": row(following, schedule.zone) if following else None}


def headline(schedule: Schedule, ink: Ink) -> str:
    """Name, whether it is on, and when it is due, in a line."""
    state = ink.green("enabled") if schedule.enabled else ink.yellow("not enabled")
    return f"{ink.bold(escaped(schedule.name))} ({state}): {escaped(schedule.words)}"


def log_lines(rows: Sequence["Occurred"], ink: Ink) -> Iterator[str]:
    """What became of due times, a line each, the names one below the other."""
    width = max((len(row.schedule) for row in rows), default=0)
    for row in rows:
        became = row.verdict if row.state == "ran" else str(row.state)
        sign, colour = _OUTCOMES.get(became, ("●", "yellow"))
        words = f"{became}{f', {row.restored}' if row.restored else ''}{f': {row.reason}' if row.reason else ''}"
        run = f"  {ink.dim(row.run)}" if row.run else ""
        due = f"{row.due[:10]} {row.due[11:19]}Z"
        yield (f"{due}  {getattr(ink, colour)(sign)} {ink.bold(escaped(row.schedule.ljust(width)))}  "
               f"{escaped(words)}{run}")


def details(schedule: Schedule) -> str:
    """What it runs, and for how long."""
    where = f" in {schedule.env}" if schedule.env else ""
    return f"  {escaped(schedule.experiment)}{escaped(where)}, {spoken_seconds(schedule.longest_s)} at the longest"


def line(found: Occurrence, zone: ZoneInfo, ink: Ink) -> str:
    """An occurrence: when it starts in its zone and in UTC, what it is, and why."""
    start = found.starts.astimezone(zone)
    said = f"{found.reason}; {found.note}" if found.reason and found.note else found.reason or found.note
    sign, word = _SIGNS[found.status.value]
    text = (f"{sign} {_day(start.date())} {_clock(start)} {start.tzname() or '':<5} {_clock(found.starts)}Z  "
            f"{word}  {escaped(found.schedule)}")
    told = f"{text}  {escaped(said)}" if said else text
    return ink.dim(told) if found.reason else told


@lru_cache(maxsize=4096)
def _day(day: date) -> str:
    return f"{_DAYS[day.weekday()]} {day}"


def _clock(moment: datetime) -> str:
    """What strftime would say, which takes ten times as long; there may be very many lines."""
    return f"{_TWO[moment.hour]}:{_TWO[moment.minute]}:{_TWO[moment.second]}"


def change_line(change: Change) -> str:
    """The clocks of a zone are changed."""
    before, after = change.shows
    return f"◆ {before:%a %Y-%m-%d} {before:%H:%M} becomes {after:%H:%M}  {change.at:%H:%M:%S}Z  {change.zone}"


def collision_line(found: Collision, ink: Ink) -> str:
    """Two schedules that may meet."""
    often = "once" if found.times == 1 else f"{found.times} times, first"
    when = f"{often} {found.since:%Y-%m-%d %H:%M:%S}Z to {found.until:%H:%M:%S}Z"
    who = f"{escaped(found.first)} and itself" if found.on is On.ITSELF else \
        f"{escaped(found.first)} and {escaped(found.second)}"
    word = ink.red("collision") if found.on is On.TARGETS else ink.yellow("at once")
    return f"{word}: {who} ({found.on.value}: {escaped(found.what)}), {when}"


def calendar(rows: Sequence[tuple[Occurrence, ZoneInfo]], changes: Sequence[Change], ink: Ink) -> Iterator[str]:
    """Everything in the order of time: occurrences as they start, and the clocks' changes."""
    told = [(found.starts, line(found, zone, ink)) for found, zone in rows]
    told += [(change.at, change_line(change)) for change in changes]
    for _, text in sorted(told, key=lambda pair: pair[0]):
        yield text


def counted(found: Sequence[Occurrence]) -> str:
    """How many of what."""
    due = sum(one.status is Status.DUE for one in found)
    return f"{due} due, {len(found) - due} skipped"
