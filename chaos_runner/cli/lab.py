"""`chaos-runner lab shop up|down|status`, and where `lab aws` and `lab kubernetes` hang."""

from pathlib import Path

import click

from chaos_runner.cli.as_json import json_option, print_json
from chaos_runner.cli.lab_aws import aws
from chaos_runner.cli.lab_kubernetes import kubernetes


@click.group()
def command() -> None:
    """Throw-away targets on this machine."""


command.add_command(aws)
command.add_command(kubernetes)


@command.group()
def shop() -> None:
    """A small shop on loopback: a front end, two orders services, a data store behind a proxy, and steady traffic."""


_folder = click.option("--folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
                       help="Where the shop keeps its state and its logs.")


@shop.command()
@_folder
@json_option
def up(folder: Path | None, *, as_json: bool) -> None:
    """Open the shop, or say where the open one is."""
    from chaos_runner.lab.shop.shop import default_folder
    from chaos_runner.lab.shop.shop import up as open_shop

    opened = open_shop(folder or default_folder())
    if as_json:
        print_json(opened)
        return
    click.echo(f"export SHOP_URL={opened.url} TOXIPROXY_URL={opened.proxy_api}")
    click.echo(f"The shop is open at {opened.url}. Export the two variables above, then run an experiment on it.\n"
               "Close it with: chaos-runner lab shop down", err=True)


@shop.command()
@_folder
@json_option
def down(folder: Path | None, *, as_json: bool) -> None:
    """Close the shop: end its processes, and no others."""
    from chaos_runner.lab.shop.shop import default_folder
    from chaos_runner.lab.shop.shop import down as close_shop

    ended = close_shop(folder or default_folder())
    if as_json:
        print_json({"ended": ended})
        return
    click.echo(f"ended {', '.join(ended)}" if ended else "there was no shop")


@shop.command()
@_folder
@json_option
def status(folder: Path | None, *, as_json: bool) -> None:
    """Say which of the shop's processes run, are stopped, or are gone."""
    from chaos_runner.lab.shop.shop import default_folder
    from chaos_runner.lab.shop.shop import status as state_of

    states = state_of(folder or default_folder())
    if as_json:
        print_json({"parts": states})
    else:
        click.echo("\n".join(f"{name:<10} {state}" for name, state in states.items()) or "there is no shop")
