"""What the commands about many runs share: opening the history, saying what is left out, and rows for a person."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

import click

from chaos_runner.cli.ink import Ink, err_ink
from chaos_runner.experiment.complaints import escaped
from chaos_runner.history.asking import History
from chaos_runner.history.rows import RunRow
from chaos_runner.history.tables import Other
from chaos_runner.units import spoken_seconds

T = TypeVar("T")
NAMED_MOST: Final = 3
"""Folders that cannot be listed and are named; the others are counted. All of them stand in --json."""
_GOOD: Final = {"passed", "restored", "nothing-to-restore"}
_BAD: Final = {"deviated", "error", "not-restored", "unknown"}


def asked(reports: Path, question: Callable[[History], T]) -> T:
    """The history's answer; what is the matter with its database is said on standard error."""
    from chaos_runner.history.store import ask

    return ask(reports, question, lambda words: click.echo(f"{err_ink().yellow('note')}: {words}", err=True))


def say_left_out(others: Sequence[Other]) -> None:
    """Names the folders that have no outcome, and why."""
    for other in others[:NAMED_MOST]:
        click.echo(f"{err_ink().yellow('not listed')}: run {escaped(other.run)}: {escaped(other.why)}", err=True)
    if len(others) > NAMED_MOST:
        click.echo(f"{err_ink().yellow('not listed')}: and {len(others) - NAMED_MOST} more (--json has all)", err=True)


def icon(word: str, ink: Ink) -> str:
    """A sign beside the word, in its colour."""
    if word in _GOOD:
        return ink.green("✔")
    return ink.red("✖") if word in _BAD else ink.yellow("▲")


def line(row: RunRow, ink: Ink, width: int) -> str:
    """A run in one line: when, both answers, how long, which experiment."""
    when = row.started[:16].replace("T", " ")
    colour = ink.red if row.restored in _BAD else ink.yellow
    restored = "" if row.restored in _GOOD else colour(row.restored)
    head = f"{icon(row.verdict, ink)} {row.verdict:<12} {when}  {spoken_seconds(row.took_s):>8}  {escaped(row.run)}  "
    title = escaped(row.title)
    room = max(20, width - 44 - len(row.run))
    cut = title if len(title) <= room else f"{title[:room - 1]}…"
    return f"{head}{cut}{'  ' if restored else ''}{restored}"


def lines(rows: Sequence[RunRow], ink: Ink, width: int) -> Iterator[str]:
    """The runs for a person, in the order they came."""
    return (line(row, ink, width) for row in rows)
