"""Where runs are written, and the reports of a run made anew in its folder."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chaos_runner.recovery.unfinished import JOURNAL

if TYPE_CHECKING:
    from chaos_runner.experiment.project import Project

REPORTS_VARIABLE: Final = "CHAOS_RUNNER_REPORTS"


def reports_folder(option: Path | None, project: "Project | None" = None) -> Path:
    """Where runs are written: the option, else the environment's word, else that of `chaos.yaml`, else ./reports."""
    if option or os.environ.get(REPORTS_VARIABLE):
        return option or Path(os.environ[REPORTS_VARIABLE])
    return (_reports_above(Path.cwd()) if project is None else project.reports) or Path("reports")


def _reports_above(folder: Path) -> Path | None:
    from chaos_runner.experiment.project import project_above

    return project_above(folder).reports


def write_reports(folder: Path, to: Path | None = None, formats: Sequence[str] = ()) -> list[Path]:
    """Writes the reports of a run from its journal alone, those that every run has unless told which.

    Raises OSError, JournalUnreadable and, for a PDF, NotPrinted.
    """
    from chaos_runner.journal.reader import read
    from chaos_runner.report.last import last_before
    from chaos_runner.report.write import ALWAYS, write_all

    run, records = read(folder / JOURNAL)
    return write_all(run, records, to or folder, formats or ALWAYS, last_before(run, folder))
