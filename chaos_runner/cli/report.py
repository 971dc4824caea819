"""`chaos-runner report RUN`"""

from pathlib import Path

import click
import msgspec

from chaos_runner.cli.pages import pages_options
from chaos_runner.cli.runs import find_run
from chaos_runner.errors import UsageError
from chaos_runner.report.write import FORMATS
from chaos_runner.wiring import reports_folder, write_reports


@click.command()
@click.argument("run", default="latest")
@click.option("--format", "formats", metavar="NAMES",
              help=f"Which, separated by commas: {', '.join(FORMATS)}. All of them by default.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where they are written (default: the run's own folder).")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")
@click.option("--json", "as_json", is_flag=True, help="Print the paths as one JSON object.")
@pages_options
def command(run: str, formats: str | None, out: Path | None, reports: Path | None, *, as_json: bool) -> None:
    """Write the reports of a run again, from its journal. RUN is an id, a unique beginning of one, or latest."""
    chosen = _chosen(formats)
    folder = find_run(reports_folder(reports), run)
    try:
        if out:
            out.mkdir(parents=True, exist_ok=True)
        paths = [str(path) for path in write_reports(folder, out, chosen)]
    except OSError as problem:
        raise UsageError(f"{out or folder}: {problem.strerror}") from problem
    click.echo(msgspec.json.encode({"paths": paths}).decode() if as_json else "\n".join(paths))


def _chosen(formats: str | None) -> list[str]:
    names = [name.strip() for name in formats.split(",")] if formats else []
    for name in names:
        if name not in FORMATS:
            raise UsageError(f"--format {name}: there are {', '.join(FORMATS)}")
    return names
