"""What differs between two runs, and what only noise makes differ."""

from pathlib import Path

import pytest

from chaos_runner.history.comparing import Compared, compared, told
from chaos_runner.history.reading import OutcomeUnreadable
from chaos_runner.report import difference
from tests.history.folders import change, written
from tests.report.test_page import POISON, Reader


@pytest.fixture
def worse(tmp_path: Path) -> Compared:
    return compared(written(tmp_path, 1, "passed", complete=False), written(tmp_path, 2, "deviated", complete=False))


def lines(found: Compared) -> list[str]:
    return [one.words for one in found.differences]


def test_the_verdict_and_the_probe_that_broke_are_worse(worse: Compared) -> None:
    assert "verdict: passed → deviated (worse)" in lines(worse)
    assert "p99 latency of checkout, during: held, 352 ms, 47.5 ms inside → deviated, 614 ms, 214 ms beyond (worse)" \
        in lines(worse)


def test_the_other_way_round_it_is_better(tmp_path: Path) -> None:
    found = compared(written(tmp_path, 1, "deviated", complete=False), written(tmp_path, 2, "passed", complete=False))
    assert "verdict: deviated → passed (better)" in lines(found)


def test_parts_of_the_plan_that_changed_are_named(worse: Compared) -> None:
    assert 'the step "warm the cache" (r0) is gone' in lines(worse)


def test_a_run_does_not_differ_from_one_that_went_alike(tmp_path: Path) -> None:
    found = compared(written(tmp_path, 1, complete=False), written(tmp_path, 2, complete=False))
    assert told(found)["same"] is True


def test_less_than_a_tenth_is_noise(tmp_path: Path) -> None:
    one, other = written(tmp_path, 1, complete=False), written(tmp_path, 2, complete=False)
    change(other / "outcome.json", '"worst": 0.24,', '"worst": 0.25,')
    assert lines(compared(one, other)) == []
    change(other / "outcome.json", '"worst": 0.25,', '"worst": 0.29,')
    [found] = lines(compared(one, other))
    assert found.startswith("p99 latency of checkout, before, worst value: 240 ms, 160 ms inside → 290 ms")


def test_other_targets_are_named(tmp_path: Path) -> None:
    one, other = written(tmp_path, 1, complete=False), written(tmp_path, 2, complete=False)
    change(other / "outcome.json", "checkout-7d9f-x2k", "checkout-7d9f-aaa")
    assert lines(compared(one, other)) == [
        "kill one checkout pod, targets: shop/checkout-7d9f-x2k → shop/checkout-7d9f-aaa"]


def test_words_of_another_version_are_compared_all_the_same(tmp_path: Path) -> None:
    one, other = written(tmp_path, 1, complete=False), written(tmp_path, 2, complete=False)
    change(other / "outcome.json", '"unit": "s"', '"unit": "furlongs"')
    change(other / "outcome.json", '"state": "held"', '"state": "wobbly"')
    assert "held, 240 ms, 160 ms inside → wobbly, 0.24" in lines(compared(one, other))[0]


def test_without_a_journal_the_outcomes_are_compared_and_that_is_said(tmp_path: Path) -> None:
    one, other = written(tmp_path, 1, complete=False), written(tmp_path, 2, complete=False)
    (other / "journal.ndjson").unlink()
    assert "not compared" in compared(one, other).notes[0]


def test_without_an_outcome_nothing_is_compared(tmp_path: Path) -> None:
    with pytest.raises(OutcomeUnreadable, match="recover"):
        compared(written(tmp_path, 1, complete=False), written(tmp_path, 2, "cut-off", complete=False))


def test_the_page_is_whole_and_escapes_everything(tmp_path: Path) -> None:
    one, other = (written(tmp_path, number, complete=False, title=POISON.replace("\ud800", "") + str(number))
                  for number in (1, 2))
    page = Reader(difference.html(compared(one, other), "../"))
    assert page.open == []
    assert not page.all("script") + page.all("img")
    assert "What is not the same" in page.text
