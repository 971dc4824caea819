"""A schedule's file: what is a mistake in it, and where."""

from pathlib import Path

import pytest

from chaos_runner.schedule.model import Overlap
from tests.schedule.samples import read
from tests.schedule.test_calendar import event, ics

GOOD = "experiment: a.yaml\ncron: '0 10 * * *'\ntimezone: Europe/Berlin\n"


def complaints(text: str, folder: Path = Path("/nowhere")) -> list[str]:
    return [f"{finding.code} {finding.place.line}:{finding.place.column}" for finding in read(text, folder)[1]]


def test_a_schedule_is_off_unless_it_says_otherwise_and_never_starts_late() -> None:
    found, _ = read(GOOD)
    assert found
    assert (found.name, found.enabled, found.missed_within_s, found.overlap) == ("weekly", False, None, Overlap.SKIP)


@pytest.mark.parametrize(("text", "wanted"), [
    ("cron: '0 10 * * *'\n", ["E102 1:1", "E102 1:1"]),
    ("experiment: a\ntimezone: UTC\n", ["E403 1:1"]),
    (GOOD + "every: 6h\n", ["E403 1:1"]),
    (GOOD + "starting: 2026-01-01\n", ["E403 4:1"]),
    ("experiment: a\ntimezone: CEST\ncron: '@daily'\n", ["E402 2:11"]),
    ("experiment: a\ntimezone: UTC\ncron: '0 10 * *'\n", ["E401 3:7"]),
    ("experiment: a\ntimezone: UTC\ncron: '* * * * * *'\n", ["E401 3:7"]),
    ("experiment: a\ntimezone: UTC\ncron: '61 10 * * *'\n", ["E401 3:7"]),
    ("experiment: a\ntimezone: UTC\ncron: '@reboot'\n", ["E401 3:7"]),
    ("experiment: a\ntimezone: UTC\ncron: '0 10 15W * *'\n", ["E401 3:7"]),
    ("experiment: a\ntimezone: UTC\ncron: '0 0 30 2 *'\n", ["E401 3:7"]),
    ("experiment: a\ntimezone: UTC\ncron: '0 9 13 * 5'\n", ["W320 3:7"]),
    ("experiment: a\ntimezone: UTC\nevery: 10s\n", ["E403 3:8"]),
    ("experiment: a\ntimezone: UTC\nevery: 10\n", ["E201 3:8"]),
    ("experiment: a\ntimezone: UTC\nevery: 1h\njitter: 2h\n", ["E403 4:9"]),
    ("experiment: a\ntimezone: UTC\nrandom: {times: 1, per: day}\n", ["E403 3:1"]),
    ("experiment: a\ntimezone: UTC\nwindow: 09:00-10:00\nrandom: {times: 0, per: year}\n", ["E103 4:17", "E104 4:25"]),
    (GOOD + "window: 9 to 4\n", ["E404 4:9"]),
    (GOOD + "window: 09:00-25:00\n", ["E404 4:9"]),
    (GOOD + "window: 09:00-09:00\n", ["E404 4:9"]),
    (GOOD + "days: holidays\n", ["E404 4:7"]),
    (GOOD + "days: business\n", ["W321 4:7"]),
    (GOOD + "calendar: XX-YY\n", ["E406 4:11"]),
    (GOOD + "calendar: 5\n", ["E103 4:11"]),
    (GOOD + "calendar: none.ics\n", ["E407 4:11"]),
    (GOOD + "blackouts: [soon]\n", ["E404 4:13"]),
    (GOOD + "blackouts: [{from: 2026-12-24}]\n", ["E102 4:13"]),
    (GOOD + "blackouts: [{from: 2026-12-24, to: 2026-12-20}]\n", ["E404 4:36"]),
    (GOOD + "blackouts: [2026-12-24T00:00:00Z]\n", ["E404 4:13"]),
    (GOOD + "blackouts: [{from: 2026-12-24, to: 9999-12-31}]\n", ["E404 4:36"]),
    (GOOD.replace("cron: '0 10 * * *'", "every: 6h") + "starting: 0001-01-01\n", ["E404 4:11"]),
    (GOOD + "missed: later\n", ["E104 4:9"]),
    (GOOD + "overlap: kill\n", ["E104 4:10"]),
    (GOOD + "dst: {gap: later}\n", ["E104 4:12"]),
    (GOOD + "enabled: 'yes'\n", ["E103 4:10"]),
    (GOOD + "blackout: [2026-12-24]\n", ["E101 4:1"]),
    (GOOD + "gates: [{probe: http.status}]\n", ["E206 4:9", "E304 4:9"]),
    ("[]", ["E005 1:1"]), ("", ["E004 1:1"]), ("experiment: [\n", ["E007 2:1"])])
def test_every_mistake_is_told_with_its_place(text: str, wanted: list[str]) -> None:
    if "XX-YY" in text:
        pytest.importorskip("holidays")
    assert complaints(text) == wanted
    found, _ = read(text)
    assert (found is None) == any(code.startswith("E") for code in wanted)


def test_a_key_that_nobody_knows_makes_no_schedule() -> None:
    found, [finding] = read(GOOD + "frozen: true\n")
    assert (found, finding.code) == (None, "W101")


def test_a_day_may_stand_in_quotes_as_in_json_it_must() -> None:
    found, complaints = read(GOOD + "calendar: ['2026-11-23', 2026-11-24]\n")
    assert found
    assert [f"{day}" for day in found.calendar.days] == ["2026-11-23", "2026-11-24"]
    assert complaints == []


def test_notes_of_one_s_own_may_stand_in_it() -> None:
    assert complaints(GOOD + "x-ticket: 17\n") == []


def test_gates_are_read_as_in_an_experiment() -> None:
    found, _ = read(GOOD + "gates: [{name: no incident, probe: http.status, arguments: {url: 'http://127.0.0.1'}, "
                           "equals: 204, watch: true}]\n")
    assert found
    assert [gate.probe.name for gate in found.gates] == ["no incident"]


@pytest.mark.parametrize(("lines", "line"), [
    (event("SUMMARY:never"), 3), (event("DTSTART:soon"), 4), (event("DTSTART:20261123T100000Z"), 4),
    (event("DTSTART;TZID=Mars/Olympus:20261123T100000", "DURATION:PT1H"), 4),
    (event("DTSTART:20261123T100000Z", "DTEND:20261123T090000Z"), 5),
    (event("DTSTART:20261123T100000Z", "DURATION:PT1H", "RRULE:FREQ=SECONDLY"), 6),
    (event("DTSTART:20261123T100000Z", "DURATION:PT1H", "RRULE:FREQ=SOMETIMES"), 6),
    (event("DTSTART:20261123T100000Z", "DURATION:P9999D"), 5), (event("DTSTART;VALUE=DATE:99991231"), 4),
    (event("DTSTART:20261123T100000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;INTERVAL=0"), 6),
    (event("DTSTART:20261123T100000Z", "DURATION:PT1H", "RDATE;VALUE=PERIOD:20261124T100000Z/PT1H"), 6)])
def test_what_is_not_understood_of_an_ical_file_is_told_with_its_line(
        tmp_path: Path, lines: list[str], line: int) -> None:
    ics(tmp_path, *lines)
    found, [finding] = read(GOOD + "blackouts: [freeze.ics]\n", tmp_path)
    assert found is None
    assert (finding.code, finding.place.file, finding.place.line) == ("E407", "freeze.ics", line)


def test_a_file_that_is_no_calendar_is_refused(tmp_path: Path) -> None:
    (tmp_path / "freeze.ics").write_text("<html>not found</html>")
    assert complaints(GOOD + "blackouts: [freeze.ics]\n", tmp_path) == ["E407 1:1"]
    (tmp_path / "freeze.ics").write_bytes(b"\xff\xfe")
    assert complaints(GOOD + "blackouts: [freeze.ics]\n", tmp_path) == ["E407 4:13"]
