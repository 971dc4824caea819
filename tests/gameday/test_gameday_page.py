"""A day's page and the beginning of its postmortem: what they tell, and what they do not."""

import re
from pathlib import Path

import pytest

from chaos_runner.report.day_postmortem import text as postmortem
from chaos_runner.report.gameday import view
from tests.gameday.samples import RUN, begun, day, ran
from tests.gameday.stories import HIDDEN, long, page, played
from tests.report.payloads import PAYLOADS


def test_every_run_stands_with_its_verdict_its_times_and_a_link_that_leads_to_it(tmp_path: Path) -> None:
    told = view(played(tmp_path), tmp_path, "")
    assert [[mark.word for mark in run.marks] for run in told.runs] == [["Passed"], ["Deviated"]]
    for run in told.runs:
        assert (tmp_path / "gamedays" / "01DAY" / run.href).resolve().is_file()
    assert told.runs[0].note
    assert re.fullmatch(r"[\d.]+ m?s", told.runs[1].detected)


def test_the_day_stands_on_one_axis_with_runs_notes_and_holds(tmp_path: Path) -> None:
    told = view(played(tmp_path), tmp_path, "")
    assert [len(lane.spans) for lane in told.lanes] == [1, 1, 2, 1, 1, 1]
    assert [len(lane.bands) for lane in told.lanes] == [0, 0, 0, 1, 1, 0]
    assert told.lanes[4].acted
    assert [point.action for point in told.points] == [False, True, True]
    assert len(told.holds) == 1
    for span in (span for lane in told.lanes for span in (*lane.spans, *lane.bands, *lane.acted)):
        assert 0 <= span.x <= 100
        assert span.x + span.width <= 100.01


def test_who_said_go_and_what_is_to_be_done_by_whom(tmp_path: Path) -> None:
    told = view(played(tmp_path), tmp_path, "")
    assert [answer.mark.word for answer in told.answers if answer.mark] == ["no-go", "go", "go"]
    assert [bool(action.beside) for action in told.actions] == [True, False]
    assert [file.mark.word for file in told.files] == ["changed since", "as committed", "not there any more"]
    assert len(told.decisions) == 6


def test_what_is_sealed_is_told_when_it_is_opened_and_not_before(tmp_path: Path) -> None:
    before, after = (view(played(tmp_path / name, over=over), tmp_path / name, "")
                     for name, over in (("left", False), ("over", True)))
    assert before.runs[1].title == before.agenda[4].words == "sealed experiment"
    assert (before.runs[1].href, before.runs[1].sentence, before.runs[1].detected_by) == ("", "", "")
    assert after.runs[1].title == HIDDEN
    assert HIDDEN not in page(played(tmp_path / "page", over=False), tmp_path / "page")


def test_a_day_that_left_something_behind_says_so_above_all() -> None:
    from chaos_runner.gameday import events as ev

    at = begun(RUN).after([*ran(0, "R1", "passed", 6, restored="not-restored"),
                           ev.DayEnded(t=20.0, verdict="passed", exit=6, sentence="", by="root")])
    told = view(at, Path("/nowhere"), "")
    assert told.mark.word == "Not restored"
    assert [mark.word for mark in told.runs[0].marks] == ["Passed", "Not restored"]


def test_a_day_in_which_nothing_has_happened_has_a_page(tmp_path: Path) -> None:
    assert "was left" in page(day(RUN), tmp_path)


@pytest.mark.parametrize("payload", [one for one in PAYLOADS.values() if len(one) < 1000])
def test_whatever_is_said_is_shown_and_does_nothing(tmp_path: Path, payload: str) -> None:
    told = page(played(tmp_path, payload), tmp_path)
    assert "<script" not in told
    assert "<img" not in told
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert "default-src 'none'" in told


def test_a_day_as_long_as_can_be_has_a_page_of_bearable_size(tmp_path: Path) -> None:
    assert len(page(long(tmp_path), tmp_path)) < 1_500_000


def test_the_postmortem_has_the_timeline_the_action_items_and_each_run_that_did_not_pass(tmp_path: Path) -> None:
    told = postmortem(played(tmp_path), tmp_path)
    assert told.startswith("# Game day: ")
    assert "no-go for lead" in told
    assert told.count("## Postmortem: ") == 1
    assert "### Timeline" in told
    assert len(re.findall(r"^\| \d\d:\d\d:\d\d \| T\+", told.partition("## Postmortem")[0], re.MULTILINE)) > 10
