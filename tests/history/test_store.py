"""The database is a projection: whatever happens to it, the folders tell the same."""

import multiprocessing
import shutil
import sqlite3
from pathlib import Path

import pytest

from chaos_runner.errors import UsageError
from chaos_runner.history.asking import History, Wanted
from chaos_runner.history.store import NAME, ask, rebuild
from chaos_runner.wiring import enter_into_history
from tests.history.folders import change, run_id, written


@pytest.fixture(scope="module")
def four_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    for number, story in enumerate(("passed", "deviated", "not-restored", "aborted")):
        written(folder, number, story)
    return folder


@pytest.fixture
def reports(tmp_path: Path, four_runs: Path) -> Path:
    """Four runs, for one test alone."""
    return Path(shutil.copytree(four_runs, tmp_path, symlinks=True, dirs_exist_ok=True))


def runs(reports: Path, said: list[str] | None = None, **wanted: object) -> list[str]:
    heard: list[str] = []
    found = ask(reports, lambda history: history.runs(Wanted(**wanted)), heard.append)  # type: ignore[arg-type]
    assert heard == [] or said is not None
    if said is not None:
        said.extend(heard)
    return [row.run for row in found]


def others(reports: Path) -> dict[str, str]:
    return {other.run: other.why for other in ask(reports, History.others, pytest.fail)}


NEWEST_FIRST = [run_id(number) for number in (3, 2, 1, 0)]


def test_runs_come_newest_first_and_worst_first_when_asked(reports: Path) -> None:
    assert runs(reports) == NEWEST_FIRST
    assert runs(reports, worst_first=True) == [run_id(number) for number in (2, 1, 3, 0)]


def test_runs_are_filtered_by_experiment_verdict_time_and_number(reports: Path) -> None:
    written(reports, 9, title="Orders survive")
    assert runs(reports, experiment="orders") == [run_id(9)]
    assert runs(reports, experiment="07-checkout", verdict="aborted") == [run_id(3)]
    assert runs(reports, verdict="deviated") == [run_id(2), run_id(1)]
    assert runs(reports, since="2026-11-23T00:00:00Z") == [run_id(9), run_id(3)]
    assert runs(reports, limit=1) == [run_id(9)]


def test_an_experiment_that_was_never_run_is_an_error_that_names_those_that_were(reports: Path) -> None:
    with pytest.raises(UsageError, match="Checkout survives"):
        runs(reports, experiment="nobody")


def test_a_row_holds_worst_value_limit_and_margin(reports: Path) -> None:
    [row] = [row for row in ask(reports, lambda history: history.probes([run_id(1)]), pytest.fail)
             if (row.phase, row.position) == ("during", 3)]
    assert (row.name, row.state, row.unit, row.bound) == ("p99 latency of checkout", "deviated", "s", 0.4)
    assert row.worst == pytest.approx(0.6136, abs=1e-3)
    assert row.margin == pytest.approx(-0.2136, abs=1e-3)
    assert row.limit_words == "below 400 ms"


def test_a_folder_that_was_copied_in_or_deleted_is_seen(reports: Path) -> None:
    assert runs(reports) == NEWEST_FIRST
    written(reports, 4, complete=False)
    shutil.rmtree(reports / "runs" / run_id(0))
    assert runs(reports) == [run_id(4), *NEWEST_FIRST[:3]]


def test_a_run_without_an_outcome_is_named_until_it_has_one(reports: Path) -> None:
    folder = written(reports, 5, complete=False)
    (folder / "outcome.json").rename(folder / "later")
    assert runs(reports) == NEWEST_FIRST
    assert "recover" in others(reports)[run_id(5)]
    (folder / "later").rename(folder / "outcome.json")
    assert runs(reports)[0] == run_id(5)
    assert others(reports) == {}


@pytest.mark.parametrize(("before", "after", "said"), [
    ('"schema": 1', '"schema": 2', "newer chaos-runner"),
    ('"verdict": "passed"', '"verdict": "splendid"', "damaged"),
    ('"exit": 0', '"exit": 99999999999999999999999', "damaged"),
    (f'"run": "{run_id(6)}"', '"run": "01OTHER"', "of 01OTHER"),
    ("{", "", "damaged"),
])
def test_an_outcome_that_cannot_be_read_is_left_out_and_said(reports: Path, before: str, after: str, said: str) -> None:
    change(written(reports, 6, complete=False) / "outcome.json", before, after)
    assert runs(reports) == NEWEST_FIRST
    assert said in others(reports)[run_id(6)]


@pytest.mark.parametrize("damage", [b"not a database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_database_is_made_again_and_said(reports: Path, damage: bytes) -> None:
    (reports / NAME).write_bytes(damage)
    said: list[str] = []
    assert runs(reports, said) == NEWEST_FIRST
    assert len(said) == 1
    assert "made again" in said[0]
    assert runs(reports) == NEWEST_FIRST


def test_a_page_that_was_overwritten_in_the_middle_is_noticed_and_the_database_made_again(reports: Path) -> None:
    with (reports / NAME).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * ((reports / NAME).stat().st_size - 4096))
    assert runs(reports, []) == NEWEST_FIRST
    assert runs(reports) == NEWEST_FIRST


def test_a_database_of_another_version_or_an_empty_one_is_filled_anew(reports: Path) -> None:
    with sqlite3.connect(reports / NAME) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    assert runs(reports) == NEWEST_FIRST
    (reports / NAME).write_bytes(b"")
    assert runs(reports) == NEWEST_FIRST


def test_a_run_is_entered_though_the_database_was_damaged(reports: Path) -> None:
    (reports / NAME).write_bytes(b"rubbish" * 1000)
    written(reports, 7)
    assert runs(reports)[0] == run_id(7)


def test_where_no_database_can_be_the_folders_answer(reports: Path) -> None:
    (reports / NAME).unlink()
    (reports / NAME).mkdir()
    said: list[str] = []
    assert runs(reports, said) == NEWEST_FIRST
    assert "read instead" in said[0]
    folder = written(reports, 8, complete=False)
    assert "catches up" in enter_into_history(folder)


@pytest.mark.slow
def test_a_database_that_somebody_holds_locked_is_not_waited_for_for_long(reports: Path) -> None:
    written(reports, 8, complete=False)
    with sqlite3.connect(reports / NAME) as db:
        db.execute("BEGIN EXCLUSIVE")
        said: list[str] = []
        assert runs(reports, said)[0] == run_id(8)
        assert "locked" in said[0]
    db.close()


def test_a_folder_of_reports_without_runs_gets_no_database(tmp_path: Path) -> None:
    assert runs(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_two_rebuilds_and_ten_runs_at_once_lose_nothing(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write_some, args=(tmp_path, first)) for first in (0, 5)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        rebuild(tmp_path)
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert sorted(runs(tmp_path)) == [run_id(number) for number in range(10)]


def _write_some(reports: Path, first: int) -> None:
    for number in range(first, first + 5):
        enter_into_history(written(reports, number, "nothing", complete=False))


def test_the_run_before_is_of_the_same_experiment(reports: Path) -> None:
    written(reports, 4, title="Orders survive")
    title = "Checkout survives the loss of one replica while its database is slow"
    found = ask(reports, lambda history: history.before(run_id(5), title, ""), pytest.fail)
    assert found is not None
    assert found.run == run_id(3)
