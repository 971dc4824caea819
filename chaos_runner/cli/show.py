"""`chaos-runner show RUN`"""

import shutil
from pathlib import Path

import click
import msgspec

from chaos_runner.cli.console import ending
from chaos_runner.cli.ink import out_ink
from chaos_runner.cli.runs import find_run
from chaos_runner.cli.spark import levels
from chaos_runner.journal.reader import read
from chaos_runner.recovery.unfinished import JOURNAL
from chaos_runner.report.folders import reports_folder
from chaos_runner.report.story import Story
from chaos_runner.run.outcome import Outcome, outcome
from chaos_runner.units import Unit


@click.command()
@click.argument("run", default="latest")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
def command(run: str, reports: Path | None, *, as_json: bool) -> None:
    """Show the outcome of a run. RUN is an id, a unique beginning of one, or latest."""
    folder = find_run(reports_folder(reports), run)
    folded, records = read(folder / JOURNAL)
    if not folded.over:
        raise click.ClickException(f"run {folded.plan.run} is not over: it is running, or its runner died")
    found = outcome(folded)
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    click.echo("\n".join([*_lines(found, folder), *_charts(Story.of(folded, records))]))


def _charts(story: Story) -> list[str]:
    from chaos_runner.cli import charts

    width = min(max(shutil.get_terminal_size((100, 24)).columns - 30, 20), 120)
    found = list(charts.lines(story, out_ink(), levels(), width))
    return ["", *found] if found else []


def _lines(found: Outcome, folder: Path) -> list[str]:
    from chaos_runner.run.sentences import value_words

    head = [f"{found.title}  ({found.file})",
            f"run {found.run}  {found.started} to {found.ended}  seed {found.seed}", ""]
    faults = [f"  fault   {fault.name} → {', '.join(fault.targets) or fault.fault}: {fault.grade}, "
              f"{fault.restored or 'nothing to undo'}" for fault in found.faults]
    probes = [f"  probe   {probe.name}, {probe.phase}: {probe.state}, {probe.bad} of {probe.samples} bad, "
              f"{probe.missing} missing, worst {value_words(probe.worst, Unit(probe.unit))}" for probe in found.probes]
    return [*head, *ending(found, out_ink()), "", *faults, *probes, f"  report  {folder / 'report.html'}"]
