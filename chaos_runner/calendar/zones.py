"""What a clock on the wall shows, and when: days on which it is put forward or back included."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

_SECOND: Final = timedelta(seconds=1)
_MACHINE_S: Final = frozenset({"localtime", "posixrules", "Factory", "leapseconds", "tzdata.zi", ""})
"""What the time zone database's folder holds beside zones: the first is the machine's own, whatever that is."""


YEARS: Final = (1900, 9000)
"""What is read of times: far enough from where the calendar ends, whatever is added."""


class NoZone(ValueError):
    """The text names no zone of the IANA database."""


class Change(Struct, frozen=True, kw_only=True):
    """The clocks of a zone are changed at an instant; offsets are seconds east of UTC."""

    zone: str
    at: datetime
    before_s: int
    after_s: int

    @property
    def shows(self) -> tuple[datetime, datetime]:
        """What the wall shows when it happens, by the old time and by the new one."""
        naive = self.at.replace(tzinfo=None)
        return naive + timedelta(seconds=self.before_s), naive + timedelta(seconds=self.after_s)


def zone_named(key: str) -> ZoneInfo:
    """The zone of that name. Raises NoZone."""
    try:
        if key in _MACHINE_S:
            raise NoZone(f"{key!r} is no zone of the IANA database")
        return ZoneInfo(key)
    except (KeyError, ValueError, OSError) as problem:
        raise NoZone(f"{key!r} is no zone of the IANA database") from problem


def instants(wall: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """The instants, in UTC, at which the wall shows this: one, two where it is put back, none where it is put forward.
    """
    steady = steady_offset(wall.date(), zone)
    if steady is not None:
        return ((wall - steady).replace(tzinfo=UTC),)
    early, late = zone.utcoffset(wall), zone.utcoffset(wall.replace(fold=1))
    first = (wall - early).replace(tzinfo=UTC)  # type: ignore[operator]  # a zone of the database has an offset
    if early == late:
        return (first,)
    second = (wall - (late or timedelta())).replace(tzinfo=UTC)
    return (first, second) if first < second else ()


def next_valid(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the wall shows this, or has gone past it."""
    found = instants(wall, zone)
    return found[0] if found else _change_near(wall, zone)


def local(instant: datetime, zone: ZoneInfo) -> datetime:
    """What the wall shows at an instant, without a zone."""
    return instant.astimezone(zone).replace(tzinfo=None)


def changes(key: str, since: datetime, until: datetime) -> Iterator[Change]:
    """Every change of the clocks of a zone from `since` to before `until`. Raises NoZone."""
    zone = zone_named(key)
    day = timedelta(days=1)
    low, before = since, _offset(since, zone)
    while low < until:
        high = min(low + day, until)
        after = _offset(high - _SECOND, zone)
        if after != before:
            at = _first_with_another(low, high - _SECOND, zone)
            yield Change(zone=key, at=at, before_s=int(before.total_seconds()), after_s=int(after.total_seconds()))
        low, before = high, after


@lru_cache(maxsize=16_384)
def steady_offset(day: date, zone: ZoneInfo) -> timedelta | None:
    """The zone's offset on a day on which the clocks are not changed. They never are there and back within a day."""
    midnight = datetime.combine(day, time())
    following = midnight + timedelta(days=1)
    offsets = {zone.utcoffset(wall.replace(fold=fold)) for wall in (midnight, following) for fold in (0, 1)}
    return offsets.pop() if len(offsets) == 1 else None


def _change_near(wall: datetime, zone: ZoneInfo) -> datetime:
    """When the clocks are put past what the wall then never shows."""
    early = (wall - (zone.utcoffset(wall.replace(fold=1)) or timedelta())).replace(tzinfo=UTC)
    late = (wall - (zone.utcoffset(wall) or timedelta())).replace(tzinfo=UTC)
    return _first_with_another(early, late, zone)


def _first_with_another(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The first second after `low` with the offset that `high` has, where `low` has another one."""
    offset = _offset(low, zone)
    while high - low > _SECOND:
        middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
        if _offset(middle, zone) == offset:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()
