"""`chaos-runner faults [NAME]`"""

import click
import msgspec

from chaos_runner.cli import catalogue


@click.command()
@click.argument("name", required=False, metavar="[FAULT]")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as one JSON object.")
def command(name: str | None, *, as_json: bool) -> None:
    """List the faults on the shelf, or tell all about one: arguments, units, rights, way back, an example."""
    rows = [catalogue.fault_row(name)] if name else catalogue.faults()
    if as_json:
        click.echo(msgspec.json.encode({"faults": rows}).decode())
    elif name:
        click.echo("\n".join(catalogue.fault_page(rows[0], catalogue.fault_named(name))))
    else:
        click.echo("\n".join(catalogue.listed(rows, "fault")))
