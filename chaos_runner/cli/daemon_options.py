"""What the daemon and the commands that ask about it are told alike."""

from pathlib import Path
from typing import Final

import click

from chaos_runner.errors import UsageError

DATABASE: Final = "CHAOS_RUNNER_DATABASE"

database_option = click.option(
    "--database", metavar="URL", default="", envvar=DATABASE,
    help=f"Where it is kept what became of each due time (default: ${DATABASE}, else schedules.db in the reports): "
         "sqlite:///FILE, or postgresql://USER@HOST/NAME for several daemons that share the work.")
reports_option = click.option(
    "--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")


def duration_s(option: str, text: str) -> float:
    """The seconds that an option says with a unit. Raises UsageError."""
    from chaos_runner.experiment.fields import DURATION_MAX_S
    from chaos_runner.units import NoUnit, seconds

    try:
        return min(seconds(text), DURATION_MAX_S)
    except NoUnit as problem:
        raise UsageError(f"{option}: {problem}") from problem
