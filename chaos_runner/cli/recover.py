"""`chaos-runner recover [RUN…]`"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import Struct

from chaos_runner import wiring
from chaos_runner.cli import uploading
from chaos_runner.cli.closing import near
from chaos_runner.cli.console import Console, ending
from chaos_runner.cli.ink import err_ink
from chaos_runner.cli.runs import find_run
from chaos_runner.cli.wrapping import width_of
from chaos_runner.contracts import Answer
from chaos_runner.errors import ChaosRunnerError
from chaos_runner.recovery.unfinished import unfinished
from chaos_runner.report.folders import reports_folder
from chaos_runner.run.run import Run
from chaos_runner.run.verdict import NOT_RESTORED_EXIT


class Options(Struct, frozen=True, kw_only=True):
    """The command's options."""

    everything: bool
    reports: Path | None
    as_json: bool
    scan: str | None
    where: tuple[str, ...]
    expired: bool
    show: bool
    upload: str | None
    by: str


@click.command()
@click.argument("runs", nargs=-1, metavar="[RUN…]")
@click.option("--all", "everything", is_flag=True, help="Every run that is not over and whose runner is gone.")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
@click.option("--scan", metavar="PLATFORM",
              help="Undo by the marks that runs left on a platform (proxy, kubernetes, aws), on a machine that has no "
                   "journal of them. Runs that live on this machine are left alone, those that live elsewhere are not: "
                   "see --expired.")
@click.option("--api", "--context", "--region", "where", multiple=True, metavar="WHERE",
              help="Where to scan; may be given more than once. The API of a proxy (default: $TOXIPROXY_URL, else "
                   "http://127.0.0.1:8474), a context of Kubernetes (default: the current one), a region of AWS, or "
                   "PROFILE@REGION (default: as it is configured).")
@click.option("--expired", is_flag=True, help="Undo only what no living run can still hold: to be run unattended.")
@click.option("--show", is_flag=True, help="Undo nothing: show what --scan finds.")
@uploading.option
@click.option("--by", default="chaos-runner recover", hidden=True)
def command(runs: tuple[str, ...], **options: Any) -> None:
    """Undo what a dead runner left behind, verify it, and complete the run's reports.

    Safe at any time: twice, by several at once, after the target is gone or was changed by someone else, and while the
    runner still lives (it is left alone). Exit code 0 when nothing is left, 6 when something is.

    Marks on a platform are not trusted: --scan does nothing but the shelf's own undo of a fault, on the very target
    that bears the mark. With $CHAOS_RUNNER_KEY set, runs sign their marks, and others are only shown.
    """
    chosen = Options(**options)
    uploading.make_ready(chosen.upload)
    where = reports_folder(chosen.reports)
    if [bool(runs), chosen.everything, chosen.scan is not None].count(True) != 1:
        raise click.UsageError("name the runs, or give --all, or --scan PLATFORM")
    if chosen.scan is not None:
        sys.exit(_scan(chosen.scan, chosen, where))
    if chosen.where or chosen.expired or chosen.show:
        raise click.UsageError("--api, --context, --region, --expired and --show go with --scan PLATFORM")
    sys.exit(_recover(runs, where, chosen))


def _scan(platform: str, options: Options, where: Path) -> int:
    from chaos_runner.cli.scanning import Wanted, scan_and_tell

    return scan_and_tell(Wanted(platform=platform, reports=where, where=options.where, expired_only=options.expired,
                                show_only=options.show, as_json=options.as_json))


def _recover(runs: tuple[str, ...], where: Path, options: Options) -> int:
    folders = ([one.folder for one in unfinished(where)] if options.everything
               else [find_run(where, name) for name in runs])
    rows = list(_recovered(folders, options))
    if options.as_json:
        click.echo(msgspec.json.encode({"runs": rows}).decode())
    elif not rows:
        click.echo("nothing is left to recover", err=True)
    return NOT_RESTORED_EXIT if any(row["restored"] in ("not-restored", "unknown") for row in rows) else 0


def _recovered(folders: Iterable[Path], options: Options) -> Iterator[dict[str, Any]]:
    """One after the other; one that cannot be recovered does not keep the others from it."""
    for folder in folders:
        try:
            ended = wiring.recover(folder, options.by, [Console(err_ink())])
        except ChaosRunnerError as problem:
            click.echo(f"{err_ink().red('error')}: run {folder.name}: {problem}", err=True)
            yield {"run": folder.name, "undone": [], "drift": [], "restored": "unknown", "error": str(problem)}
            continue
        yield _row(folder, ended)
        if ended is not None:
            uploading.upload(folder, options.upload)


def _row(folder: Path, ended: wiring.Ended | None) -> dict[str, Any]:
    if ended is None:
        click.echo(f"run {folder.name} is held by a living process: it is left alone", err=True)
        return {"run": folder.name, "undone": [], "drift": [], "restored": "running"}
    lines = ["", *ending(ended.outcome, err_ink(), width_of(sys.stderr)), f"  report    {near(folder / 'report.html')}"]
    click.echo("\n".join(lines), err=True)
    return {"run": folder.name, "undone": list(_labels(ended.run, Answer.RESTORED, Answer.GONE)),
            "drift": list(_labels(ended.run, Answer.DRIFT)), "restored": ended.outcome.restored}


def _labels(run: Run, *answers: Answer) -> Iterator[str]:
    return (entry.label for entry in run.entries.values() if entry.answer in answers)


