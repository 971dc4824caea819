"""`chaos-runner trend EXPERIMENT`"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec

from chaos_runner.cli.ink import Ink, out_ink
from chaos_runner.cli.pasts import asked, icon
from chaos_runner.cli.spark import Levels, levels, spark
from chaos_runner.experiment.complaints import escaped
from chaos_runner.history.asking import History
from chaos_runner.history.comparing import margin_words, unit_of
from chaos_runner.history.rows import ProbeRow, RunRow
from chaos_runner.report.folders import reports_folder
from chaos_runner.run.sentences import value_words
from chaos_runner.units import spoken_seconds


@click.command()
@click.argument("experiment")
@click.option("--limit", type=click.IntRange(min=1, max=500), default=50, show_default=True, help="How many runs.")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")
@click.option("--json", "as_json", is_flag=True, help="Print the runs and their probes as one JSON object.")
def command(experiment: str, limit: int, reports: Path | None, *, as_json: bool) -> None:
    """Show how an experiment has gone, run by run: verdicts, recovery, worst values and margins.

    EXPERIMENT is its title, its file, or words in its title. `report --trend` makes a page of it.
    """
    def of_experiment(history: History) -> tuple[list[RunRow], list[ProbeRow]]:
        rows = history.trend(experiment, limit)
        return rows, history.probes([row.run for row in rows])

    rows, probes = asked(reports_folder(reports), of_experiment)
    if as_json:
        click.echo(msgspec.json.encode({"runs": rows, "probes": probes}).decode())
        return
    click.echo("\n".join(_lines(rows, probes, out_ink())))


def _lines(rows: Sequence[RunRow], probes: Sequence[ProbeRow], ink: Ink) -> Iterator[str]:
    passed = sum(row.verdict == "passed" for row in rows)
    yield f"{escaped(rows[-1].title)}  ({escaped(rows[-1].file)})" if rows else "no run of it is left"
    yield f"{passed} of {len(rows)} runs passed, oldest first"
    yield f"verdicts    {''.join(icon(row.verdict, ink) for row in rows)}"
    how = levels()
    yield from _times("recovered", [row.recovered_s for row in rows], how)
    yield from _times("detected", [row.detected_s for row in rows], how)
    for name in dict.fromkeys(probe.name for probe in probes if probe.phase == "during"):
        yield from _probe(rows, {probe.run: probe for probe in probes if (probe.name, probe.phase) == (name, "during")},
                          how)


def _times(word: str, values: Sequence[float | None], how: Levels) -> Iterator[str]:
    known = [value for value in values if value is not None]
    if known:
        said = f"{spoken_seconds(min(known))} to {spoken_seconds(max(known))}"
        yield f"{word:<11} {spark(values, how)}  {said}, last {_last(values)}"


def _last(values: Sequence[float | None]) -> str:
    return "none" if values[-1] is None else spoken_seconds(values[-1])


def _probe(rows: Sequence[RunRow], by_run: dict[str, ProbeRow], how: Levels) -> Iterator[str]:
    found = [by_run.get(row.run) for row in rows]
    last = next(probe for probe in reversed(found) if probe)
    worst = spark([probe.worst if probe else None for probe in found], how)
    said = last.worst_words or value_words(last.worst, unit_of(last.unit))
    margin = f", {margin_words(last.margin, last.unit)}" if last.margin is not None else ""
    yield f"{escaped(last.name)}  (limit {escaped(last.limit_words or '-')})"
    yield f"  worst     {worst}  last {escaped(said)}{margin}"
