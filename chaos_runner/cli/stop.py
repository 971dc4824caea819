"""`chaos-runner stop RUN`"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

import click
import msgspec

from chaos_runner.cli.runs import find_run
from chaos_runner.engine.signals import REQUEST
from chaos_runner.journal.lock import holder
from chaos_runner.journal.reader import read_run
from chaos_runner.recovery.unfinished import JOURNAL, is_over
from chaos_runner.report.folders import reports_folder
from chaos_runner.report.writing import write

_POLL_S: Final = 0.05


@click.command()
@click.argument("run", default="latest")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")
@click.option("--why", default="", help="The reason, for the report.")
def command(run: str, reports: Path | None, why: str) -> None:
    """Ask a run to stop and undo, and wait for it. The exit code is the run's.

    RUN is an id, a unique beginning of one, or latest.
    """
    folder = find_run(reports_folder(reports), run)
    pid = holder(folder)
    if pid is None and not is_over(folder):
        raise click.ClickException(f"run {folder.name} has no runner any more: chaos-runner recover {folder.name}")
    if pid is not None:
        write(folder / REQUEST, msgspec.json.encode({"by": _who(why)}))
        os.kill(pid, signal.SIGUSR1)
        click.echo(f"asked run {folder.name} to stop and undo, waiting for it", err=True)
    while holder(folder) is not None:
        time.sleep(_POLL_S)
    ended = read_run(folder / JOURNAL).ended
    if ended is None:
        raise click.ClickException(f"run {folder.name} died: chaos-runner recover {folder.name}")
    click.echo(f"{ended.verdict}, {ended.restored}: {ended.sentence}", err=True)
    sys.exit(ended.exit)


def _who(why: str) -> str:
    from chaos_runner.plan.build import origin

    me = origin()
    return f"{me.user} on {me.host}" + (f" ({why})" if why else "")
