"""`chaos-runner run FILE…`"""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NoReturn

import click
import msgspec
from msgspec import Struct, structs

from chaos_runner import wiring
from chaos_runner.cli import gates, uploading
from chaos_runner.cli.children import run_in_a_child, told_of
from chaos_runner.cli.closing import closing
from chaos_runner.cli.files import load_or_leave, surroundings_or_leave
from chaos_runner.cli.ink import err_ink
from chaos_runner.cli.opening import open_page
from chaos_runner.cli.outputs import NAMES, Outputs, Told
from chaos_runner.cli.watching import looking_on
from chaos_runner.cli.wrapping import width_of, wrapped
from chaos_runner.engine.watching import Watcher
from chaos_runner.errors import UsageError
from chaos_runner.experiment.build import HYPOTHESIS_STRATEGIES
from chaos_runner.experiment.fetching import is_url
from chaos_runner.experiment.loading import Web
from chaos_runner.experiment.model import Dry, HypothesisStrategy, RollbackStrategy
from chaos_runner.experiment.toolkit import overrides
from chaos_runner.guests import Guests, as_data, load_controls, loading, read_settings, runtime_of
from chaos_runner.plan.build import Runtime, Wishes
from chaos_runner.plan.model import Manner
from chaos_runner.plan.unmarked import is_thrown_away
from chaos_runner.recovery.unfinished import unfinished
from chaos_runner.report.folders import reports_folder
from chaos_runner.run.events import Event, Verdict
from chaos_runner.run.merge import merged
from chaos_runner.run.run import Run

_RUN_ID: Final = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")


class Options(Struct, frozen=True, kw_only=True):
    """The command's options."""

    env: str
    yes: bool
    plan: Path | None
    rehearse: bool
    allow_unmarked: tuple[str, ...]
    gates: Path | None
    var: tuple[str, ...]
    seed: int | None
    run_id: str
    rollback_strategy: str | None
    hypothesis_strategy: str | None
    hypothesis_frequency: float
    fail_fast: bool
    dry: str | None
    var_file: tuple[str, ...]
    control_file: tuple[str, ...]
    settings: str | None
    journal_path: Path | None
    no_verify_tls: bool
    hypothesis_only: bool
    reports: Path | None
    json: bool
    events: str | None
    quiet: bool
    plain: bool
    open: bool
    upload: str | None
    outputs: Outputs

    @property
    def keeps_output(self) -> bool:
        """Whether standard output is kept for what a program reads."""
        return self.json or self.events == "-"


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
@click.argument("files", nargs=-1, metavar="FILE…")
@click.option("--env", metavar="NAME", default="", help="An environment of chaos.yaml.")
@click.option("--yes", "-y", is_flag=True, help="Say yes where somebody would be asked (confirm-above, production).")
@click.option("--plan", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Hit what this plan says and nobody else (`chaos-runner plan --out FILE`).")
@click.option("--rehearse", is_flag=True, help=(
    "Trip each stop rule with an invented bad sample, before the first fault."))
@click.option("--allow-unmarked", multiple=True, metavar="FAULT", help=(
    "Inject this fault although CI=true and it leaves no mark by which it could be undone from elsewhere."))
@gates.option
@click.option("--var", multiple=True, metavar="KEY[:TYPE]=VALUE", help="Override a value of the configuration.")
@click.option("--var-file", multiple=True, metavar="FILE", help="Override values of the configuration and of the "
              "secrets (JSON, YAML), or set variables of the environment (any other name).")
@click.option("--seed", type=int, help="Make random selection repeatable.")
@click.option("--run-id", default="", metavar="ID", hidden=True, callback=lambda _, __, said: _as_run_id(said), help=(
    "The id of the run, for whoever starts it and has to know it beforehand."))
@click.option("--rollback-strategy", type=click.Choice([strategy.value for strategy in RollbackStrategy]),
              help="When the author's rollbacks run. safe (default): as soon as any action was started. What a fault "
                   "recorded is undone in any case.")
@click.option("--hypothesis-strategy", metavar="NAME", type=click.Choice(list(HYPOTHESIS_STRATEGIES)), help=(
    "When probes without `every` are read: default, before-method-only, after-method-only, during-method-only, "
    "continuously or skip. What was not measured is never passed."))
@click.option("--hypothesis-frequency", type=click.FloatRange(min=0.05), default=1.0, metavar="SECONDS", help=(
    "How long after each other they are read while the method runs (default: 1)."))
@click.option("--fail-fast", is_flag=True, help="Stop and undo as soon as one of these readings does not hold.")
@click.option("--dry", type=click.Choice([dry.value for dry in Dry]), help=(
    "Go through these and call none of them; `pause` leaves the pauses out. A dry run is never passed."))
@click.option("--control-file", multiple=True, metavar="FILE", help="Chaos Toolkit controls for this run.")
@click.option("--settings", metavar="FILE", help="Chaos Toolkit's settings (default: ~/.chaostoolkit/settings.yaml).")
@click.option("--journal-path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write Chaos Toolkit's journal there too.")
@click.option("--no-verify-tls", is_flag=True, help="Fetch an experiment without looking at the certificate.")
@click.option("--hypothesis-only", is_flag=True, help="Measure the steady state and inject nothing.")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")
@click.option("--json", is_flag=True, help="Print the outcome as one JSON object.")
@click.option("--events", metavar="PATH", help="Stream the journal's events to a file, or to standard output for -.")
@click.option("--quiet", "-q", is_flag=True, help="Say only the two answers at the end.")
@click.option("--plain", is_flag=True, help="One line per change on a terminal too, and no live view.")
@click.option("--open", "open", is_flag=True, help="Open the report in a browser.")
@uploading.option
@click.option("--output", multiple=True, metavar="NAME[=FILE],…", help=(
    f"Tell of it in these forms too: {', '.join(NAMES)}. Chosen by itself in GitHub Actions and in GitLab CI."))
@click.option("--named-aside", is_flag=True, hidden=True, help=(
    "Read FILE's name from standard input: a list of processes then does not tell which experiment this is."))
def command(files: tuple[str, ...], output: tuple[str, ...], *, named_aside: bool, **options: Any) -> None:
    """Run experiments: inject the faults, undo them, judge.

    FILE is an experiment in YAML or JSON, the address of one (https://…), or - for standard input. Several files run
    in the order given, each in a process of its own. Ctrl-C stops and undoes; so do SIGTERM, SIGHUP and SIGQUIT. The
    second Ctrl-C skips waits and still undoes; the third prints what is still to be undone and leaves that to the
    watchdog.
    """
    chosen = Options(outputs=Outputs.of(output, os.environ), **options)
    if named_aside:
        files = (sys.stdin.readline().rstrip("\n"),)
    chosen.outputs.make_ready(files)
    uploading.make_ready(chosen.upload)
    named = files or ((str(chosen.plan),) if chosen.plan else ())
    with chosen.outputs.telling_why_nothing_ran(named, aside=chosen.keeps_output):
        _run_all(files, chosen)


def _as_run_id(said: str) -> str:
    if said and not _RUN_ID.fullmatch(said):
        raise click.BadParameter(f"{said!r} is no ULID")
    return said


def _run_all(files: Sequence[str], chosen: Options) -> None:
    if chosen.plan:
        _run_planned(files, chosen, chosen.plan)
        return
    if not files:
        raise click.UsageError("which FILE? (`-` is standard input)")
    if len(files) == 1:
        _run_one(files[0], chosen)
        return
    if chosen.events or chosen.open or chosen.journal_path or chosen.run_id:
        raise click.UsageError("--events, --open, --journal-path and --run-id want a single file")
    for file in files:
        if not is_url(file):
            load_or_leave(file)
    sys.exit(_run_many(files, chosen))


def _run_planned(files: Sequence[str], options: Options, path: Path) -> None:
    """The plan's own file, unless another was given: it may have been moved, and must be the same."""
    if len(files) > 1:
        raise click.UsageError("--plan wants a single file")
    from chaos_runner.cli.asking import bound_to, read_plan_file

    plan = read_plan_file(path)
    if options.env not in ("", plan.environment):
        raise UsageError(f'--env {options.env}: the plan is for {plan.environment or "no environment"}')
    chosen = structs.replace(options, env=plan.environment)
    _run(bound_to(plan, _request(files[0] if files else plan.file, chosen)), chosen)


def _run_one(file: str, options: Options) -> None:
    _run(_request(file, options), options)


def _agreed(asked: wiring.Request, options: Options) -> wiring.Request:
    """The request, bound to what was said yes to where somebody has to. Raises Refused."""
    if not wiring.may_ask(asked):
        return asked
    from chaos_runner.cli.asking import agreed

    return agreed(asked, yes=options.yes)


def _run(asked: wiring.Request, options: Options) -> None:
    """Runs it and leaves the process: at once, whatever threads or handlers a step has left behind."""
    request = _agreed(asked, options)
    _say_what_is_unfinished(request.reports)
    results = Results()
    watchers: list[Watcher] = [_streaming(results.stream(options.events))] if options.events else []
    with looking_on(quiet=options.quiet, plain=options.plain) as console:

        def finish(ended: wiring.Ended) -> NoReturn:
            try:
                console.close()
                _tell(ended, options, results)
            finally:
                os._exit(ended.outcome.exit)

        wiring.run(request, [console, *watchers], finish)


def _request(file: str, options: Options) -> wiring.Request:
    """What is asked for. Leaves with every complaint when the file cannot be followed. Raises UsageError."""
    guests = Guests(settings=read_settings(options.settings), control_files=options.control_file)
    load_controls(guests)
    web = Web(guests.settings.get("auths") or {}, verify_tls=not options.no_verify_tls)
    with loading(guests, file) as state:
        loaded = load_or_leave(file, web)
        if guests.bring_controls and loaded.experiment:
            state["data"] = as_data(loaded.experiment)
    held = surroundings_or_leave(file, options.env)
    wishes = structs.replace(_wishes(options, runtime_of(guests.settings)), surroundings=held)
    request = wiring.request_for(loaded, reports_folder(options.reports, held.project), options.var, wishes)
    request = gates.with_gates(request, options.gates)
    return structs.replace(request, guests=guests, overrides=overrides((), options.var_file),
                           journal_path=options.journal_path, alone=not os.isatty(0))


def _wishes(options: Options, runtime: Runtime) -> Wishes:
    strategy = RollbackStrategy(options.rollback_strategy) if options.rollback_strategy else None
    hypothesis = HypothesisStrategy.of(options.hypothesis_strategy) if options.hypothesis_strategy else None
    manner = Manner(frequency_s=options.hypothesis_frequency, fail_fast=options.fail_fast,
                    dry=Dry(options.dry) if options.dry else None)
    return Wishes(seed=options.seed, strategy=strategy, hypothesis_only=options.hypothesis_only,
                  hypothesis=hypothesis, manner=manner, runtime=runtime, rehearse=options.rehearse, run=options.run_id,
                  thrown_away=is_thrown_away(os.environ), allow_unmarked=options.allow_unmarked)


def _say_what_is_unfinished(reports: Path) -> None:
    """Runs that died or left something, and that nobody has recovered: said, never silently passed by."""
    left = [one.run for one in unfinished(reports) if one.held_by is None]
    if left:
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        said = f"not everything is restored after {', '.join(left[:3])}{more}: chaos-runner recover --all"
        click.echo(f"{err_ink().yellow('warning')}: {wrapped(said, width_of(sys.stderr), 9)}", err=True)


def _tell(ended: wiring.Ended, options: Options, results: Results) -> None:
    """The verdict stands, whether or not anybody can be told: what cannot be printed is not."""
    ink = err_ink()
    lines = closing(ended, options.reports, ink, sys.stderr)
    with suppress(OSError, ValueError, AttributeError):
        click.echo("\n".join(lines), err=True, color=ink.on)
    if options.json:
        with suppress(OSError, ValueError):
            results.write(msgspec.json.encode(ended.outcome) + b"\n")
    told = Told(runs=[ended.folder], result=msgspec.json.encode(ended.outcome))
    _warn(options.outputs.tell(told, lambda line: _say_aside(line, options, results)))
    if not ended.left:
        uploading.upload(ended.folder, options.upload)
    if options.open:
        open_page(ended.folder / "report.html")


def _say_aside(line: str, options: Options, results: Results) -> None:
    """On standard output, unless that is kept for something else. Pipelines read annotations on either."""
    if options.keeps_output:
        click.echo(line, err=True)
    else:
        results.write(line.encode() + b"\n")


def _warn(problems: Sequence[str]) -> None:
    with suppress(OSError, ValueError, AttributeError):
        for problem in problems:
            click.echo(f"{err_ink().yellow('warning')}: {problem}", err=True)


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
    result = msgspec.json.encode({"runs": outcomes, "verdict": verdict, "exit": exit_code})
    if options.json:
        click.echo(result.decode())
    if options.outputs.any:
        told = Told(runs=[told_of(outcome, options.reports, options.env) for outcome in outcomes], result=result)
        _warn(options.outputs.tell(told, lambda line: click.echo(line, err=options.keeps_output)))
    return exit_code


def _passed_on(options: Options) -> Iterator[str]:
    for variable in options.var:
        yield from ("--var", variable)
    if options.seed is not None:
        yield from ("--seed", str(options.seed))
    if options.rollback_strategy:
        yield from ("--rollback-strategy", options.rollback_strategy)
    for option in ("var_file", "control_file", "allow_unmarked"):
        for file in getattr(options, option):
            yield from (f"--{option.replace('_', '-')}", file)
    for option in ("hypothesis_strategy", "dry", "settings", "env", "reports", "gates"):
        if getattr(options, option):
            yield from (f"--{option.replace('_', '-')}", str(getattr(options, option)))
    yield from ("--hypothesis-frequency", str(options.hypothesis_frequency))
    yield from ("--output", "none")  # the parent tells of all of them at once
    yield from (flag for flag, on in (
        ("--hypothesis-only", options.hypothesis_only), ("--quiet", options.quiet), ("--fail-fast", options.fail_fast),
        ("--no-verify-tls", options.no_verify_tls), ("--yes", options.yes), ("--rehearse", options.rehearse),
        ("--plain", options.plain)) if on)
