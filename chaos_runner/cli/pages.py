"""`chaos-runner report --diff RUN RUN` and `--trend EXPERIMENT`: pages about several runs, instead of one run's."""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from chaos_runner.cli.runs import find_run
from chaos_runner.errors import UsageError
from chaos_runner.report.folders import reports_folder

if TYPE_CHECKING:
    from chaos_runner.history.asking import History
    from chaos_runner.history.rows import ProbeRow, RunRow

RUNS_MOST: Final = 50
"""In a page of a trend: more are not told apart on a telephone."""
DIFFERENCES: Final = Path("diffs")


def write_comparison(before: str, after: str, reports: Path, out: Path | None) -> Path:
    """Writes the page that compares two runs. Raises UsageError."""
    from chaos_runner.history.comparing import compared
    from chaos_runner.report import difference

    found = compared(find_run(reports, before), find_run(reports, after))
    name = Path(f"{found.before.run}-{found.after.run}.html")
    return _written(reports, out / name if out else reports / DIFFERENCES / name,
                    lambda way: difference.html(found, way))


def write_trend(experiment: str, reports: Path, out: Path | None) -> Path:
    """Writes the page of an experiment's last runs. Raises UsageError when it was never run."""
    from chaos_runner.cli.pasts import asked
    from chaos_runner.report import trend

    def of_experiment(history: "History") -> "tuple[list[RunRow], list[ProbeRow]]":
        rows = history.trend(experiment, RUNS_MOST)
        return rows, history.probes([row.run for row in rows])

    rows, probes = asked(reports, of_experiment)
    if not rows:
        raise UsageError(f"no run of {experiment} is left in {reports}")
    page = trend.page_of(rows[-1].title)
    return _written(reports, out / page.name if out else reports / page,
                    lambda way: trend.html(rows, probes, way))


def _written(reports: Path, file: Path, told: Callable[[str], str]) -> Path:
    """A page whose links lead from where it is to where the runs are."""
    from chaos_runner.report.writing import write

    way = Path(os.path.relpath(reports.absolute(), file.parent.absolute())).as_posix()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write(file, told("" if way == "." else f"{way}/"))
    except OSError as problem:
        raise UsageError(f"{file}: {problem.strerror}") from problem
    return file


def pages_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options `--diff` and `--trend`, either of which makes a page instead of what the command does else."""
    options = (
        click.option("--diff", nargs=2, metavar="RUN RUN", help="Write a page that compares two runs instead."),
        click.option("--trend", metavar="EXPERIMENT", help="Write a page of an experiment's last runs instead."))

    @wraps(command)
    def either(*, diff: tuple[str, str] | None, trend: str | None, **rest: Any) -> None:
        if diff is None and trend is None:
            command(**rest)
            return
        folder, out = reports_folder(rest["reports"]), rest["out"]
        compared = [write_comparison(*diff, folder, out)] if diff else []
        paths = [str(path) for path in [*compared, *([write_trend(trend, folder, out)] if trend else [])]]
        click.echo(msgspec.json.encode({"paths": paths}).decode() if rest["as_json"] else "\n".join(paths))

    for option in options:
        either = option(either)
    return either
