"""`chaos-runner ci DIR|FILE…`"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec
from msgspec import Struct

from chaos_runner.cli.batch import Batch, Job, Ways
from chaos_runner.cli.children import told_of
from chaos_runner.cli.closing import near
from chaos_runner.cli.complained import Complained
from chaos_runner.cli.files import load_or_leave, surroundings_or_leave
from chaos_runner.cli.ink import err_ink
from chaos_runner.cli.outputs import FILES, NAMES, Outputs, Told
from chaos_runner.errors import UsageError
from chaos_runner.experiment.complaints import escaped
from chaos_runner.experiment.fetching import is_url
from chaos_runner.experiment.findings import Finding
from chaos_runner.experiment.loading import Loaded
from chaos_runner.plan.beside import Families, families, may_run_beside
from chaos_runner.report.folders import reports_folder
from chaos_runner.report.writing import write
from chaos_runner.run.events import Verdict
from chaos_runner.run.merge import merged

if TYPE_CHECKING:
    from chaos_runner.history.baseline import Baseline, Measured
    from chaos_runner.report.notices import GotWorse, NoRun

SCHEMA: Final = 1
SUMMARY: Final = "ci.json"
SUFFIXES: Final = (".yaml", ".yml", ".json")
WORSE_EXIT: Final = 1
_ONE_RUN: Final = ("html", "pdf", "chaostoolkit")
_SHOWN_MOST: Final = 20


class Options(Struct, frozen=True, kw_only=True):
    """The command's options."""

    env: str
    var: tuple[str, ...]
    var_file: tuple[str, ...]
    seed: int | None
    jobs: int
    baseline: str | None
    fail_on_worse: bool
    yes: bool
    rehearse: bool
    allow_unmarked: tuple[str, ...]
    reports: Path | None
    quiet: bool
    as_json: bool
    outputs: Outputs


class Summary(Struct, frozen=True, kw_only=True):
    """What is printed with --json and kept as reports/ci.json: a later build may take it as its baseline."""

    schema: int = SCHEMA
    runs: list[dict[str, Any]]
    verdict: Verdict
    exit: int
    page: str
    baseline: "dict[str, Any] | None" = None


@click.command()
@click.argument("files", nargs=-1, metavar="DIR|FILE…", required=True)
@click.option("--env", metavar="NAME", default="", help="An environment of chaos.yaml.")
@click.option("--var", multiple=True, metavar="KEY[:TYPE]=VALUE", help="Override a value of the configuration.")
@click.option("--var-file", multiple=True, metavar="FILE", help="Override values of the configuration and of the "
              "secrets (JSON, YAML).")
@click.option("--seed", type=int, help="Make random selection repeatable.")
@click.option("--jobs", "-j", type=click.IntRange(min=1, max=64), default=1, show_default=True, metavar="N", help=(
    "How many run at a time, at most. Those whose faults are of the same family (proxy, kubernetes, …), or are Chaos "
    "Toolkit's actions, never run at once."))
@click.option("--baseline", metavar="RUN|FILE", help="Say what is worse than in that run, that outcome.json or that "
              "ci.json of an earlier release.")
@click.option("--fail-on-worse", is_flag=True, help="Fail when anything is worse than in the baseline.")
@click.option("--yes", "-y", is_flag=True, help="Say yes where somebody would be asked (confirm-above, production).")
@click.option("--rehearse", is_flag=True, help="Trip each stop rule with an invented bad sample, before the first "
              "fault.")
@click.option("--allow-unmarked", multiple=True, metavar="FAULT", help="Inject this fault although CI=true and it "
              "leaves no mark by which it could be undone from elsewhere.")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")
@click.option("--quiet", "-q", is_flag=True, help="Of each run say only the two answers at the end.")
@click.option("--output", multiple=True, metavar="NAME[=FILE],…", help=(
    f"Tell of it in these forms too: {', '.join(name for name in NAMES if name not in _ONE_RUN)}. Chosen by itself in "
    "GitHub Actions and in GitLab CI."))
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
def command(files: tuple[str, ...], output: tuple[str, ...], **options: Any) -> None:
    """Run many experiments, for a build: one answer, one page, one exit code, that of the worst.

    A DIR stands for the experiments in it (.yaml, .yml, .json), by name; files run in the order given, each in a
    process of its own. One that leaves no outcome is an error. The page is ci.html in the folder of reports, and
    ci.json beside it is what --baseline takes later. A signal goes to whoever runs, and the rest is not begun.
    """
    chosen = Options(outputs=_outputs(output), **options)
    found = experiments_in(files)
    chosen.outputs.make_ready(found)
    with chosen.outputs.telling_why_nothing_ran(found, aside=chosen.as_json):
        sys.exit(_ci(found, chosen))


def experiments_in(files: Sequence[str]) -> list[str]:
    """The files, with those of each folder by name; each of them once. Raises UsageError where there is none."""
    found = [file for named in files for file in (_in_folder(Path(named)) if Path(named).is_dir() else [named])]
    if "-" in found:
        raise UsageError("ci reads no experiment from standard input: name files or folders")
    return list({file if is_url(file) else str(Path(file).absolute()): file for file in found}.values())


def _in_folder(folder: Path) -> list[str]:
    found = sorted(str(file) for file in folder.iterdir()
                   if file.suffix in SUFFIXES and file.is_file() and not file.name.startswith("."))
    if not found:
        raise UsageError(f"{folder} holds no experiment ({', '.join(SUFFIXES)}), and a build without any is not green")
    return found


def _outputs(asked: Sequence[str]) -> Outputs:
    outputs = Outputs.of(asked, os.environ)
    for name in _ONE_RUN:
        if name in outputs.files:
            raise UsageError(f"--output {name} tells of one run; of all together there are "
                             f"{', '.join(form for form in ('github', *FILES) if form not in _ONE_RUN)}, and ci.html")
    return outputs


def _ci(files: Sequence[str], options: Options) -> int:
    loaded = _loaded(files)
    reports = reports_folder(options.reports, surroundings_or_leave(files[0], options.env).project)
    baseline = _baseline(loaded, reports, options)
    _forget_the_last(reports)
    jobs = [Job(file=file, families=families(one.experiment) if one.experiment else None)
            for file, one in zip(files, loaded, strict=True)]
    _say_who_waits(jobs, options.jobs)
    outcomes = Batch(jobs, _ways(options)).run()
    return _tell(outcomes, baseline, reports, options)


def _loaded(files: Sequence[str]) -> list[Loaded]:
    """All of them, or every complaint about any of them: nothing is run while one is not valid."""
    loaded: list[Loaded] = []
    findings: list[Finding] = []
    for file in files:
        try:
            loaded.append(load_or_leave(file))
        except Complained as problem:
            findings += problem.findings
    if findings:
        raise Complained(findings)
    return loaded


def _baseline(loaded: Sequence[Loaded], reports: Path, options: Options) -> "Baseline | None":
    """What is compared with. It is read before anything is run. Raises UsageError, also when it knows none of these."""
    if options.baseline is None:
        if options.fail_on_worse:
            raise UsageError("--fail-on-worse: worse than what? Give --baseline RUN or FILE")
        return None
    from chaos_runner.cli.runs import find_run
    from chaos_runner.history.baseline import of_run, read_baseline

    file = Path(options.baseline)
    found = (read_baseline(file) if file.is_file() or file.suffix == ".json"
             else of_run(find_run(reports, options.baseline), f"run {options.baseline}"))
    if not any(found.of(one.experiment.file, one.experiment.title) for one in loaded if one.experiment):
        raise UsageError(f"--baseline {options.baseline} has no run of any of these experiments (by file or by title)")
    return found


def _forget_the_last(reports: Path) -> None:
    """What an earlier build left does not speak for this one."""
    from chaos_runner.report.together import NAME

    for name in (NAME, SUMMARY):
        with suppress(OSError):
            (reports / name).unlink(missing_ok=True)


# ── running ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def _ways(options: Options) -> Ways:
    return Ways(options=list(_passed_on(options)), most=options.jobs,
                began=lambda job: _say(f"── {escaped(job.file)} ──"), ended=_say_what_it_said)


def _passed_on(options: Options) -> Iterator[str]:
    for name, values in (("--var", options.var), ("--var-file", options.var_file),
                         ("--allow-unmarked", options.allow_unmarked)):
        for value in values:
            yield from (name, value)
    for name, one in (("--seed", options.seed), ("--env", options.env or None), ("--reports", options.reports)):
        if one is not None:
            yield from (name, str(one))
    yield from ("--output", "none", "--plain")  # we tell of all of them at once
    yield from (flag for flag, on in (("--yes", options.yes), ("--rehearse", options.rehearse),
                                      ("--quiet", options.quiet)) if on)


def _say_who_waits(jobs: Sequence[Job], most: int) -> None:
    """Which experiments never run at the same time, and why."""
    if most == 1 or len(jobs) == 1:
        return
    waits = [job for job in jobs if not any(may_run_beside(job.families, other.families)
                                            for other in jobs if other is not job)]
    _say(f"{len(jobs)} experiments, at most {most} at a time; never two at once whose faults are of one family")
    for job in waits[:_SHOWN_MOST]:
        _say(f"  {escaped(job.file)} runs alone: {_hits(job.families)}")


def _hits(found: Families) -> str:
    if found is None:
        return "it has actions of Chaos Toolkit, and nobody knows what those hit"
    return f"all others hit {', '.join(sorted(found)) or 'nothing'} too, or nobody knows what"


def _say_what_it_said(job: Job, said: bytes) -> None:
    if said:
        _say(f"── {escaped(job.file)} has ended ──\n{said.decode(errors='replace').rstrip()}")


# ── telling ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def _tell(outcomes: list[dict[str, Any]], baseline: "Baseline | None", reports: Path, options: Options) -> int:
    from chaos_runner.history.baseline import measure

    verdict, exit_code = merged([(Verdict(one["verdict"]), one["exit"]) for one in outcomes])
    measured = measure(baseline, outcomes) if baseline else None
    fails = options.fail_on_worse and measured is not None and bool(measured.worse)
    exit_code = exit_code or (WORSE_EXIT if fails else 0)
    page = _page_path(reports)
    summary = Summary(runs=outcomes, verdict=verdict, exit=exit_code, page=str(page),
                      baseline=msgspec.to_builtins(measured) if measured else None)
    result = msgspec.json.encode(summary)
    runs = [told_of(one, options.reports, options.env) for one in outcomes]
    for problem in [*_write(runs, summary, measured, reports),
                    *options.outputs.tell(Told(runs=[*runs, *_worse(measured, fails=fails)], result=result),
                                          lambda line: click.echo(line, err=options.as_json))]:
        _say(f"{err_ink().yellow('warning')}: {problem}")
    _say("\n".join(_lines(outcomes, summary, measured)))
    if options.as_json:
        click.echo(result.decode())
    return exit_code


def _page_path(reports: Path) -> Path:
    from chaos_runner.report.together import NAME

    return reports / NAME


def _write(runs: "Sequence[Path | NoRun]", summary: Summary, measured: "Measured | None",
           reports: Path) -> Iterator[str]:
    """The page and the summary in the folder of reports; why they could not be written."""
    from chaos_runner.report.together import Result, write_together

    try:
        reports.mkdir(parents=True, exist_ok=True)
        write(reports / SUMMARY, msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n")
        write_together(runs, Result(verdict=summary.verdict, exit=summary.exit, measured=measured), reports)
    except OSError as problem:
        yield f"{reports}: {problem}"


def _worse(measured: "Measured | None", *, fails: bool) -> "list[GotWorse]":
    from chaos_runner.report.notices import GotWorse

    return [GotWorse(baseline=measured.name, title=one.title, file=one.file, lines=tuple(one.worse), fails=fails)
            for one in measured.worse] if measured else []


def _lines(outcomes: Sequence[Mapping[str, Any]], summary: Summary, measured: "Measured | None") -> Iterator[str]:
    yield ""
    for one in outcomes:
        yield f"  {_coloured(one)} {escaped(one['file'])}{_restored(one)}"
        if one["verdict"] != Verdict.PASSED and one.get("sentence"):
            yield f"               {escaped(str(one['sentence']))}"
    yield from _beside(measured) if measured else ()
    yield f"  page         {escaped(str(near(Path(summary.page))))}"
    yield f"  exit {summary.exit}"


def _coloured(one: Mapping[str, Any]) -> str:
    ink = err_ink()
    colour = {Verdict.PASSED: ink.green, Verdict.DEVIATED: ink.red}.get(one["verdict"], ink.yellow)
    return colour(f"{one['verdict']:<12}")


def _restored(one: Mapping[str, Any]) -> str:
    restored = one.get("restored", "")
    return "" if restored in ("", "restored", "nothing-to-restore") else f" ({restored})"


def _beside(measured: "Measured") -> Iterator[str]:
    ink = err_ink()
    for one in measured.changed:
        yield from (f"  {ink.red('worse'):<12} {escaped(one.file)}: {escaped(line)}" for line in one.worse)
        yield from (f"  {ink.green('better'):<12} {escaped(one.file)}: {escaped(line)}" for line in one.better)
    yield from (f"  new          {escaped(file)}: {escaped(measured.name)} has no run of it" for file in measured.new)
    yield from (f"  not run      {escaped(file)}: it stands in {escaped(measured.name)}" for file in measured.gone)
    if not measured.worse:
        yield f"  nothing is worse than in {escaped(measured.name)}"


def _say(text: str) -> None:
    with suppress(OSError, ValueError, AttributeError):
        click.echo(text, err=True)
