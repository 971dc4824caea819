"""`chaos-runner report RUN`"""

from pathlib import Path

import click
import msgspec

from chaos_runner.cli.runs import find_run
from chaos_runner.wiring import reports_folder, write_reports


@click.command()
@click.argument("run", default="latest")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")
@click.option("--json", "as_json", is_flag=True, help="Print the paths as one JSON object.")
def command(run: str, reports: Path | None, *, as_json: bool) -> None:
    """Write the reports of a run again, from its journal. RUN is an id, a unique beginning of one, or latest."""
    paths = [str(path) for path in write_reports(find_run(reports_folder(reports), run))]
    click.echo(msgspec.json.encode({"paths": paths}).decode() if as_json else "\n".join(paths))
