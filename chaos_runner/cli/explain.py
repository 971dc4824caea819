"""`chaos-runner explain CODE`"""

import click

from chaos_runner.experiment.codes import explain


@click.command()
@click.argument("code")
def command(code: str) -> None:
    """Explain a code such as E101 (a finding in a file) or V201 (a reason for a verdict)."""
    click.echo(explain(code), nl=False)
