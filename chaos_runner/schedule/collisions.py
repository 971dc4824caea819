"""Where runs of schedules would be at the same time in the same place."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from chaos_runner.schedule.grounds import Ground
from chaos_runner.schedule.occurrences import Occurrence, Status


class On(StrEnum):
    """What two runs share: targets that both may hit, the environment, or the schedule itself."""

    TARGETS = "targets"
    ENVIRONMENT = "environment"
    ITSELF = "itself"


class Course(Struct, frozen=True, kw_only=True):
    """A schedule's occurrences in some time, and where they are."""

    schedule: str
    env: str
    grounds: tuple[Ground, ...]
    occurrences: Sequence[Occurrence]


class Collision(Struct, frozen=True, kw_only=True):
    """Two schedules of which runs may be at the same time, so often, and from when to when for the first time."""

    first: str
    second: str
    on: On
    what: str
    since: datetime
    until: datetime
    times: int


class _Stretch(Struct, frozen=True):
    since: datetime
    until: datetime
    course: Course


def collisions(courses: Sequence[Course]) -> list[Collision]:
    """Each pair of schedules once, the earliest first. What is skipped collides with nothing."""
    found: dict[tuple[str, str], tuple[_Stretch, _Stretch, int]] = {}
    for earlier, later in _pairs(courses):
        key = (earlier.course.schedule, later.course.schedule)
        key = key if key[0] <= key[1] else (key[1], key[0])
        first, second, times = found.get(key, (earlier, later, 0))
        found[key] = (first, second, times + 1)
    return sorted((_collision(*pair) for pair in found.values()), key=lambda one: (one.since, one.first, one.second))


def _pairs(courses: Sequence[Course]) -> Iterator[tuple[_Stretch, _Stretch]]:
    """Every two runs of one environment that may be at the same time."""
    stretches = sorted((_Stretch(one.starts, one.ends, course) for course in courses for one in course.occurrences
                        if one.status is Status.DUE), key=lambda stretch: stretch.since)
    under_way: list[_Stretch] = []
    for later in stretches:
        under_way = [one for one in under_way if one.until > later.since]
        for earlier in under_way:
            if earlier.course.env == later.course.env:
                yield earlier, later
        under_way.append(later)


def _collision(earlier: _Stretch, later: _Stretch, times: int) -> Collision:
    on, what = _shared(earlier.course, later.course)
    return Collision(first=earlier.course.schedule, second=later.course.schedule, on=on, what=what, since=later.since,
                     until=min(earlier.until, later.until), times=times)


def _shared(one: Course, other: Course) -> tuple[On, str]:
    if one.schedule == other.schedule:
        return On.ITSELF, "a run may last longer than it takes to the next"
    for mine in one.grounds:
        for theirs in other.grounds:
            if mine.meets(theirs):
                return On.TARGETS, str(max(mine, theirs, key=lambda ground: len(ground.named)))
    return On.ENVIRONMENT, one.env or "no environment is said"
