"""`chaos-runner notify test [FILE]`"""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from chaos_runner.cli.ink import err_ink, out_ink
from chaos_runner.errors import UsageError

if TYPE_CHECKING:
    from chaos_runner.experiment.project import Project
    from chaos_runner.notify.channel import Channel
    from chaos_runner.notify.notice import Notice

_FAILED = 5


@click.group()
def command() -> None:
    """Who is told of what schedules do: try their channels out."""


@command.command("test")
@click.argument("file", required=False, metavar="[FILE]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def try_out(file: str | None, *, as_json: bool) -> None:
    """Send a test notice to each channel, and say what was answered.

    FILE is a chaos.yaml, a schedule's file, or a schedule's name. Without one, the channels of the chaos.yaml here or
    above are meant, and those of the schedules. Exit code 5 when a receiver did not take it.
    """
    channels = _channels(file)
    if not channels:
        raise UsageError("nobody is to be told: no `notify` stands in chaos.yaml, nor in a schedule")
    notice = _notice()
    rows = [_tried(channel, notice) for channel in channels]
    _show(rows, as_json=as_json)
    sys.exit(0 if all(row["told"] for row in rows) else _FAILED)


def _channels(file: str | None) -> "list[Channel]":
    """Those that are meant, each receiver once."""
    from chaos_runner.experiment.project import NAMES, InvalidSettings, project_above, read_project

    try:
        if file and Path(file).name in NAMES:
            return _distinct(_of_project(read_project(Path(file))))
        if file:
            return _distinct(_of_schedules([_schedule_file(file)]))
        return _distinct([*_of_project(project_above(Path.cwd())), *_of_schedules(_schedule_files())])
    except InvalidSettings as problem:
        _leave(problem.findings, {problem.document.file: problem.document.text})


def _of_project(project: "Project") -> "list[Channel]":
    return [*project.notify, *(channel for one in project.environments.values() for channel in one.notify)]


def _of_schedules(files: Sequence[str]) -> "list[Channel]":
    from chaos_runner.schedule.loading import load_all

    loaded = load_all(files)
    if any(one.schedule is None for one in loaded):
        _leave([finding for one in loaded for finding in one.findings],
               {name: text for one in loaded for name, text in one.sources.items()})
    return [channel for one in loaded for channel in one.notify]


def _distinct(channels: "Iterable[Channel]") -> "list[Channel]":
    return list({channel.key: channel for channel in channels}.values())


def _schedule_files() -> list[str]:
    from chaos_runner.schedule.loading import files_in, folder_above

    folder = folder_above(Path.cwd())
    return [os.path.relpath(file) for file in files_in(folder)] if folder else []


def _schedule_file(word: str) -> str:
    """The file, or that of the schedule of that name."""
    if Path(word).is_file():
        return word
    from chaos_runner.experiment.suggest import did_you_mean

    named = {Path(file).stem: file for file in _schedule_files()}
    if word in named:
        return named[word]
    close = did_you_mean(word, named)
    raise UsageError(f"{word}: there is no such file, and no schedule of that name"
                     + (f'; did you mean "{close}"?' if close else ""))


def _notice() -> "Notice":
    import socket
    from uuid import uuid4

    from chaos_runner.clock import SystemClock, rfc3339
    from chaos_runner.notify.notice import Kind, Notice

    host = socket.gethostname()
    return Notice(notice=f"test/{uuid4().hex}", kind=Kind.TEST, at=rfc3339(SystemClock().now()), host=host,
                  sentence=f"chaos-runner on {host} can tell you this; nothing has happened")


def _tried(channel: "Channel", notice: "Notice") -> dict[str, Any]:
    from chaos_runner.notify.channel import NotTold

    row = {"channel": channel.key, "way": channel.way, "events": sorted(channel.kinds)}
    try:
        return {**row, "told": True, "answer": channel.send(notice)}
    except NotTold as problem:
        return {**row, "told": False, "answer": str(problem), "final": problem.for_good}


def _show(rows: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    import msgspec

    from chaos_runner.experiment.complaints import escaped

    if as_json:
        click.echo(msgspec.json.encode({"channels": rows}).decode())
        return
    ink = out_ink()
    for row in rows:
        mark = ink.green("told") if row["told"] else ink.red("not told")
        click.echo(f"{mark}  {escaped(row['channel'])}: {escaped(row['answer'])}")


def _leave(findings: Sequence[Any], sources: dict[str, str]) -> NoReturn:
    from chaos_runner.cli.complained import Complained
    from chaos_runner.experiment.complaints import render

    click.echo(render(findings, sources, color=err_ink().on), err=True)
    raise Complained(findings)
