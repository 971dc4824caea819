"""The pages about many runs: read without scripts, linked to the reports, worst first."""

import re
from pathlib import Path

import pytest

from chaos_runner.history.asking import History
from chaos_runner.history.rows import ProbeRow, RunRow
from chaos_runner.history.store import ask
from chaos_runner.report import trend
from tests.history.folders import run_id, written
from tests.report.test_page import POISON, Reader

KINDS = ("passed", "deviated", "not-restored", "aborted", "not-started", "interrupted", "nothing", "reported-only")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    for number, story in enumerate(KINDS):
        written(folder, number, story)
    return folder


def of_trend(history: History) -> tuple[list[RunRow], list[ProbeRow]]:
    rows = history.trend("Checkout", 50)
    return rows, history.probes([row.run for row in rows])


def test_the_index_is_written_after_each_run_and_lists_all_of_them(reports: Path) -> None:
    page = Reader((reports / "index.html").read_text())
    links = {link["href"] for link in page.all("a")}
    assert {f"runs/{run_id(number)}/report.html" for number in range(len(KINDS))} <= links
    assert page.open == []
    assert not page.all("script")


def test_the_index_has_what_is_not_restored_first_and_passed_last(reports: Path) -> None:
    page = (reports / "index.html").read_text()
    rows = re.findall(r'<tr role="row" class="([^"]+)"', page)
    assert rows[0].endswith(" left")
    assert rows[-1].startswith("passed")


def test_every_filter_of_the_index_leads_to_an_anchor_that_a_style_rule_knows(reports: Path) -> None:
    text = (reports / "index.html").read_text()
    page = Reader(text)
    anchors = {str(span["id"]) for span in page.all("span") if span.get("class") == "pick"}
    assert {"deviated", "passed", "left", "x-0"} <= anchors
    assert {str(link["href"])[1:] for link in page.all("a") if re.match("#.", str(link["href"]))} <= anchors
    assert all(f"#{anchor}:target ~ main .runs tbody tr:not(.{anchor})" in text for anchor in anchors)


def test_what_is_not_restored_stays_in_the_index_however_old(reports: Path) -> None:
    found = ask(reports, lambda history: history.left(10), pytest.fail)
    assert [row.run for row in found] == [run_id(2)]


def test_a_folder_without_an_outcome_stands_in_the_index(tmp_path: Path) -> None:
    written(tmp_path, 1, "cut-off", complete=False)
    written(tmp_path, 2)
    assert "Without an outcome" in (tmp_path / "index.html").read_text()


def test_a_hostile_title_is_text_in_every_page(tmp_path: Path) -> None:
    written(tmp_path, 1, title=POISON.replace("\ud800", ""))
    rows, probes = ask(tmp_path, lambda history: (history.trend("alert", 5), history.probes([run_id(1)])), pytest.fail)
    for text in ((tmp_path / "index.html").read_text(), trend.html(rows, probes, "../")):
        page = Reader(text)
        assert page.open == []
        assert not page.all("script") + page.all("img")
        assert "\x1b" not in text


def test_the_trend_draws_each_probe_with_its_limit_and_crosses_what_deviated(reports: Path) -> None:
    rows, probes = ask(reports, of_trend, pytest.fail)
    found = {one.name: one for one in trend.view(rows, probes, "../").multiples}
    p99 = found["p99 latency of checkout"]
    assert [dot.bad for dot in p99.dots] == [False, True, True, False, False]
    assert p99.limit.count("M") == 5
    assert "recovered in" in found


def test_the_trend_says_the_last_margin_in_words(tmp_path: Path) -> None:
    written(tmp_path, 1, "deviated")
    rows, probes = ask(tmp_path, of_trend, pytest.fail)
    assert "last 614 ms, 214 ms beyond" in Reader(trend.html(rows, probes, "../")).text


def test_pages_of_titles_that_look_alike_are_different_files() -> None:
    assert trend.page_of("Checkout!") != trend.page_of("Checkout?")
    assert trend.page_of("日本").name.startswith("experiment-")
