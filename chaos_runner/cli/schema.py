"""`chaos-runner schema`"""

import json
from importlib import import_module
from pathlib import Path
from typing import Final

import click

from chaos_runner.errors import UsageError

SCHEMAS: Final = {
    "experiment": ("chaos_runner.experiment.schema", "schema"),
    "schedule": ("chaos_runner.schedule.schema", "schema"),
    "gameday": ("chaos_runner.gameday.schema", "schema"),
    "project": ("chaos_runner.experiment.schema_project", "schema"),
    "policy": ("chaos_runner.experiment.schema_project", "policy_schema"),
}
_SPOKEN: Final = {"gameday": "game day", "project": "chaos.yaml"}


@click.command()
@click.argument("kind", type=click.Choice(list(SCHEMAS)), default="experiment")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write it there, over an older one, and say the line that names it.")
def command(kind: str, out: Path | None) -> None:
    """Print the JSON Schema (draft 2020-12) of experiments, schedules, game days, of chaos.yaml (project) or of the
    policy, for editors.

    In an editor that knows the YAML language server, the first line of a file can name it:
    `# yaml-language-server: $schema=.schema.json`
    """
    module, made_by = SCHEMAS[kind]
    text = json.dumps(getattr(import_module(module), made_by)(), indent=2, ensure_ascii=False)
    if out is None:
        click.echo(text)
        return
    try:
        out.write_text(f"{text}\n", encoding="utf-8")
    except OSError as problem:
        raise UsageError(f"{out} cannot be written: {problem.strerror}") from problem
    click.echo(f"wrote {out}; the first line of each {_SPOKEN.get(kind, kind)} beside it:\n"
               f"# yaml-language-server: $schema={out.name}")
