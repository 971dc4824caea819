"""`chaos-runner history`"""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from chaos_runner.cli.ink import out_ink
from chaos_runner.cli.pasts import asked, lines, say_left_out
from chaos_runner.clock import rfc3339
from chaos_runner.errors import UsageError
from chaos_runner.history.asking import Wanted
from chaos_runner.run.events import Verdict
from chaos_runner.units import NoUnit, seconds
from chaos_runner.wiring import reports_folder

_VERDICTS: Final = [verdict.value for verdict in Verdict]


@click.command()
@click.option("--experiment", metavar="NAME", default="", help="Only this one: its title, its file, or words in it.")
@click.option("--verdict", type=click.Choice(_VERDICTS), metavar="VERDICT",
              help=f"Only these: {', '.join(_VERDICTS)}.")
@click.option("--since", metavar="DATE", default="", help="Only runs since then: 2026-11-20, or 7d for a week ago.")
@click.option("--limit", type=click.IntRange(min=0), default=20, show_default=True, help="How many; 0 for all.")
@click.option("--worst", is_flag=True, help="Worst first, and not newest first.")
@click.option("--rebuild", is_flag=True, help="Make reports/history.db again from the runs' folders first.")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as one JSON object.")
def command(*, reports: Path | None, rebuild: bool, as_json: bool, **options: Any) -> None:
    """List the runs, newest first."""
    folder = reports_folder(reports)
    wanted = Wanted(experiment=options["experiment"], verdict=options["verdict"] or "", since=_since(options["since"]),
                    limit=options["limit"], worst_first=options["worst"])
    if rebuild:
        _rebuild(folder)
    rows, others = asked(folder, lambda history: (history.runs(wanted), history.others()))
    if as_json:
        click.echo(msgspec.json.encode({"runs": rows, "not_listed": others}).decode())
        return
    width = shutil.get_terminal_size((120, 24)).columns
    click.echo("\n".join(lines(rows, out_ink(), width)) or f"no run in {folder} is so")
    say_left_out(others)


def _rebuild(folder: Path) -> None:
    import sqlite3

    from chaos_runner.history import store

    if not (folder / "runs").is_dir():
        raise UsageError(f"{folder} holds no run")
    try:
        count = store.rebuild(folder)
    except sqlite3.Error as problem:
        raise UsageError(f"{folder / store.NAME} cannot be written ({problem})") from problem
    click.echo(f"{folder / store.NAME}: {count} runs", err=True)


def _since(text: str) -> str:
    """RFC 3339 in UTC for a date, a moment, or how long ago. Raises UsageError."""
    if not text:
        return ""
    try:
        return rfc3339(datetime.now(UTC) - timedelta(seconds=seconds(text)))
    except (NoUnit, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(text)
        return rfc3339(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as problem:
        raise UsageError(f"--since {text}: a date such as 2026-11-20, a moment such as 2026-11-20T11:00Z, or how long "
                         "ago, such as 7d or 12h") from problem
