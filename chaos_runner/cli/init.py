"""`chaos-runner init [DIR]`"""

import sys
from pathlib import Path

import click
import msgspec

from chaos_runner.cli.drafts.project import FAULT, Choices, Made, guessed_pipeline, make

_NONE = "none"


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option("--url", metavar="URL", help="Where customers ask the service.")
@click.option("--fault", metavar="FAULT", help=f"The fault of the first experiment (default: {FAULT}).")
@click.option("--ci", type=click.Choice(["github", "gitlab", _NONE]), help="The pipeline to make.")
@click.option("--json", "as_json", is_flag=True, help="Print the files as one JSON object.")
def command(folder: Path, url: str | None, fault: str | None, ci: str | None, *, as_json: bool) -> None:
    """Make a folder for experiments: chaos.yaml, experiments/, probes/, reports/, and a pipeline.

    Asks on a terminal what no option says; elsewhere takes the defaults. What is there already is never overwritten.
    """
    given = {"url": url, "fault": fault, "pipeline": ci}
    choices = _choices(folder, {key: value for key, value in given.items() if value is not None})
    files = make(folder, choices)
    if as_json:
        click.echo(msgspec.json.encode({"folder": str(folder), "files": files}).decode())
    else:
        _tell(folder, files)
        _say_who_is_missing(choices.url)


def _choices(folder: Path, given: dict[str, str]) -> Choices:
    """What options said, then what somebody answers, then the defaults."""
    usual = Choices(pipeline=guessed_pipeline(folder))
    if sys.stdin.isatty() and sys.stderr.isatty():
        given = {**_asked(usual, given), **given}
    chosen = {**msgspec.structs.asdict(usual), **given}
    return Choices(url=chosen["url"], fault=chosen["fault"],
                   pipeline="" if chosen["pipeline"] == _NONE else chosen["pipeline"])


def _asked(usual: Choices, given: dict[str, str]) -> dict[str, str]:
    """The answers to what no option has said."""
    asked: dict[str, str] = {}
    if "url" not in given:
        asked["url"] = click.prompt("Where do customers ask the service", default=usual.url, err=True)
    if "fault" not in given:
        asked["fault"] = click.prompt("What is to happen first (`chaos-runner faults` lists them)", default=usual.fault,
                                      err=True, value_proc=_known_fault)
    if "pipeline" not in given:
        asked["pipeline"] = click.prompt("A pipeline for", type=click.Choice(["github", "gitlab", _NONE]),
                                         default=usual.pipeline or _NONE, err=True)
    return asked


def _known_fault(name: str) -> str:
    """The name, if it is one: else the question comes again."""
    from chaos_runner.cli.catalogue import fault_named
    from chaos_runner.errors import UsageError

    try:
        fault_named(name)
    except UsageError as problem:
        raise click.BadParameter(str(problem)) from problem
    return name


def _tell(folder: Path, files: list[Made]) -> None:
    from chaos_runner.cli.ink import out_ink

    ink = out_ink()
    for file in files:
        mark = ink.green("made") if file.made else ink.yellow("left")
        click.echo(f"{mark}  {file.path:<38} {file.use if file.made else 'was there, stays as it is'}",
                   color=ink.on)
    first = next(file.path for file in files if file.path.startswith("experiments/01"))
    where = "" if folder == Path() else f"cd {folder}\n  "
    click.echo(f"\nnext:\n  {where}chaos-runner plan {first}     whom it would hit; changes nothing\n"
               f"  chaos-runner run {first}      Ctrl-C stops and undoes")


def _say_who_is_missing(url: str) -> None:
    """Whoever runs an experiment before there is a service learns only that."""
    import os
    import socket
    from urllib.parse import urlsplit

    url = os.environ.get("SERVICE_URL") or url
    try:
        parts = urlsplit(url)
        address = (parts.hostname or "", parts.port or {"http": 80, "https": 443}[parts.scheme])
        socket.create_connection(address, timeout=1.0).close()
    except (OSError, ValueError, KeyError):
        click.echo(f"\nNobody answers at {url} now: start the service, or export SERVICE_URL=… Without one at hand:\n"
                   '  eval "$(chaos-runner lab shop up)"; export SERVICE_URL=$SHOP_URL', err=True)
