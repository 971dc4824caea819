"""`chaos-runner diff RUN RUN`"""

from itertools import groupby
from operator import attrgetter
from pathlib import Path

import click
import msgspec

from chaos_runner.cli.ink import Ink, err_ink, out_ink
from chaos_runner.cli.runs import find_run
from chaos_runner.experiment.complaints import escaped
from chaos_runner.history.comparing import Compared, compared, told
from chaos_runner.report.folders import reports_folder


@click.command()
@click.argument("before", metavar="RUN")
@click.argument("after", metavar="RUN")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")
@click.option("--json", "as_json", is_flag=True, help="Print the differences as one JSON object.")
def command(before: str, after: str, reports: Path | None, *, as_json: bool) -> None:
    """Say what is different between two runs: the answers, the numbers, the faults, the plan.

    RUN is an id, a unique beginning of one, or latest. Numbers that differ by less than a tenth are not a difference.
    """
    folder = reports_folder(reports)
    found = compared(find_run(folder, before), find_run(folder, after))
    if as_json:
        click.echo(msgspec.json.encode(told(found)).decode())
        return
    click.echo("\n".join(_lines(found, out_ink())))
    for note in found.notes:
        click.echo(f"{err_ink().yellow('note')}: {escaped(note)}", err=True)


def _lines(found: Compared, ink: Ink) -> list[str]:
    one, other = found.before, found.after
    head = [f"{escaped(one.run)}  {one.started[:16].replace('T', ' ')}  {one.verdict:<12} {escaped(one.title)}",
            f"{escaped(other.run)}  {other.started[:16].replace('T', ' ')}  {other.verdict:<12} {escaped(other.title)}"]
    if not found.differences:
        return [*head, "", "no difference"]
    told = []
    for part, group in groupby(found.differences, attrgetter("part")):
        told += [f"{part:<11} {_turned(one.turn, escaped(one.words.removeprefix(f'{part}: ')), ink)}" for one in group]
    return [*head, "", *told]


def _turned(turn: str, words: str, ink: Ink) -> str:
    return {"worse": ink.red, "better": ink.green}.get(turn, str)(words)
