"""freeze.state, on files."""

from datetime import datetime
from pathlib import Path

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import BadQuestion, NoData
from chaos_runner.probes.freeze import FROZEN, OPEN, FreezeFile, state_at

LIST = """\
- 2026-12-24
- {from: 2026-12-18, to: 2027-01-06, why: the end of the year}
- {from: "2026-11-27 18:00", to: "2026-11-30 08:00", why: Black Friday}
- {from: 2026-06-01T10:00:00Z, to: 2026-06-01T11:00:00Z}
"""
CALENDAR = """\
BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:1
DTSTART;TZID=America/New_York:20261127T090000
DTEND;TZID=America/New_York:20261127T170000
SUMMARY:Black Friday
END:VEVENT
END:VCALENDAR
"""


def state(folder: Path, now: str, file: str = "freezes.yaml", ahead: float = 0.0) -> tuple[str, str]:
    asked = FreezeFile(file=file, timezone="Europe/Berlin", ahead=ahead)
    found = state_at(asked, datetime.fromisoformat(now), folder)
    return found.value, found.note


def written(folder: Path, text: str, name: str = "freezes.yaml") -> Path:
    (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(("now", "value", "note"), [
    ("2026-11-20T12:00+01:00", OPEN, ""),
    ("2026-11-27T17:59:59+01:00", OPEN, ""),
    ("2026-11-27T18:00+01:00", FROZEN, "Black Friday, until 2026-11-30 08:00 Europe/Berlin"),
    ("2026-11-30T08:00+01:00", OPEN, ""),
    ("2027-01-06T23:59+01:00", FROZEN, "the end of the year, until 2027-01-07 00:00 Europe/Berlin"),
    ("2027-01-07T00:00+01:00", OPEN, ""),
    ("2026-12-17T23:00+00:00", FROZEN, "the end of the year, until 2027-01-07 00:00 Europe/Berlin"),
    ("2026-06-01T12:30+02:00", FROZEN, "until 2026-06-01 13:00 Europe/Berlin"),
])
def test_a_list_says_when_changes_are_frozen(tmp_path: Path, now: str, value: str, note: str) -> None:
    assert state(written(tmp_path, LIST), now) == (value, note)


def test_a_day_alone_is_frozen_from_midnight_to_midnight(tmp_path: Path) -> None:
    written(tmp_path, "- 2026-12-24\n")
    assert [state(tmp_path, f"2026-12-{when}+01:00")[0] for when in ("23T23:59", "24T00:00", "24T23:59", "25T00:00")] \
        == [OPEN, FROZEN, FROZEN, OPEN]


def test_an_ical_file_says_it_in_its_own_zone(tmp_path: Path) -> None:
    written(tmp_path, CALENDAR, "freezes.ics")
    assert state(tmp_path, "2026-11-27T14:59+01:00", "freezes.ics")[0] == OPEN
    assert state(tmp_path, "2026-11-27T15:00+01:00", "freezes.ics") == \
        (FROZEN, "Black Friday, until 2026-11-27 23:00 Europe/Berlin")


def test_a_freeze_that_is_near_counts_with_ahead(tmp_path: Path) -> None:
    written(tmp_path, LIST)
    assert state(tmp_path, "2026-11-27T17:30+01:00", ahead=3600) == \
        (FROZEN, "Black Friday, from 2026-11-27 18:00 until 2026-11-30 08:00 Europe/Berlin")
    assert state(tmp_path, "2026-11-27T16:59+01:00", ahead=3600) == (OPEN, "")


def test_no_freeze_is_an_empty_list(tmp_path: Path) -> None:
    assert state(written(tmp_path, "[]\n"), "2026-11-27T17:30+01:00") == (OPEN, "")


def test_the_file_is_looked_for_from_the_folder_upwards(tmp_path: Path) -> None:
    written(tmp_path, LIST)
    below = tmp_path / "experiments" / "checkout"
    below.mkdir(parents=True)
    assert state(below, "2026-12-24T12:00+01:00")[0] == FROZEN


@pytest.mark.parametrize(("text", "said"), [
    ("", ":1:1: wanted a list of freezes"), ("from: 2026-12-18\n", ":1:1: wanted a list of freezes"),
    ("- 2026-12-24\n- soon\n", ":2:3: wanted a day"), ("- 2026-13-24\n", ":1:3: wanted a day or a time"),
    ("- {from: 2026-12-18}\n", ":1:3: to is missing"), ("- {from: 2026-12-18, till: 2026-12-19}\n", ":1:22: a freeze"),
    ("- {from: 2026-12-18, to: 2026-12-01}\n", ":1:26: the freeze ends before it begins"),
    ("- {from: 2026-12-18, to: [1]}\n", ":1:26: to must be a text"), ("- [2026-12-24]\n", ":1:3: wanted a day"),
    ("- {from: 2026-12-18, to: 9999-12-31}\n", ":1:26: wanted a year"), ("- {from: 2026-12-18\n", ": it is no YAML"),
    ("- 2026-12-24\n- {from: a, to: b}\n", ":2:10: wanted a day or a time"), ("[" * 500_000, ": it is no YAML"),
])
def test_what_is_not_understood_is_no_data_and_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(NoData) as problem:
        state(written(tmp_path, text), "2026-11-20T12:00+01:00")
    assert said.removeprefix(":") in str(problem.value)
    assert str(tmp_path / "freezes.yaml") + said.partition(": ")[0] in str(problem.value)


@pytest.mark.parametrize(("data", "said"), [
    (b"<html>not found</html>", ":1:1: this is no iCal file"), (b"\xff\xfe", "it is not UTF-8"),
    (CALENDAR.replace("DTEND", "X-END").encode(), ":5:1: the event has neither DTEND nor DURATION")])
def test_an_ical_file_that_is_not_understood_is_no_data(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "freezes.ics").write_bytes(data)
    with pytest.raises(NoData, match=said):
        state(tmp_path, "2026-11-20T12:00+01:00", "freezes.ics")


def test_a_file_that_is_not_there_is_no_data(tmp_path: Path) -> None:
    with pytest.raises(NoData, match=r"freezes\.yaml: there is no such file"):
        state(tmp_path, "2026-11-20T12:00+01:00")


def test_a_zone_that_there_is_not_is_a_bad_question(tmp_path: Path) -> None:
    with pytest.raises(BadQuestion, match="no zone"):
        state_at(FreezeFile(file="freezes.yaml", timezone="Berlin"), datetime.fromisoformat("2026-11-20T12:00+01:00"),
                 written(tmp_path, LIST))


def test_the_probe_reads_the_clock(tmp_path: Path) -> None:
    file = written(tmp_path, "- {from: 2000-01-01, to: 2999-01-01}\n") / "freezes.yaml"
    assert shelf.probe("freeze.state").read(FreezeFile(file=str(file), timezone="UTC")).value == FROZEN
