"""Days off: holidays by the library `holidays`, days that are written out, and those of iCal files."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final

from chaos_runner.schedule.ical import days
from chaos_runner.schedule.model import Calendar

WEEKEND: Final = frozenset({5, 6})
_INSTALL: Final = "pip install 'chaos-runner[calendars]'"


class NoCalendar(ValueError):
    """There is no calendar of that name, or nothing that knows calendars."""


@lru_cache(maxsize=64)
def holidays_named(name: str) -> Any:
    """The library's calendar: of a country and its part (DE, DE-BE, US-NY), or of an exchange (NYSE, XETR).

    A mapping from days to names; each year is worked out when it is first asked for. Raises NoCalendar.
    """
    try:
        import holidays
    except ImportError as problem:
        raise NoCalendar(f"{name} needs the package holidays: {_INSTALL}") from problem
    country, _, part = name.partition("-")
    try:
        if name in holidays.list_supported_financial():
            return _in_english(lambda **more: holidays.financial_holidays(name, **more))
        return _in_english(lambda **more: holidays.country_holidays(country, subdiv=part or None, **more))
    except NotImplementedError as problem:
        raise NoCalendar(str(problem)) from problem


def _in_english(made: Callable[..., Any]) -> Any:
    """The library goes by the machine's language where none is said, and a reason must not depend on the machine."""
    plain = made()
    language = "en_US" if "en_US" in plain.supported_languages else plain.default_language
    return made(language=language)


def known_names() -> Sequence[str]:
    """What a calendar may be called, without the parts of countries. None without the library."""
    try:
        import holidays
    except ImportError:
        return []
    return [*holidays.list_supported_countries(include_aliases=False), *holidays.list_supported_financial()]


def weekend_of(calendar: Calendar) -> frozenset[int]:
    """The weekdays on which nobody works there, Monday is 0."""
    weekends = [frozenset(holidays_named(name).weekend) for name in calendar.names]
    return frozenset().union(*weekends) if weekends else WEEKEND


@lru_cache(maxsize=256)
def holidays_in(calendar: Calendar, year: int) -> Mapping[date, str]:
    """The days off of a year, with what they are called."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    found = {day: event.summary or f"a day in {event.file}" for event in calendar.events
             for day in days(event, first, last + timedelta(days=1))}
    found |= dict.fromkeys((day for day in calendar.days if day.year == year), "a day off, by the schedule")
    for name in reversed(calendar.names):
        named = holidays_named(name)
        found |= {day: f"{named[day]} ({name})" for day in named[first:last]}
    return found
