"""The lines in which people read what became of due times."""

from chaos_runner.cli.ink import Ink
from chaos_runner.cli.timetable import log_lines
from chaos_runner.ledger.occurrences import Row, State

AT = "2026-11-21T16:30:00.000Z"
RAN = Row(schedule="often", due=AT, starts=AT, state=State.RAN, verdict="deviated", restored="restored", run="01M7")
SKIPPED = Row(schedule="never-\x1b[2J", due=AT, starts=AT, state=State.SKIPPED, reason="outside the window")


def test_a_line_says_what_became_of_a_due_time_and_names_stand_one_below_the_other() -> None:
    assert list(log_lines([RAN, SKIPPED], Ink(on=False))) == [
        "2026-11-21 16:30:00Z  ✖ often       deviated, restored  01M7",
        "2026-11-21 16:30:00Z  ○ never-\\x1b[2J  skipped: outside the window"]


def test_without_rows_there_are_no_lines() -> None:
    assert list(log_lines([], Ink(on=False))) == []
