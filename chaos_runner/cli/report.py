"""`chaos-runner report RUN`"""

import gc
import os
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import Struct

from chaos_runner.cli.opening import open_page
from chaos_runner.cli.outputs import NAMES, Outputs, Told
from chaos_runner.cli.pages import pages_options
from chaos_runner.cli.runs import find_run
from chaos_runner.errors import UsageError
from chaos_runner.journal.reader import read_run
from chaos_runner.recovery.unfinished import JOURNAL
from chaos_runner.report.folders import reports_folder, write_reports
from chaos_runner.report.write import ALWAYS, FORMATS
from chaos_runner.run.outcome import outcome


class Options(Struct, frozen=True, kw_only=True):
    """The command's options."""

    formats: str | None
    out: Path | None
    outputs: Outputs
    opens: bool
    reports: Path | None
    as_json: bool


@click.command()
@click.argument("run", default="latest")
@click.option("--format", "formats", metavar="NAMES",
              help=f"Which, separated by commas: {', '.join(FORMATS)}. "
                   f"By default {', '.join(ALWAYS)}.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where they are written (default: the run's own folder).")
@click.option("--output", multiple=True, metavar="NAME[=FILE],…",
              help=f"Tell of it once more, as `run --output` does: {', '.join(NAMES)}.")
@click.option("--open", "opens", is_flag=True, help="Open the page in a browser.")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")
@click.option("--json", "as_json", is_flag=True, help="Print the paths as one JSON object.")
@pages_options
def command(run: str, **options: Any) -> None:
    """Write the reports of a run again, from its journal. RUN is an id, a unique beginning of one, or latest.

    Of the formats, github is the annotations as GitHub Actions reads them (its summary is md), gitlab a code quality
    report, and pdf the page as the Chromium of this machine prints it.
    """
    gc.disable()  # a journal is a hundred thousand objects that live to the end of this short process
    options["outputs"] = Outputs.of(options.pop("output") or ("none",), os.environ)
    chosen = Options(**options)
    folder = find_run(reports_folder(chosen.reports), run)
    paths = _written(folder, chosen)
    if chosen.outputs.any:
        paths += _told(folder, chosen)
    words = [str(path) for path in paths]
    click.echo(msgspec.json.encode({"paths": words}).decode() if chosen.as_json else "\n".join(words))
    if chosen.opens:
        open_page(next((path for path in paths if path.suffix == ".html"), folder / FORMATS["html"].file))


def _written(folder: Path, options: Options) -> list[Path]:
    """The files in the run's folder, or where they were asked for: the page at least where it is to be opened."""
    formats = _chosen(options.formats)
    if options.opens and formats and "html" not in formats:
        formats.append("html")
    try:
        if options.out:
            options.out.mkdir(parents=True, exist_ok=True)
        return write_reports(folder, options.out, formats)
    except OSError as problem:
        raise UsageError(f"{options.out or folder}: {problem.strerror}") from problem


def _told(folder: Path, options: Options) -> list[Path]:
    """What `--output` asked for. Raises UsageError when any of it could not be written."""
    run = read_run(folder / JOURNAL)
    if not run.over and "json" in options.outputs.files:
        raise UsageError(f"run {run.plan.run} is not over, so it has no outcome for --output json")
    options.outputs.make_ready()
    told = Told(runs=[folder], result=msgspec.json.encode(outcome(run)) if run.over else b"")
    problems = options.outputs.tell(told, lambda line: click.echo(line, err=options.as_json))
    if problems:
        raise UsageError("; ".join(problems))
    return list(options.outputs.files.values())


def _chosen(formats: str | None) -> list[str]:
    names = [name.strip() for name in formats.split(",")] if formats else []
    for name in names:
        if name not in FORMATS:
            raise UsageError(f"--format {name}: there are {', '.join(FORMATS)}")
    return names
