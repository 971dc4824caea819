"""Cron text with the meaning of Vixie's and Debian's cron, and of OCPS where that has more.

The library cronsim reads it and says which days match; how times of day become instants is `moments`' own, so that it
is the same in every zone. `@daily` and its like, `?` for `*`, and OCPS' `+` (day of month AND weekday) are put into
what cronsim knows.
"""

from collections.abc import Mapping
from datetime import date, datetime, time
from functools import lru_cache
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cronsim import CronSim

NAMES: Final[Mapping[str, str]] = MappingProxyType({
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *"})
_FIELDS: Final = 5
_DAY, _WEEKDAY = 2, 4
_FIRST: Final = datetime(2000, 1, 1)  # noqa: DTZ001 -- times of day, of no zone


class BadCron(ValueError):
    """The text is no cron text. The message says why."""


class Cron:
    """A cron text that was understood: its days, and its times of day."""

    def __init__(self, sim: "CronSim", fields: list[str]) -> None:
        self._sim = sim
        self.times = tuple(time(hour, minute) for hour, minute in product(sorted(sim.hours), sorted(sim.minutes)))
        self.wild = fields[0].startswith("*") or fields[1].startswith("*")
        """Whether it goes by elapsed time: then no occurrence is moved or left out when the clocks are changed."""
        self.either = not sim.day_and
        """Whether a day matches by its number or by its weekday, each alone."""

    def on(self, day: date) -> bool:
        """Whether it has occurrences on that day."""
        return day.month in self._sim.months and self._sim.match_day(day)

    @property
    def words(self) -> str:
        """What it says, in English, in lower case where a sentence may go on with it."""
        told = self._sim.explain()
        joined = told if self.either else told.replace(" and on ", " that is ")
        return joined[:1].lower() + joined[1:]


@lru_cache(maxsize=1024)
def cron(text: str) -> Cron:
    """What the text means. Raises BadCron."""
    from cronsim import CronSim, CronSimError

    fields = NAMES.get(text.strip().lower(), text).split()
    _check(text, fields)
    both = fields[_WEEKDAY].startswith("+")
    plain = [field.replace("?", "*") if number in (_DAY, _WEEKDAY) else field for number, field in enumerate(fields)]
    plain[_WEEKDAY] = plain[_WEEKDAY].removeprefix("+")
    try:
        sim = CronSim(" ".join(plain), _FIRST)
    except CronSimError as problem:
        raise BadCron(_why(str(problem), fields)) from problem
    sim.day_and = sim.day_and or both
    return Cron(sim, plain)


def _check(text: str, fields: list[str]) -> None:
    if text.strip().startswith("@") and len(fields) == 1:
        raise BadCron(f"{text.strip()} is none of {', '.join(NAMES)}")
    if len(fields) != _FIELDS:
        raise BadCron(f"five fields are wanted (minute, hour, day of month, month, weekday), and there are "
                      f"{len(fields)}")


def _why(said: str, fields: list[str]) -> str:
    if "W" in fields[_DAY].upper().replace("LW", ""):
        return "W, the nearest weekday, is not known: use `days: business`, or LW for the last weekday of the month"
    return f"{said[:1].lower()}{said[1:]}"
