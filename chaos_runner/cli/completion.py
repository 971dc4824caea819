"""`chaos-runner completion SHELL`"""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell, for example: chaos-runner completion bash >> ~/.bashrc"""
    from chaos_runner.cli.main import COMPLETE, cli

    made = get_completion_class(shell)
    if made is None:
        raise click.ClickException(f"there is no completion for {shell}")
    click.echo(made(cli, {}, "chaos-runner", COMPLETE).source())
