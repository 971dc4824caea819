"""Whether changes are frozen, as a file says it that people keep: an iCal file, or a list in YAML."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from chaos_runner.calendar import zones
from chaos_runner.calendar.freezes import NotUnderstood, file_named, freezes
from chaos_runner.calendar.ical import Span
from chaos_runner.contracts import BadQuestion, NoData, Reading, Seconds, probe
from chaos_runner.units import Unit

OPEN = "open"
FROZEN = "frozen"
_MOMENT = timedelta(microseconds=1)
_AHEAD_MAX_S = 366 * 86_400.0


class FreezeFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of freezes, looked for from the working directory upwards, and the zone in which its times are meant.

    `ahead` is how far a freeze that has not begun yet may be away and counts already.
    """

    file: str
    timezone: str
    ahead: Seconds = 0.0


@probe(FreezeFile, Unit.COUNT, words=(OPEN, FROZEN),
       example={"arguments": {"file": "freezes.yaml", "timezone": "Europe/Berlin", "ahead": "1h"}, "equals": OPEN})
def state(arguments: FreezeFile) -> Reading:
    """Whether changes are frozen now, or will be within `ahead`: open or frozen.

    A file ending in .ics is an iCal file, any other a list in YAML. One that cannot be read, or is not understood to
    the last line, is no data. Raises NoData, and BadQuestion for a zone that there is not.
    """
    return state_at(arguments, datetime.now(UTC), Path.cwd())


def state_at(arguments: FreezeFile, now: datetime, folder: Path) -> Reading:
    """The same at any moment, for a folder. Raises NoData, BadQuestion."""
    until = now + max(timedelta(seconds=min(arguments.ahead, _AHEAD_MAX_S)), _MOMENT)
    try:
        found = freezes(file_named(arguments.file, folder), arguments.timezone, now, until)
    except zones.NoZone as problem:
        raise BadQuestion(str(problem)) from problem
    except NotUnderstood as problem:
        raise NoData(str(problem)) from problem
    if not found:
        return Reading(value=OPEN)
    return Reading(value=FROZEN, note=_words(max(found, key=lambda span: span.until), now, arguments.timezone))


def _words(span: Span, now: datetime, zone: str) -> str:
    since, until = (f"{zones.local(moment, zones.zone_named(zone)):%Y-%m-%d %H:%M}"
                    for moment in (span.since, span.until))
    when = f"until {until} {zone}" if span.since <= now else f"from {since} until {until} {zone}"
    return f"{span.why}, {when}" if span.why else when
