"""The closing block of a run: the two answers, and what to type next."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from chaos_runner import wiring
from chaos_runner.cli.console import ending
from chaos_runner.cli.ink import Ink
from chaos_runner.cli.wrapping import width_of
from chaos_runner.experiment.complaints import escaped
from chaos_runner.run.events import RestoredState, Verdict

_OPEN = (RestoredState.NOT_RESTORED, RestoredState.UNKNOWN)


def closing(ended: wiring.Ended, reports: Path | None, ink: Ink, stream: TextIO) -> list[str]:
    """The lines. `reports` is the folder as it was given on the command line, if it was: what is to be typed says it
    again.
    """
    lines = ["", *ending(ended.outcome, ink, width_of(stream))]
    lines += [f"  {name:<9} {text}" for name, text in _next(ended, _again(reports))]
    if ended.problem:
        lines.append(f"  {ink.yellow('warning')}   {escaped(ended.problem)}")
    return [*lines, f"  exit {ended.outcome.exit}"]


def _next(ended: wiring.Ended, again: str) -> Iterator[tuple[str, str]]:
    run = ended.outcome.run
    if ended.left:
        yield "left", "at once, as asked: the watchdog goes on with the undo, and writes the report"
        yield "wait", f"chaos-runner recover {run}{again}"
        return
    yield "report", escaped(str(near(ended.folder / "report.html")))
    if ended.outcome.restored in _OPEN:
        yield "recover", f"chaos-runner recover {run}{again}"
    if ended.outcome.again_at:
        yield "again", f"not before {ended.outcome.again_at}: until then the gates say wait"
    yield "details", f"chaos-runner show latest{again}"
    if ended.outcome.verdict is Verdict.DEVIATED:
        yield from _after_a_weakness(ended, again)


def _after_a_weakness(ended: wiring.Ended, again: str) -> Iterator[tuple[str, str]]:
    """What has changed since the run before it, where there is one, and where to write down what was learned."""
    from chaos_runner.report.last import last_before

    if last := last_before(ended.run, ended.folder):
        yield "compare", f"chaos-runner diff {escaped(last.run)} latest{again}"
    yield "learn", f"chaos-runner postmortem latest{again}"


def _again(reports: Path | None) -> str:
    return f" --reports {shlex.quote(escaped(str(reports)))}" if reports else ""


def near(path: Path) -> Path:
    """The path as people would write it: from where they are."""
    try:
        return path.relative_to(Path.cwd())
    except (OSError, ValueError):
        return path
