"""What the page and the examples say is what is read."""

import re
from pathlib import Path

import pytest

from chaos_runner.clock import FakeClock
from chaos_runner.experiment.codes import CODES
from chaos_runner.schedule import loading, reading
from chaos_runner.schedule.diary import Why
from tests.docs.pages import ROOT, blocks, inline
from tests.schedule.samples import read
from tests.schedule.test_calendar import event, ics

EXAMPLES = loading.files_in(ROOT / "schedules")


def test_the_schedule_on_the_page_is_one(tmp_path: Path) -> None:
    pytest.importorskip("holidays")
    [shown] = [block for block in blocks("yaml", pages=("scheduling",)) if "timezone" in block.text]
    ics(tmp_path, *event("DTSTART;VALUE=DATE:20261123"), name="freezes.ics")
    found, findings = read(shown.text, tmp_path)
    assert found
    assert findings == []


@pytest.mark.parametrize("key", sorted({
    *reading.SCHEDULE_KEYS, *reading.DST_KEYS, *reading.RANDOM_KEYS, *reading.BLACKOUT_KEYS, *reading.MISSED_KEYS,
    *Why}))
def test_every_key_and_every_reason_is_named(key: str) -> None:
    assert any(re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", code) for code in inline("scheduling"))


@pytest.mark.parametrize("file", EXAMPLES)
def test_the_examples_are_valid_off_and_due_some_day(file: str) -> None:
    pytest.importorskip("holidays")
    found = loading.load(file)
    assert found.schedule
    assert not found.schedule.enabled
    assert [*found.findings, *loading.check(found, FakeClock())] == []


def test_every_code_of_a_schedule_is_explained() -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "chaos_runner" / "schedule").glob("*.py"))
    assert set(re.findall(r'"([EW]\d{3})"', text)) <= set(CODES)
