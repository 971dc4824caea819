"""`chaos-runner schema`"""

import json

import click

from chaos_runner.experiment.schema import schema


@click.command()
def command() -> None:
    """Print the JSON Schema (draft 2020-12) of experiment files, for editors.

    In an editor that knows the YAML language server, the first line of a file can name it:
    `# yaml-language-server: $schema=experiment.schema.json`
    """
    click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))
