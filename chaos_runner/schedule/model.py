"""A schedule as its file says it, with everything resolved that does not depend on the time it is asked at."""

from datetime import date, datetime, time
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from chaos_runner.experiment.model import Gate
from chaos_runner.notify.channel import Channel
from chaos_runner.schedule.ical import Event
from chaos_runner.units import spoken_seconds

WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_S: Final = 86_400


class Gap(StrEnum):
    """What becomes of a time of day that the clocks jump over."""

    NEXT = "next"
    SKIP = "skip"


class Twice(StrEnum):
    """Which of the two counts, where the clocks are put back and show a time of day twice."""

    FIRST = "first"
    BOTH = "both"


class Per(StrEnum):
    """How long it takes until chance is asked again."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Overlap(StrEnum):
    """What becomes of an occurrence while the last one of the same schedule still runs."""

    SKIP = "skip"
    QUEUE_ONE = "queue-one"
    REPLACE = "replace"


class ByCron(Struct, frozen=True, tag="cron"):
    """At the times of a cron text."""

    text: str

    @property
    def words(self) -> str:
        from chaos_runner.schedule.cron import cron

        return cron(self.text).words


class ByInterval(Struct, frozen=True, tag="every"):
    """Again and again from `starting` on, which is what the wall shows. Whole days go by the wall, all else by elapsed
    time.
    """

    every_s: int
    starting: datetime
    begins: bool = False
    """Whether its author says when it starts, and not only the default."""

    @property
    def words(self) -> str:
        days, rest = divmod(self.every_s, DAY_S)
        every = f"{days} days" if days and not rest else spoken_seconds(self.every_s)
        told = "every day" if self.every_s == DAY_S else f"every {every}"
        return f"{told} from {self.starting:%Y-%m-%d %H:%M}" if self.begins else told


class ByChance(Struct, frozen=True, tag="random"):
    """So many times a day, a week or a month, at minutes that chance chooses among those the windows allow."""

    times: int
    per: Per

    @property
    def words(self) -> str:
        times = {1: "once", 2: "twice"}.get(self.times, f"{self.times} times")
        return f"{times} a {self.per.value}, at random"


When = ByCron | ByInterval | ByChance


class Window(Struct, frozen=True):
    """Hours in which a run may be, by the wall. One that closes before it opens lasts into the next day."""

    opens: time
    closes: time

    @property
    def overnight(self) -> bool:
        """Whether it closes on the day after. 00:00 is the end of a day there."""
        return self.closes <= self.opens

    def __str__(self) -> str:
        return f"{self.opens:%H:%M}-{self.closes:%H:%M}".replace("-00:00", "-24:00")


class Freeze(Struct, frozen=True):
    """A time in which nothing runs, by the wall: from `since` to before `until`."""

    since: datetime
    until: datetime
    why: str = ""


class Calendar(Struct, frozen=True):
    """Days off: `names` of the library's calendars, days that are written out, and those of iCal files."""

    names: tuple[str, ...] = ()
    days: tuple[date, ...] = ()
    events: tuple[Event, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.names or self.days or self.events)


class Schedule(Struct, frozen=True, kw_only=True):
    """When one experiment runs by itself. `longest_s` is the longest that a run of it may take, undo included.

    `weekdays` are numbers, Monday is 0; None for each. `missed_within_s`: how late an occurrence that was missed may
    still start; None for never. `pause_after`: after how many failures in a row it is paused; None for what is usual.
    `notify`: who is told, beside those of its project.
    """

    name: str
    file: str
    experiment: str
    when: When
    timezone: str
    env: str = ""
    gap: Gap = Gap.NEXT
    twice: Twice = Twice.FIRST
    windows: tuple[Window, ...] = ()
    weekdays: frozenset[int] | None = None
    business: bool = False
    calendar: Calendar = Calendar()
    freezes: tuple[Freeze, ...] = ()
    freeze_events: tuple[Event, ...] = ()
    jitter_s: float = 0.0
    missed_within_s: float | None = None
    overlap: Overlap = Overlap.SKIP
    pause_after: int | None = None
    gates: tuple[Gate, ...] = ()
    notify: tuple[Channel, ...] = ()
    tags: tuple[str, ...] = ()
    owner: str = ""
    description: str = ""
    enabled: bool = False
    longest_s: float = 0.0

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def has_hours(self) -> bool:
        """Whether there are times at which a run may not be, blackouts aside."""
        return bool(self.windows or self.weekdays is not None or self.business or self.calendar)

    @property
    def words(self) -> str:
        """When it is due, in a line."""
        return ", ".join([f"{self.when.words} {self.timezone}", *self._conditions])

    @property
    def _conditions(self) -> list[str]:
        names = ", ".join(self.calendar.names)
        days = ", ".join(WEEK[number] for number in sorted(self.weekdays or ()))
        found = [f"in {' or '.join(map(str, self.windows))}"] if self.windows else []
        found += [f"on business days{f' of {names}' if names else ''}"] if self.business else []
        found += [f"on {days} only"] if days else []
        found += [f"but for holidays{f' of {names}' if names else ''}"] if self.calendar and not self.business else []
        return [*found, *([f"up to {spoken_seconds(self.jitter_s)} later"] if self.jitter_s else [])]
