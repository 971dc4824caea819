"""`chaos-runner schema`"""

import json
from pathlib import Path

import click

from chaos_runner.errors import UsageError
from chaos_runner.experiment.schema import schema


@click.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write it there, over an older one, and say the line that names it.")
def command(out: Path | None) -> None:
    """Print the JSON Schema (draft 2020-12) of experiment files, for editors.

    In an editor that knows the YAML language server, the first line of a file can name it:
    `# yaml-language-server: $schema=.schema.json`
    """
    text = json.dumps(schema(), indent=2, ensure_ascii=False)
    if out is None:
        click.echo(text)
        return
    try:
        out.write_text(f"{text}\n", encoding="utf-8")
    except OSError as problem:
        raise UsageError(f"{out} cannot be written: {problem.strerror}") from problem
    click.echo(f"wrote {out}; the first line of an experiment beside it:\n# yaml-language-server: $schema={out.name}")
