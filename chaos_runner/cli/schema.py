"""`chaos-runner schema`"""

import json
from importlib import import_module
from pathlib import Path
from typing import Final

import click

from chaos_runner.errors import UsageError

SCHEMAS: Final = {
    "experiment": "chaos_runner.experiment.schema",
    "schedule": "chaos_runner.schedule.schema",
    "gameday": "chaos_runner.gameday.schema",
}
_SPOKEN: Final = {"gameday": "game day"}


@click.command()
@click.argument("kind", type=click.Choice(list(SCHEMAS)), default="experiment")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write it there, over an older one, and say the line that names it.")
def command(kind: str, out: Path | None) -> None:
    """Print the JSON Schema (draft 2020-12) of experiments, schedules or game days, for editors.

    In an editor that knows the YAML language server, the first line of a file can name it:
    `# yaml-language-server: $schema=.schema.json`
    """
    text = json.dumps(import_module(SCHEMAS[kind]).schema(), indent=2, ensure_ascii=False)
    if out is None:
        click.echo(text)
        return
    try:
        out.write_text(f"{text}\n", encoding="utf-8")
    except OSError as problem:
        raise UsageError(f"{out} cannot be written: {problem.strerror}") from problem
    click.echo(f"wrote {out}; the first line of each {_SPOKEN.get(kind, kind)} beside it:\n"
               f"# yaml-language-server: $schema={out.name}")
