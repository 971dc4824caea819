"""`chaos-runner run FILE…`"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec
from msgspec import Struct

from chaos_runner import wiring
from chaos_runner.cli.children import run_in_a_child
from chaos_runner.cli.console import Console, ending
from chaos_runner.cli.files import load_or_leave
from chaos_runner.cli.ink import err_ink
from chaos_runner.engine.watching import Watcher
from chaos_runner.errors import UsageError
from chaos_runner.experiment.model import RollbackStrategy
from chaos_runner.plan.build import Wishes
from chaos_runner.recovery.unfinished import unfinished
from chaos_runner.run.events import Event, Verdict
from chaos_runner.run.merge import merged
from chaos_runner.run.run import Run


class Options(Struct, frozen=True, kw_only=True):
    """The command's options."""

    var: tuple[str, ...]
    seed: int | None
    rollback_strategy: str | None
    hypothesis_only: bool
    reports: Path | None
    json: bool
    events: str | None
    quiet: bool
    open: bool


class Results:
    """Standard output, kept for results: whatever a step prints goes to standard error instead."""

    def __init__(self) -> None:
        try:
            self._file = os.dup(1)
            os.dup2(2, 1)
        except OSError:  # it was closed from the start
            self._file = os.open(os.devnull, os.O_WRONLY)

    def write(self, data: bytes) -> None:
        """Writes all of it. Raises OSError."""
        while data:
            data = data[os.write(self._file, data):]

    def stream(self, path: str) -> Callable[[bytes], object]:
        """Where `--events` goes. Raises UsageError."""
        if path == "-":
            return self.write
        try:
            return Path(path).open("wb", buffering=0).write
        except OSError as problem:
            raise UsageError(f"--events {path}: {problem.strerror}") from problem


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--var", multiple=True, metavar="KEY[:TYPE]=VALUE", help="Override a value of the configuration.")
@click.option("--seed", type=int, help="Make random selection repeatable.")
@click.option("--rollback-strategy", type=click.Choice([strategy.value for strategy in RollbackStrategy]),
              help="When the author's rollbacks run. safe (default): as soon as any action was started. What a fault "
                   "recorded is undone in any case.")
@click.option("--hypothesis-only", is_flag=True, help="Measure the steady state and inject nothing.")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")
@click.option("--json", is_flag=True, help="Print the outcome as one JSON object.")
@click.option("--events", metavar="PATH", help="Stream the journal's events to a file, or to standard output for -.")
@click.option("--quiet", "-q", is_flag=True, help="Say only the two answers at the end.")
@click.option("--open", "open", is_flag=True, help="Open the report in a browser.")
def command(files: tuple[str, ...], **options: Any) -> None:
    """Run experiments: inject the faults, undo them, judge.

    FILE is an experiment in YAML or JSON, or - for standard input. Several files run in the order given, each in a
    process of its own. Ctrl-C stops and undoes; so do SIGTERM, SIGHUP and SIGQUIT.
    """
    chosen = Options(**options)
    if len(files) == 1:
        _run_one(files[0], chosen)
        return
    if chosen.events or chosen.open:
        raise click.UsageError("--events and --open want a single file")
    for file in files:
        load_or_leave(file)
    sys.exit(_run_many(files, chosen))


def _run_one(file: str, options: Options) -> None:
    """Runs it and leaves the process: at once, whatever threads or handlers a step has left behind."""
    loaded = load_or_leave(file)
    strategy = RollbackStrategy(options.rollback_strategy) if options.rollback_strategy else None
    wishes = Wishes(seed=options.seed, strategy=strategy, hypothesis_only=options.hypothesis_only)
    request = wiring.request_for(loaded, wiring.reports_folder(options.reports), options.var, wishes)
    _say_what_is_unfinished(request.reports)
    results = Results()
    watchers: list[Watcher] = [] if options.quiet else [Console(err_ink())]
    if options.events:
        watchers.append(_streaming(results.stream(options.events)))

    def finish(ended: wiring.Ended) -> NoReturn:
        try:
            _tell(ended, options, results)
        finally:
            os._exit(ended.outcome.exit)

    wiring.run(request, watchers, finish)


def _say_what_is_unfinished(reports: Path) -> None:
    """Runs that died and that nobody has recovered: said, never silently passed by."""
    left = [one.run for one in unfinished(reports) if one.held_by is None]
    if left:
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        click.echo(f"{err_ink().yellow('warning')}: {', '.join(left[:3])}{more} died before everything was restored: "
                   "chaos-runner recover --all", err=True)


def _tell(ended: wiring.Ended, options: Options, results: Results) -> None:
    """The verdict stands, whether or not anybody can be told: what cannot be printed is not."""
    ink = err_ink()
    lines = ["", *ending(ended.outcome, ink), f"  report      {_near(ended.folder / 'report.html')}",
             f"  exit {ended.outcome.exit}"]
    if ended.problem:
        lines.append(f"  {ink.yellow('warning')}     {ended.problem}")
    with suppress(OSError, ValueError, AttributeError):
        click.echo("\n".join(lines), err=True)
    if options.json:
        with suppress(OSError, ValueError):
            results.write(msgspec.json.encode(ended.outcome) + b"\n")
    if options.open:
        click.launch(str(ended.folder / "report.html"))


def _near(path: Path) -> Path:
    """The path as people would write it: from where they are."""
    try:
        return path.relative_to(Path.cwd())
    except (OSError, ValueError):
        return path


def _streaming(write: Callable[[bytes], object]) -> Watcher:
    """A watcher that writes every event, once it is in the journal, as one line of JSON."""

    def told(_: Run, events: Sequence[Event]) -> None:
        write(b"".join(msgspec.json.encode(event, enc_hook=repr) + b"\n" for event in events))

    return told


def _run_many(files: Sequence[str], options: Options) -> int:
    outcomes: list[dict[str, Any]] = []
    for file in files:
        outcomes.append(run_in_a_child(file, list(_passed_on(options))))
        if outcomes[-1]["verdict"] == Verdict.INTERRUPTED:
            break
    verdict, exit_code = merged([(Verdict(outcome["verdict"]), outcome["exit"]) for outcome in outcomes])
    if options.json:
        click.echo(msgspec.json.encode({"runs": outcomes, "verdict": verdict, "exit": exit_code}).decode())
    return exit_code


def _passed_on(options: Options) -> Iterator[str]:
    for variable in options.var:
        yield from ("--var", variable)
    if options.seed is not None:
        yield from ("--seed", str(options.seed))
    if options.rollback_strategy:
        yield from ("--rollback-strategy", options.rollback_strategy)
    if options.reports:
        yield from ("--reports", str(options.reports))
    yield from (flag for flag, on in (("--hypothesis-only", options.hypothesis_only), ("--quiet", options.quiet)) if on)
