"""`chaos-runner probes [NAME]`"""

from pathlib import Path

import click
import msgspec

from chaos_runner.cli import catalogue
from chaos_runner.cli.ink import err_ink
from chaos_runner.experiment.complaints import render
from chaos_runner.experiment.reusable import Library


@click.command()
@click.argument("name", required=False, metavar="[PROBE]")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as one JSON object.")
def command(name: str | None, *, as_json: bool) -> None:
    """List the probes on the shelf and the reusable ones around this folder, or tell all about one of the shelf.

    A reusable probe stands in probes/*.yaml, in this folder or above it, and is used by `use: NAME`.
    """
    if name:
        _tell_one(name, as_json=as_json)
        return
    library = Library(Path.cwd())
    rows, reusable = catalogue.probes(), catalogue.reusable(library)
    if library.errors:
        click.echo(render(library.errors, library.sources, color=err_ink().on), err=True)
    if as_json:
        click.echo(msgspec.json.encode({"probes": rows, "reusable": reusable}).decode())
    else:
        click.echo("\n".join([*catalogue.listed(rows, "probe"), *catalogue.lines_of_reusable(reusable)]))


def _tell_one(name: str, *, as_json: bool) -> None:
    row = catalogue.probe_row(name)
    page = catalogue.probe_page(row, catalogue.probe_named(name))
    click.echo(msgspec.json.encode({"probes": [row]}).decode() if as_json else "\n".join(page))
