"""`chaos-runner ack EXPERIMENT --why TEXT`"""

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from chaos_runner.cli.pasts import asked
from chaos_runner.clock import rfc3339
from chaos_runner.errors import UsageError
from chaos_runner.experiment.complaints import escaped
from chaos_runner.history.latch import NAME, Ack, acknowledge, latched
from chaos_runner.history.rows import RunRow
from chaos_runner.report.folders import reports_folder


@click.command()
@click.argument("experiment")
@click.option("--why", required=True, help="Why it may run again: what was found, what was done about it.")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")
@click.option("--json", "as_json", is_flag=True, help="Print what was acknowledged as one JSON object.")
def command(experiment: str, why: str, reports: Path | None, *, as_json: bool) -> None:
    """Let an experiment that failed in production run again on its own.

    EXPERIMENT is its title, its file, or words in its title. After a run in production that deviated, was aborted,
    errored or left something behind, none of it starts where nobody is at a terminal, until this is said.
    """
    if not why.strip():
        raise UsageError("--why is empty: say what was found, and what was done about it")
    folder = reports_folder(reports)
    rows = asked(folder, lambda history: latched(history, experiment, folder))
    found = [_acknowledged(folder, row, why.strip()) for row in rows]
    if as_json:
        click.echo(msgspec.json.encode({"acknowledged": found}).decode())
        return
    for ack, row in zip(found, rows, strict=True):
        click.echo(f"{escaped(ack.title)} may run again in {escaped(ack.environment)}: run {ack.run} "
                   f"({row.verdict}) is acknowledged")
    if not found:
        click.echo("no failed run in production holds it back")


def _acknowledged(folder: Path, row: RunRow, why: str) -> Ack:
    from chaos_runner.plan.build import origin

    me = origin()
    ack = Ack(run=row.run, title=row.title, environment=row.environment, why=why, by=f"{me.user} on {me.host}",
              at=rfc3339(datetime.now(UTC)))
    try:
        acknowledge(folder, ack)
    except OSError as problem:
        raise UsageError(f"{folder / NAME} cannot be written ({problem.strerror})") from problem
    return ack
