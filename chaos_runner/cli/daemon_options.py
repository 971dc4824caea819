"""What the daemon and the commands that ask about it are told alike."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click
from msgspec import Struct

from chaos_runner.errors import UsageError

DATABASE: Final = "CHAOS_RUNNER_DATABASE"


class Where(Struct, frozen=True, kw_only=True):
    """Where the daemons' table is: the database, or the folder of reports in which it stands."""

    database: str
    reports: Path | None


_database = click.option(
    "--database", metavar="URL", default="", envvar=DATABASE,
    help=f"Where it is kept what became of each due time (default: ${DATABASE}, else schedules.db in the reports): "
         "sqlite:///FILE, or postgresql://USER@HOST/NAME for several daemons that share the work.")
_reports = click.option(
    "--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")


def where_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds --database and --reports, which the command is given as one: `where`."""

    @_database
    @_reports
    @wraps(command)
    def told(*given: Any, database: str, reports: Path | None, **more: Any) -> None:
        command(*given, where=Where(database=database, reports=reports), **more)

    return told


def duration_s(option: str, text: str) -> float:
    """The seconds that an option says with a unit. Raises UsageError."""
    from chaos_runner.experiment.fields import DURATION_MAX_S
    from chaos_runner.units import NoUnit, seconds

    try:
        return min(seconds(text), DURATION_MAX_S)
    except NoUnit as problem:
        raise UsageError(f"{option}: {problem}") from problem
