"""`chaos-runner run FILE…`"""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import Struct

from chaos_runner import wiring
from chaos_runner.cli.children import run_in_a_child
from chaos_runner.cli.console import Console, ending
from chaos_runner.cli.files import load_or_leave
from chaos_runner.cli.ink import err_ink
from chaos_runner.engine.shell import Watcher
from chaos_runner.experiment.model import RollbackStrategy
from chaos_runner.plan.build import Wishes
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
        sys.exit(_run_one(files[0], chosen))
    if chosen.events or chosen.open:
        raise click.UsageError("--events and --open want a single file")
    for file in files:
        load_or_leave(file)
    sys.exit(_run_many(files, chosen))


def _run_one(file: str, options: Options) -> int:
    loaded = load_or_leave(file)
    strategy = RollbackStrategy(options.rollback_strategy) if options.rollback_strategy else None
    wishes = Wishes(seed=options.seed, strategy=strategy, hypothesis_only=options.hypothesis_only)
    request = wiring.request_for(loaded, wiring.reports_folder(options.reports), options.var, wishes)
    with _streaming(options.events) as watchers:
        if not options.quiet:
            watchers.append(Console(err_ink()))
        ended = wiring.run(request, watchers, lambda over: _finish(over, options))
    return ended.outcome.exit


def _finish(ended: wiring.Ended, options: Options) -> None:
    ink = err_ink()
    lines = ["", *ending(ended.outcome, ink), f"  report      {ended.folder / 'report.html'}",
             f"  exit {ended.outcome.exit}"]
    if ended.problem:
        lines.append(f"  {ink.yellow('warning')}     {ended.problem}")
    click.echo("\n".join(lines), err=True)
    if options.json:
        click.echo(msgspec.json.encode(ended.outcome).decode())
        sys.stdout.flush()
    if options.open:
        click.launch(str(ended.folder / "report.html"))


@contextlib.contextmanager
def _streaming(path: str | None) -> Iterator[list[Watcher]]:
    """A watcher that writes every event, once it is in the journal, as one line of JSON."""
    if path is None:
        yield []
        return
    with contextlib.ExitStack() as stack:
        stream = sys.stdout.buffer if path == "-" else stack.enter_context(Path(path).open("wb"))

        def write(_: Run, events: Sequence[Event]) -> None:
            for event in events:
                stream.write(msgspec.json.encode(event, enc_hook=repr) + b"\n")
            stream.flush()

        yield [write]


def _run_many(files: Sequence[str], options: Options) -> int:
    outcomes = [run_in_a_child(file, list(_passed_on(options))) for file in files]
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
