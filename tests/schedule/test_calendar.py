"""Hours, days, holidays, blackouts, jitter and chance."""

from datetime import timedelta
from pathlib import Path

import pytest

from chaos_runner.clock import FakeClock
from chaos_runner.schedule.occurrences import Status, following, late, next_due, occurrences
from tests.schedule.samples import BERLIN, KOLKATA, LORD_HOWE, NEW_YORK, ZONES, at, due, over, scheduled, skipped

TEN = 'cron: "0 10 * * *"'


def test_cron_counts_days_as_vixie_does() -> None:
    assert due(scheduled('cron: "0 9 * * 1-5"'), "2026-11-20", 5)[0] == "2026-11-20 09:00+01:00"
    assert [one[8:10] for one in due(scheduled('cron: "0 9 13 * 5"'), "2026-11-01", 30)] == ["06", "13", "20", "27"]
    assert [one[:10] for one in due(scheduled('cron: "0 9 13 * +5"'), "2026-01-01", 365)] == [
        "2026-02-13", "2026-03-13", "2026-11-13"]
    assert due(scheduled("cron: '@weekly'"), "2026-11-16", 7) == ["2026-11-22 00:00+01:00"]
    assert due(scheduled('cron: "0 9 * * 0"'), "2026-11-16", 7) == due(scheduled('cron: "0 9 ? * 7"'), "2026-11-16", 7)


def test_business_days_leave_out_weekends_and_holidays_and_say_which() -> None:
    pytest.importorskip("holidays")
    schedule = scheduled(TEN, BERLIN, "days: business", "calendar: DE-BE")
    assert skipped(schedule, "2026-12-24", 4) == [
        "2026-12-25 holiday: Christmas Day (DE-BE)", "2026-12-26 Saturday is no business day",
        "2026-12-27 Sunday is no business day"]
    assert due(schedule, "2026-12-24", 4) == ["2026-12-24 10:00+01:00"]


def test_a_part_of_a_country_has_holidays_of_its_own() -> None:
    pytest.importorskip("holidays")
    assert skipped(scheduled(TEN, BERLIN, "calendar: DE-BY"), "2027-01-06") == ["2027-01-06 holiday: Epiphany (DE-BY)"]
    assert skipped(scheduled(TEN, BERLIN, "calendar: DE-BE"), "2027-01-06") == []


def test_a_week_ends_where_the_calendar_says() -> None:
    pytest.importorskip("holidays")
    schedule = scheduled(TEN, "Asia/Jerusalem", "days: business", "calendar: IL")
    assert [one[:10] for one in due(schedule, "2026-11-15", 7)] == [
        "2026-11-15", "2026-11-16", "2026-11-17", "2026-11-18", "2026-11-19"]


def test_an_exchange_is_a_calendar_too() -> None:
    pytest.importorskip("holidays")
    schedule = scheduled(TEN, NEW_YORK, "days: business", "calendar: NYSE")
    assert skipped(schedule, "2026-11-26") == ["2026-11-26 holiday: Thanksgiving Day (NYSE)"]


def test_days_are_named_one_by_one_or_as_a_range_that_may_go_round() -> None:
    assert [one[8:10] for one in due(scheduled(TEN, BERLIN, "days: [mon, thu]"), "2026-11-16", 7)] == ["16", "19"]
    assert [one[8:10] for one in due(scheduled(TEN, BERLIN, "days: sat-mon"), "2026-11-16", 7)] == ["16", "21", "22"]
    assert skipped(scheduled(TEN, BERLIN, "days: monday"), "2026-11-17") == ["2026-11-17 not on a Tuesday"]


@pytest.mark.parametrize("zone", ZONES)
def test_a_run_must_be_over_when_the_window_closes_undo_included(zone: str) -> None:
    hourly = scheduled('cron: "0 * * * *"', zone, "window: 09:00-16:00", longest_s=3600)
    assert {one[11:16] for one in due(hourly, "2026-09-20", 210)} == {f"{hour:02d}:00" for hour in range(9, 16)}
    longer = scheduled('cron: "0 * * * *"', zone, "window: 09:00-16:00", longest_s=3601)
    assert {one[11:16] for one in due(longer, "2026-09-20", 210)} == {f"{hour:02d}:00" for hour in range(9, 15)}


def test_what_does_not_fit_says_when_it_would_end() -> None:
    schedule = scheduled('cron: "59 15 * * *"', BERLIN, "window: 09:00-16:00", longest_s=143)
    assert skipped(schedule, "2026-11-23") == [
        "2026-11-23 may take 2 m 23 s, until 16:01, and may run until 16:00 only"]


def test_outside_the_window_is_said_so() -> None:
    schedule = scheduled('cron: "0 8 * * *"', BERLIN, "window: [09:00-12:00, 13:00-16:00]")
    assert skipped(schedule, "2026-11-23") == ["2026-11-23 outside the window 09:00-12:00 and 13:00-16:00"]


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_opens() -> None:
    schedule = scheduled('cron: "0 1,23 * * *"', BERLIN, "window: 22:00-04:00", "days: fri")
    assert due(schedule, "2026-11-19", 5) == ["2026-11-20 23:00+01:00", "2026-11-21 01:00+01:00"]


def test_days_without_hours_are_whole_days_and_a_run_may_last_from_one_into_the_next() -> None:
    schedule = scheduled('cron: "55 23 * * *"', BERLIN, "days: mon-fri", longest_s=3600)
    assert [one[8:10] for one in due(schedule, "2026-11-16", 7)] == ["16", "17", "18", "19"]
    assert skipped(schedule, "2026-11-20")[0].endswith("until 00:55, and may run until 00:00 only")


@pytest.mark.parametrize(("zone", "day"), [(BERLIN, "2027-03-28"), (NEW_YORK, "2027-03-14"), (LORD_HOWE, "2026-10-04")])
def test_on_a_short_night_a_window_is_shorter(zone: str, day: str) -> None:
    """From 01:00 to 04:00 there are only two hours, and on Lord Howe two and a half."""
    long_s = 2.75 * 3600
    schedule = scheduled('cron: "0 1 * * *"', zone, "window: 01:00-04:00", longest_s=long_s)
    begin = (at(day) - timedelta(days=1.5)).isoformat()[:16]
    assert [one[:10] for one in skipped(schedule, begin, 3)] == [day]


def test_a_window_that_opens_in_the_gap_opens_after_it() -> None:
    schedule = scheduled('cron: "*/30 * * * *"', BERLIN, "window: 02:30-04:00", longest_s=1800)
    assert due(schedule, "2027-03-27T23:00") == ["2027-03-28 03:00+02:00", "2027-03-28 03:30+02:00"]


def test_a_window_in_the_repeated_hour_closes_at_the_first_time_it_is_shown() -> None:
    schedule = scheduled('cron: "*/30 * * * *"', BERLIN, "window: 01:00-02:30", longest_s=1800)
    assert due(schedule, "2026-10-24T22:00") == [f"2026-10-25 {clock}+02:00" for clock in ("01:00", "01:30", "02:00")]


def test_blackouts_are_dates_or_ranges_to_the_end_of_the_last_day() -> None:
    sale = "  - {from: 2026-12-01, to: 2026-12-02, why: sale}"
    schedule = scheduled(TEN, KOLKATA, "blackouts:", "  - 2026-11-23", sale)
    assert [one[:10] for one in skipped(schedule, "2026-11-20", 15)] == ["2026-11-23", "2026-12-01", "2026-12-02"]
    assert skipped(schedule, "2026-12-01") == ["2026-12-01 blackout: sale (2026-12-01 00:00 to 2026-12-03 00:00)"]


def test_a_run_that_may_last_into_a_blackout_is_skipped() -> None:
    blackout = 'blackouts: [{from: "2026-11-23 12:00", to: "2026-11-23 18:00", why: release}]'
    assert skipped(scheduled('cron: "0 11 * * *"', BERLIN, blackout, longest_s=3600), "2026-11-23") == []
    assert skipped(scheduled('cron: "0 11 * * *"', BERLIN, blackout, longest_s=3601), "2026-11-23") == [
        "2026-11-23 blackout: release (may last into it; 2026-11-23 12:00 to 2026-11-23 18:00)"]
    assert due(scheduled('cron: "0 18 * * *"', BERLIN, blackout, longest_s=3600), "2026-11-23")


def test_a_blackout_is_by_the_wall_of_the_schedule() -> None:
    for zone in ZONES:
        schedule = scheduled('cron: "0 0,12,23 * * *"', zone, "blackouts: [2027-03-28]")
        assert {one[:10] for one in skipped(schedule, "2027-03-20", 20)} == {"2027-03-28"}
        assert len(skipped(schedule, "2027-03-20", 20)) == 3


def test_jitter_is_the_same_for_an_occurrence_every_time_and_differs_between_them() -> None:
    schedule = scheduled('cron: "0 * * * *"', BERLIN, "jitter: 10m")
    found = over(schedule, "2026-11-23", 10)
    assert found == over(schedule, "2026-11-23", 10)
    later_s = [(one.starts - one.due).total_seconds() for one in found]
    assert 0 <= min(later_s) < 60
    assert 540 < max(later_s) < 600
    assert len(set(later_s)) > 100


def test_a_start_that_jitter_moves_out_of_the_window_is_skipped() -> None:
    schedule = scheduled('cron: "55 15 * * *"', BERLIN, "jitter: 10m", "window: 09:00-16:00")
    found = over(schedule, "2026-11-01", 100)
    assert {one.status for one in found} == {Status.DUE, Status.SKIPPED}
    assert all((one.status is Status.DUE) == (one.starts - one.due < timedelta(minutes=5)) for one in found)


@pytest.mark.parametrize("zone", ZONES)
def test_chance_chooses_so_many_minutes_a_week_within_the_window_and_on_its_days(zone: str) -> None:
    schedule = scheduled("random: {times: 3, per: week}", zone, "window: 09:00-16:00", "days: mon-fri", longest_s=1800)
    found = occurrences(schedule, at("2026-09-21"), at("2027-04-19"))
    assert all(one.status is Status.DUE for one in found)
    walls = [one.due.astimezone(schedule.zone) for one in found]
    assert all((9, 0) <= (wall.hour, wall.minute) <= (15, 30) and wall.weekday() < 5 for wall in walls)
    assert {wall.weekday() for wall in walls} == {0, 1, 2, 3, 4}
    assert len({wall.isocalendar()[:2] for wall in walls}) * 3 in (len(walls), len(walls) + 1, len(walls) + 2)


def test_chance_does_not_choose_what_could_not_be_over_in_time() -> None:
    schedule = scheduled("random: {times: 1, per: day}", BERLIN, "window: 09:00-10:00", longest_s=3601)
    assert next_due(schedule, FakeClock().now()) is None


def test_the_next_occurrence_may_be_years_away() -> None:
    schedule = scheduled('cron: "0 9 29 2 *"')
    found = next_due(schedule, FakeClock().now())
    assert found
    assert found.due == at("2028-02-29T08:00")


def test_time_that_advances_leaves_occurrences_behind_and_repeats_none() -> None:
    clock = FakeClock(at("2027-03-27T20:00"))
    schedule = scheduled('cron: "30 2 * * *"', BERLIN)
    seen = []
    for _ in range(48):
        begun = clock.now()
        clock.advance(3600)
        seen += occurrences(schedule, begun, clock.now())
    assert [one.due for one in seen] == [at("2027-03-28T01:00"), at("2027-03-29T00:30")]


def test_what_was_missed_may_start_late_only_where_its_file_says_so_and_only_in_its_hours() -> None:
    due_at, soon, evening = at("2026-11-23T14:40"), at("2026-11-23T14:50"), at("2026-11-23T15:05")
    never = scheduled('cron: "40 15 * * *"', BERLIN, "window: 09:00-16:00")
    once = scheduled('cron: "40 15 * * *"', BERLIN, "window: 09:00-16:00", "missed: {run-once-within: 30m}")
    assert late(never, due_at, soon)
    assert late(once, due_at, soon) is None
    assert late(once, due_at, evening)
    assert late(once, due_at, due_at + timedelta(minutes=31))


def test_following_ones_come_in_order_without_end() -> None:
    found = following(scheduled(TEN, LORD_HOWE), at("2026-11-23"))
    first = [next(found).due for _ in range(400)]
    assert first == sorted(set(first))


# ── iCal ────────────────────────────────────────────────────────────────────────────────────────────────────────────

def ics(folder: Path, *lines: str, name: str = "freeze.ics") -> Path:
    body = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *lines, "END:VCALENDAR", ""])
    (folder / name).write_bytes(body.encode())
    return folder


def event(*lines: str) -> list[str]:
    return ["BEGIN:VEVENT", *lines, "END:VEVENT"]


FREEZE = "blackouts: [freeze.ics]"


def test_an_event_of_whole_days_ends_before_its_end_day(tmp_path: Path) -> None:
    ics(tmp_path, *event("DTSTART;VALUE=DATE:20261123", "DTEND;VALUE=DATE:20261125", "SUMMARY:Sale\\, big"))
    schedule = scheduled(TEN, NEW_YORK, FREEZE, folder=tmp_path)
    assert [one[:10] for one in skipped(schedule, "2026-11-20", 10)] == ["2026-11-23", "2026-11-24"]
    assert "blackout: Sale, big (" in skipped(schedule, "2026-11-20", 10)[0]


@pytest.mark.parametrize("start", ["DTSTART:20261123T090000Z", "DTSTART;TZID=America/New_York:20261123T040000",
                                   "DTSTART:20261123T100000", "DTSTART;TZID=\"/x.org/Europe/Berlin\":20261123T100000"])
def test_an_event_s_start_is_in_utc_in_its_zone_or_in_the_schedule_s(tmp_path: Path, start: str) -> None:
    ics(tmp_path, *event(start, "DURATION:PT30M"))
    schedule = scheduled('cron: "*/10 9-11 * * *"', BERLIN, FREEZE, folder=tmp_path)
    found = [one for one in over(schedule, "2026-11-23") if one.status is Status.SKIPPED]
    assert [one.due for one in found] == [at("2026-11-23T09:00"), at("2026-11-23T09:10"), at("2026-11-23T09:20")]


def test_an_event_repeats_by_the_wall_but_for_what_is_left_out_moved_or_cancelled(tmp_path: Path) -> None:
    pytest.importorskip("dateutil")
    weekly = event("UID:1", "DTSTART;TZID=Europe/Berlin:20270303T093000", "DTEND;TZID=Europe/Berlin:20270303T103000",
                   "RRULE:FREQ=WEEKLY;UNTIL=20270407T073000Z", "EXDATE;TZID=Europe/Berlin:20270310T093000")
    moved = event("UID:1", "RECURRENCE-ID;TZID=Europe/Berlin:20270317T093000",
                  "DTSTART;TZID=Europe/Berlin:20270318T093000", "DURATION:PT1H")
    cancelled = event("UID:1", "RECURRENCE-ID;TZID=Europe/Berlin:20270324T093000", "STATUS:CANCELLED",
                      "DTSTART;TZID=Europe/Berlin:20270324T093000", "DURATION:PT1H")
    ics(tmp_path, *weekly, *moved, *cancelled)
    schedule = scheduled(TEN, BERLIN, FREEZE, folder=tmp_path)
    assert [one[5:10] for one in skipped(schedule, "2027-03-01", 60)] == ["03-03", "03-18", "03-31", "04-07"]


def test_holidays_may_be_an_ical_file_with_folded_lines_or_dates(tmp_path: Path) -> None:
    ics(tmp_path, *event("DTSTART;VALUE=DATE:20261", " 123", "SUMMARY:Foun", "\tders' day"), name="ours.ics")
    schedule = scheduled(TEN, BERLIN, "calendar: [ours.ics, 2026-11-24]", folder=tmp_path)
    assert skipped(schedule, "2026-11-22", 4) == ["2026-11-23 holiday: Founders' day",
                                                  "2026-11-24 holiday: a day off, by the schedule"]
