"""`chaos-runner probes`"""

from pathlib import Path

import click
import msgspec

from chaos_runner.cli import catalogue
from chaos_runner.cli.ink import err_ink
from chaos_runner.experiment.complaints import render
from chaos_runner.experiment.reusable import Library


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the rows as one JSON object.")
def command(*, as_json: bool) -> None:
    """List the probes on the shelf, with their arguments and units, and the reusable ones around this folder.

    A reusable probe stands in probes/*.yaml, in this folder or above it, and is used by `use: NAME`.
    """
    library = Library(Path.cwd())
    rows, reusable = catalogue.probes(), catalogue.reusable(library)
    if library.errors:
        click.echo(render(library.errors, library.sources, color=err_ink().on), err=True)
    if as_json:
        click.echo(msgspec.json.encode({"probes": rows, "reusable": reusable}).decode())
    else:
        click.echo("\n".join([*catalogue.lines(rows, "probe"), *catalogue.lines_of_reusable(reusable)]))
