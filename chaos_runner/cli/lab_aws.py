"""`chaos-runner lab aws up|down|status`"""

from typing import TYPE_CHECKING, Any

import click

from chaos_runner.cli.as_json import json_option, print_json

if TYPE_CHECKING:
    from chaos_runner.lab.aws.lab import Lab

_KIND = "aws"


@click.group()
def aws() -> None:
    """An AWS of its own: the moto server with a small three-tier shop in it, which costs nothing."""


_name = click.option("--name", default="lab", show_default=True, help="Which lab; each has a world of its own.")


@aws.command()
@_name
@json_option
def up(name: str, *, as_json: bool) -> None:
    """Open the lab, or say where the open one is. Its world is gone when it is closed."""
    from chaos_runner.lab.aws import lab as labs
    from chaos_runner.lab.folders import folder_of

    opened = labs.up(folder_of(_KIND, name))
    if as_json:
        print_json(_told(opened))
        return
    click.echo("export " + " ".join(f"{key}={value}" for key, value in opened.environment.items()))
    click.echo(f"AWS is up at {opened.endpoint}, with a shop in {opened.region}. Export what stands above.\n"
               f"Close it with: chaos-runner lab aws down --name {name}", err=True)


@aws.command()
@_name
@json_option
def down(name: str, *, as_json: bool) -> None:
    """Close the lab: end its process, and no others, and remove what it kept."""
    from chaos_runner.lab.aws import lab as labs
    from chaos_runner.lab.folders import folder_of

    ended = labs.down(folder_of(_KIND, name))
    if as_json:
        print_json({"ended": ended})
    else:
        click.echo(f"ended {', '.join(ended)}" if ended else f"there was no lab {name} that ran")


@aws.command()
@_name
@json_option
def status(name: str, *, as_json: bool) -> None:
    """Say whether the lab's process runs, is stopped, or is gone."""
    from chaos_runner.lab.aws import lab as labs
    from chaos_runner.lab.folders import folder_of

    folder = folder_of(_KIND, name)
    opened, states = labs.read(folder), labs.status(folder)
    if as_json:
        print_json({**(_told(opened) if opened else {}), "parts": states})
        return
    click.echo("\n".join(f"{part:<24} {state}" for part, state in states.items()) or f"there is no lab {name}")
    if opened:
        click.echo("export " + " ".join(f"{key}={value}" for key, value in opened.environment.items()))


def _told(lab: "Lab") -> dict[str, Any]:
    return {"name": lab.name, "endpoint": lab.endpoint, "region": lab.region, "environment": lab.environment}
