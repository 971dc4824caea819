"""The schedules that somebody means: by file, by name, or all of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chaos_runner.cli.ink import err_ink, out_ink
from chaos_runner.errors import UsageError

if TYPE_CHECKING:
    from chaos_runner.schedule.loading import Loaded
    from chaos_runner.schedule.model import Schedule


def load(files: Sequence[str]) -> "list[Loaded]":
    """Them, or all where none is named; also what is wrong with them. Raises UsageError."""
    from chaos_runner.schedule.loading import load_all

    return load_all([path_of(file) for file in files] or _all())


def ready(files: Sequence[str]) -> "list[Schedule]":
    """Them, all of which can be followed. Raises UsageError, and Complained as `valid` does."""
    return [one.schedule for one in valid(load(files)) if one.schedule]


def valid(loaded: "list[Loaded]") -> "list[Loaded]":
    """All of them; leaves with exit code 2 and every complaint when one cannot be followed."""
    from chaos_runner.cli.complained import Complained

    findings = [finding for one in loaded for finding in one.findings]
    complain(loaded, findings, err=True)
    if any(one.schedule is None for one in loaded):
        raise Complained(findings)
    return loaded


def complain(loaded: "list[Loaded]", findings: Sequence[Any], *, err: bool) -> None:
    """Says what is wrong with them, with the lines that are meant."""
    from chaos_runner.experiment.complaints import render

    if findings:
        sources = {file: text for one in loaded for file, text in one.sources.items()}
        click.echo(render(findings, sources, color=(err_ink() if err else out_ink()).on), err=err)


def path_of(word: str) -> str:
    """The file, or that of the schedule of that name. Raises UsageError."""
    if Path(word).is_file():
        return word
    from chaos_runner.experiment.suggest import did_you_mean
    from chaos_runner.schedule.loading import files_in, folder_above

    folder = folder_above(Path.cwd())
    named = {Path(file).stem: file for file in (files_in(folder) if folder else [])}
    if word in named:
        return spoken(named[word])
    close = did_you_mean(word, named)
    raise UsageError(f"{word}: there is no such file, and no schedule of that name"
                     + (f'; did you mean "{close}"?' if close else ""))


def name_of(word: str) -> str:
    """The name of a schedule that exists. Raises UsageError."""
    return Path(path_of(word)).stem


def spoken(file: str) -> str:
    """A file as one would type it here."""
    here = Path.cwd()
    return str(Path(file).relative_to(here)) if Path(file).is_relative_to(here) else file


def _all() -> list[str]:
    from chaos_runner.schedule.loading import FOLDER, files_in, folder_above

    folder = folder_above(Path.cwd())
    if folder is None:
        raise UsageError(f"there is no folder {FOLDER} here or above: name the files")
    return [spoken(file) for file in files_in(folder)]
