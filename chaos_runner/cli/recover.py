"""`chaos-runner recover [RUN…]`"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from chaos_runner import wiring
from chaos_runner.cli.console import Console, ending
from chaos_runner.cli.ink import err_ink
from chaos_runner.cli.runs import find_run
from chaos_runner.contracts import Answer
from chaos_runner.errors import ChaosRunnerError
from chaos_runner.recovery.unfinished import unfinished
from chaos_runner.run.run import Run
from chaos_runner.run.verdict import NOT_RESTORED_EXIT


@click.command()
@click.argument("runs", nargs=-1, metavar="[RUN…]")
@click.option("--all", "everything", is_flag=True, help="Every run that is not over and whose runner is gone.")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
@click.option("--by", default="chaos-runner recover", hidden=True)
def command(runs: tuple[str, ...], reports: Path | None, by: str, *, everything: bool, as_json: bool) -> None:
    """Undo what a dead runner left behind, verify it, and complete the run's reports.

    Safe at any time: twice, by several at once, after the target is gone or was changed by someone else, and while the
    runner still lives (it is left alone). Exit code 0 when nothing is left, 6 when something is.
    """
    where = wiring.reports_folder(reports)
    if bool(runs) == everything:
        raise click.UsageError("name the runs, or give --all")
    folders = [one.folder for one in unfinished(where)] if everything else [find_run(where, name) for name in runs]
    rows = list(_recovered(folders, by))
    if as_json:
        click.echo(msgspec.json.encode({"runs": rows}).decode())
    elif not rows:
        click.echo("nothing is left to recover", err=True)
    sys.exit(NOT_RESTORED_EXIT if any(row["restored"] in ("not-restored", "unknown") for row in rows) else 0)


def _recovered(folders: Iterable[Path], by: str) -> Iterator[dict[str, Any]]:
    """One after the other; one that cannot be recovered does not keep the others from it."""
    for folder in folders:
        try:
            ended = wiring.recover(folder, by, [Console(err_ink())])
        except ChaosRunnerError as problem:
            click.echo(f"{err_ink().red('error')}: run {folder.name}: {problem}", err=True)
            yield {"run": folder.name, "undone": [], "drift": [], "restored": "unknown", "error": str(problem)}
            continue
        yield _row(folder, ended)


def _row(folder: Path, ended: wiring.Ended | None) -> dict[str, Any]:
    if ended is None:
        click.echo(f"run {folder.name} is held by a living process: it is left alone", err=True)
        return {"run": folder.name, "undone": [], "drift": [], "restored": "running"}
    click.echo("\n".join(["", *ending(ended.outcome, err_ink()), f"  report      {folder / 'report.html'}"]), err=True)
    return {"run": folder.name, "undone": list(_labels(ended.run, Answer.RESTORED, Answer.GONE)),
            "drift": list(_labels(ended.run, Answer.DRIFT)), "restored": ended.outcome.restored}


def _labels(run: Run, *answers: Answer) -> Iterator[str]:
    return (entry.label for entry in run.entries.values() if entry.answer in answers)


