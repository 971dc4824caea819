"""`chaos-runner probes`"""

import click
import msgspec

from chaos_runner.cli import catalogue


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the rows as one JSON object.")
def command(*, as_json: bool) -> None:
    """List the probes on the shelf, with their arguments and units."""
    rows = catalogue.probes()
    click.echo(msgspec.json.encode({"probes": rows}).decode() if as_json else "\n".join(catalogue.lines(rows, "probe")))
