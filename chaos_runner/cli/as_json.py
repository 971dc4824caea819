"""`--json`: the answer as one JSON object on standard output."""

from typing import Any

import click
import msgspec

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def print_json(data: Any) -> None:
    """Prints it on one line."""
    click.echo(msgspec.json.encode(data).decode())
