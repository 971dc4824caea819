"""`chaos-runner postmortem RUN`"""

from pathlib import Path

import click

from chaos_runner.cli.runs import find_run
from chaos_runner.errors import UsageError
from chaos_runner.journal.reader import read
from chaos_runner.recovery.unfinished import JOURNAL
from chaos_runner.report.folders import reports_folder
from chaos_runner.report.writing import write


@click.command()
@click.argument("run", default="latest")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Where it is written (default: standard output). A file that is there is left alone.")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")
def command(run: str, out: Path | None, reports: Path | None) -> None:
    """Begin a postmortem of a run in Markdown: its timeline and numbers filled in, the rest asked for.

    RUN is an id, a unique beginning of one, or latest.
    """
    from chaos_runner.report.postmortem import text

    told = text(*read(find_run(reports_folder(reports), run) / JOURNAL))
    if out is None:
        click.echo(told, nl=False)
        return
    if out.exists():
        raise UsageError(f"{out} is there already: somebody may have written in it")
    try:
        write(out, told.encode())
    except OSError as problem:
        raise UsageError(f"{out}: {problem.strerror}") from problem
    click.echo(str(out))
