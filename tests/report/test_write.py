from pathlib import Path

import pytest

from chaos_runner.report.write import write_all
from chaos_runner.report.writing import write
from tests.report import stories


def test_all_reports_of_a_run_are_written_and_nothing_else(tmp_path: Path) -> None:
    write_all(*stories.hostile("<b>\x00\ud800"), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal.json", "junit.xml", "report.html", "report.md"]


def test_a_file_that_cannot_be_written_whole_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write(path, "new \ud800")
    assert [found.name for found in tmp_path.iterdir()] == ["report.html"]
    assert path.read_text() == "old"


def test_every_kind_of_run_can_be_written(tmp_path: Path) -> None:
    for told in stories.TOLD.values():
        write_all(*told(), tmp_path)
