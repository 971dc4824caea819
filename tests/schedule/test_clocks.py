"""Times of day on the days on which the clocks are changed, and on all others."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from chaos_runner.calendar import zones
from chaos_runner.schedule.occurrences import occurrences
from tests.schedule.samples import BERLIN, KOLKATA, LORD_HOWE, NEW_YORK, ZONES, at, due, over, scheduled, skipped

AUTUMN_AND_SPRING = (at("2026-09-20"), at("2027-04-20"))
"""Both changes of each zone that has them, of the southern one as well."""


def quarters(zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """Every quarter of an hour, and what the wall shows then: all clocks here are put by whole ones."""
    instant, last = AUTUMN_AND_SPRING[0] - timedelta(days=2), AUTUMN_AND_SPRING[1]
    while instant < last:
        yield instant, instant.astimezone(zone)
        instant += timedelta(minutes=15)


@pytest.mark.parametrize("zone", ZONES)
def test_what_goes_by_elapsed_time_is_due_whenever_the_wall_shows_it_and_never_else(zone: str) -> None:
    schedule = scheduled('cron: "*/15 */2 * * *"', zone)
    seen = [instant for instant, wall in quarters(schedule.zone)
            if wall.minute % 15 == 0 and wall.hour % 2 == 0 and instant >= AUTUMN_AND_SPRING[0]]
    assert [one.due for one in occurrences(schedule, *AUTUMN_AND_SPRING)] == seen


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("clock", ["01:30", "01:45", "02:00", "02:15", "02:30", "03:00", "10:00"])
def test_a_time_of_day_comes_once_a_day_the_first_of_two_and_after_a_gap(zone: str, clock: str) -> None:
    hour, minute = map(int, clock.split(":"))
    schedule = scheduled(f'cron: "{minute} {hour} * * *"', zone)
    first: dict[object, datetime] = {}
    for instant, wall in quarters(schedule.zone):
        if (wall.hour, wall.minute) >= (hour, minute):
            first.setdefault(wall.date(), instant)
    found = [one.due for one in occurrences(schedule, *AUTUMN_AND_SPRING)]
    assert found == [instant for instant in first.values() if instant >= AUTUMN_AND_SPRING[0]]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("text", ["30 2 * * *", "0,30 1,2,3 * * *", "15 4 1,15 * *", "0 9 13 * 5", "0 9 * * 1-5",
                                  "0 0 L * *", "45 1 * * 0", "30 1 * * 5#2", "0 12 LW * *", "5 4 29 2 *",
                                  "59 23 31 12 7"])
def test_fixed_times_are_those_of_debian_s_cron(zone: str, text: str) -> None:
    """As cronsim steps from one to the next: that tries to be Debian's cron."""
    schedule = scheduled(f'cron: "{text}"', zone)
    since, until = at("2026-01-01"), at("2028-12-31")
    theirs = CronSim(text, since.astimezone(schedule.zone) - timedelta(seconds=1))
    wanted = []
    for moment in theirs:
        if moment >= until:
            break
        wanted.append(moment.astimezone(UTC))
    assert [one.due for one in occurrences(schedule, since, until)] == list(dict.fromkeys(wanted))


def test_in_the_gap_of_spring_it_is_due_at_the_first_valid_instant() -> None:
    [found] = over(scheduled('cron: "30 2 * * *"', BERLIN), "2027-03-28")
    assert found.due == at("2027-03-28T01:00")
    assert found.note == "02:30 does not exist on that day: 03:00 instead"
    assert due(scheduled('cron: "30 2 * * *"', NEW_YORK), "2027-03-14") == ["2027-03-14 03:00-04:00"]
    assert due(scheduled('cron: "15 2 * * *"', LORD_HOWE), "2026-10-03T12:00") == ["2026-10-04 02:30+11:00"]
    assert due(scheduled('cron: "30 2 * * *"', KOLKATA), "2027-03-27T12:00") == ["2027-03-28 02:30+05:30"]


def test_the_gap_of_spring_can_be_skipped_and_says_so() -> None:
    schedule = scheduled('cron: "30 2 * * *"', BERLIN, "dst: {gap: skip}")
    assert due(schedule, "2027-03-28") == []
    assert skipped(schedule, "2027-03-28") == ["2027-03-28 02:30 does not exist on that day"]


def test_two_times_in_one_gap_are_one_occurrence() -> None:
    assert due(scheduled('cron: "0,15,30,45 2 * * *"', BERLIN), "2027-03-28", 0.5) == ["2027-03-28 03:00+02:00"]
    [found] = over(scheduled('cron: "30 2,3 * * *"', BERLIN, "dst: {gap: skip}"), "2027-03-28", 0.06)
    assert found.reason


def test_a_time_that_is_due_anyway_takes_the_place_of_one_that_was_moved_to_it() -> None:
    [found] = over(scheduled('cron: "0 2,3 * * *"', BERLIN), "2027-03-28", 0.5)
    assert not found.note


@pytest.mark.parametrize(("zone", "day", "clock", "offsets"), [
    (BERLIN, "2026-10-24T22:00", "30 2", ("+02:00", "+01:00")),
    (NEW_YORK, "2026-11-01T04:00", "30 1", ("-04:00", "-05:00")),
    (LORD_HOWE, "2027-04-03T13:00", "45 1", ("+11:00", "+10:30"))])
def test_what_the_wall_shows_twice_in_autumn_is_due_at_the_first_and_on_demand_at_both(
        zone: str, day: str, clock: str, offsets: tuple[str, str]) -> None:
    cron = f'cron: "{clock} * * *"'
    assert [moment[-6:] for moment in due(scheduled(cron, zone), day)] == [offsets[0]]
    assert [moment[-6:] for moment in due(scheduled(cron, zone, "dst: {overlap: both}"), day)] == list(offsets)


@pytest.mark.parametrize("zone", ZONES)
def test_an_interval_below_a_day_goes_by_elapsed_time(zone: str) -> None:
    found = occurrences(scheduled("every: 6h", zone, "starting: 2026-09-01 09:00"), *AUTUMN_AND_SPRING)
    assert {later.due - earlier.due for earlier, later in pairwise(found)} == {timedelta(hours=6)}


@pytest.mark.parametrize("zone", ZONES)
def test_an_interval_of_whole_days_goes_by_the_wall(zone: str) -> None:
    schedule = scheduled("every: 2d", zone, "starting: 2026-09-01 09:00")
    found = [one.due.astimezone(schedule.zone) for one in occurrences(schedule, *AUTUMN_AND_SPRING)]
    assert {(wall.hour, wall.minute) for wall in found} == {(9, 0)}
    assert {(wall.date() - date(2026, 9, 1)).days % 2 for wall in found} == {0}


def test_an_interval_has_no_occurrence_before_it_starts() -> None:
    for every in ("6h", "1d"):
        found = due(scheduled(f"every: {every}", KOLKATA, "starting: 2026-11-20 09:00"), "2026-11-18", 4)
        assert found[0] == "2026-11-20 09:00+05:30"


def test_weeks_without_a_start_begin_on_mondays() -> None:
    assert due(scheduled("every: 7d"), "2026-11-18", 14) == ["2026-11-23 00:00+01:00", "2026-11-30 00:00+01:00"]


@pytest.mark.parametrize("text", ['cron: "*/7 * * * *"', 'cron: "30 2 * * *"', "every: 45m", "every: 1d",
                                  "random: {times: 2, per: week}\nwindow: 09:00-16:00"])
@pytest.mark.parametrize("zone", ZONES)
def test_a_span_in_pieces_has_the_same_occurrences_as_the_whole(text: str, zone: str) -> None:
    schedule = scheduled(text, zone, "jitter: 5m" if "random" not in text else "")
    since, until = at("2027-03-10"), at("2027-04-06")
    begins = [since + timedelta(hours=6 * step) for step in range(27 * 4)]
    pieces = [one for begin in begins for one in occurrences(schedule, begin, begin + timedelta(hours=6))]
    assert pieces == occurrences(schedule, since, until)


@pytest.mark.parametrize(("zone", "instants"), [
    (BERLIN, ["2026-10-25T01:00", "2027-03-28T01:00"]), (NEW_YORK, ["2026-11-01T06:00", "2027-03-14T07:00"]),
    (LORD_HOWE, ["2026-10-03T15:30", "2027-04-03T15:00"]), (KOLKATA, [])])
def test_changes_of_the_clocks_are_found_to_the_second(zone: str, instants: list[str]) -> None:
    assert [change.at for change in zones.changes(zone, *AUTUMN_AND_SPRING)] == [at(text) for text in instants]


def test_a_change_says_what_the_wall_showed() -> None:
    [change] = zones.changes(LORD_HOWE, at("2026-10-01"), at("2026-10-10"))
    assert [f"{wall:%H:%M}" for wall in change.shows] == ["02:00", "02:30"]


def test_a_day_that_a_zone_left_out_moves_to_the_next() -> None:
    """Samoa had no 30 December 2011."""
    assert due(scheduled('cron: "0 9 30 12 *"', "Pacific/Apia"), "2011-12-29", 3) == ["2011-12-31 00:00+14:00"]


@pytest.mark.parametrize("name", ["CEST", "Berlin", "localtime", "../../etc/passwd", "Europe", "", "posixrules",
                                  "a\0b"])
def test_only_zones_of_the_database_are_zones(name: str) -> None:
    with pytest.raises(zones.NoZone):
        zones.zone_named(name)
