"""The latch of production: what failed there does not run again on its own until somebody says why it may.

It is read from the runs themselves, so it cannot be lost apart from them; `acks.ndjson` beside them says which failures
somebody has looked at. Whoever sits at a terminal is asked before every run in production, and needs no latch.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from chaos_runner.history.asking import History, Wanted
from chaos_runner.history.comparing import plan_of
from chaos_runner.history.rows import RunRow
from chaos_runner.journal.reader import JournalUnreadable

NAME: Final = "acks.ndjson"


class Ack(Struct, frozen=True, kw_only=True):
    """Somebody has looked at a failed run, and says why its experiment may run again. `at` is RFC 3339 in UTC."""

    run: str
    title: str
    environment: str
    why: str
    by: str
    at: str


def latched_by(history: History, experiment: tuple[str, str], environment: str, reports: Path) -> RunRow | None:
    """The failed run that holds an experiment, by its title and file, back in an environment; None when none does."""
    last = history.last_failed(experiment, environment)
    return last if last and last.run not in {ack.run for ack in acks(reports)} else None


def latched(history: History, name: str, reports: Path) -> list[RunRow]:
    """The runs that hold back what is called so, one an environment of production.

    Raises UsageError for an experiment that was never run.
    """
    rows = history.runs(Wanted(experiment=name, limit=0))
    places = dict.fromkeys(((row.title, row.file), row.environment) for row in rows)
    found = {row.run: row for experiment, environment in places
             if (row := latched_by(history, experiment, environment, reports))}
    return [row for row in found.values() if _was_production(reports, row.run)]


def acks(reports: Path) -> Iterator[Ack]:
    """All that was acknowledged, oldest first. A line that cannot be read acknowledges nothing."""
    try:
        lines = (reports / NAME).read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=Ack)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue


def acknowledge(reports: Path, ack: Ack) -> None:
    """Writes it down. Raises OSError."""
    with (reports / NAME).open("ab") as file:
        file.write(msgspec.json.encode(ack) + b"\n")


def _was_production(reports: Path, run: str) -> bool:
    """What cannot be read any more may have been."""
    try:
        return plan_of(reports / "runs" / run).production
    except JournalUnreadable:
        return True
