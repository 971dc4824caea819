"""The tables of history.db, and what goes into them and comes out."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import time_ns
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import fields

from chaos_runner.history.reading import OUTCOME, OutcomeUnreadable, read_outcome
from chaos_runner.history.rows import ProbeRow, RunRow, columns, probe_rows, run_row
from chaos_runner.run.outcome import Outcome

VERSION: Final = 1
"""Of the tables. A database of another version is made again."""
_KINDS: Final = {str: "TEXT NOT NULL", int: "INTEGER NOT NULL", float: "REAL NOT NULL", float | None: "REAL"}


class Other(Struct, frozen=True):
    """A folder without an outcome that could be read, and why. `stamp` tells when that is to be looked at again."""

    run: str
    why: str
    stamp: str


class Experiment(Struct, frozen=True):
    """An experiment that was run: people call it by its title or by its file."""

    title: str
    file: str


def create(db: sqlite3.Connection) -> None:
    """Makes the tables in an empty database."""
    for statement in (
            f"CREATE TABLE runs ({_columns(RunRow)}, PRIMARY KEY (run)) WITHOUT ROWID",
            "CREATE INDEX worst ON runs (rank, run DESC)",
            "CREATE INDEX by_title ON runs (title, run)",
            "CREATE INDEX by_verdict ON runs (verdict, run)",
            "CREATE INDEX by_start ON runs (started)",
            f"CREATE TABLE probes ({_columns(ProbeRow)}, PRIMARY KEY (run, position)) WITHOUT ROWID",
            f"CREATE TABLE others ({_columns(Other)}, PRIMARY KEY (run)) WITHOUT ROWID",
            "CREATE TABLE experiments (title TEXT, file TEXT, PRIMARY KEY (title, file)) WITHOUT ROWID",
            "CREATE TABLE looked (runs_folder TEXT NOT NULL)",
            "INSERT INTO looked VALUES ('')",
            f"PRAGMA user_version = {VERSION}"):
        db.execute(statement)


def _columns(row: type[Struct]) -> str:
    return ", ".join(f"{field.name} {_KINDS[field.type]}" for field in fields(row))


def is_current(db: sqlite3.Connection) -> bool:
    """Whether these are the tables of this version. Raises sqlite3.DatabaseError for what is no database."""
    return bool(db.execute("PRAGMA user_version").fetchone()[0] == VERSION)


def is_stale(db: sqlite3.Connection, runs: Path) -> bool:
    """Whether a folder has come or gone, or one of those without an outcome may have one now."""
    [looked] = db.execute("SELECT runs_folder FROM looked").fetchone()
    if not looked or looked != folder_stamp(runs):
        return True
    return any(file_stamp(runs / run) != stamp for run, stamp in _others(db))


def catch_up(db: sqlite3.Connection, runs: Path) -> None:
    """Takes in what is new in the folder of runs, and forgets what is gone. Commits nothing."""
    stamp = folder_stamp(runs)
    there = _folders(runs)
    known = {run for (run,) in db.execute("SELECT run FROM runs")}
    others = dict(_others(db))
    changed = {run for run, was in others.items() if file_stamp(runs / run) != was}
    for run in sorted((there - known - others.keys()) | (changed & there)):
        put(db, runs / run)
    for run in (known | others.keys()) - there:
        forget(db, run)
    db.execute("UPDATE looked SET runs_folder = ?", (stamp,))


def put(db: sqlite3.Connection, folder: Path) -> None:
    """The run in that folder, as it is now."""
    forget(db, folder.name)
    stamp = file_stamp(folder)
    try:
        _put(db, read_outcome(folder, OUTCOME), folder)
    except (OutcomeUnreadable, OverflowError) as problem:
        said = str(problem) if isinstance(problem, OutcomeUnreadable) else f"{OUTCOME}: damaged ({problem})"
        forget(db, folder.name)
        _insert(db, "others", (folder.name, said, stamp))


def _put(db: sqlite3.Connection, found: Outcome, folder: Path) -> None:
    if found.run != folder.name:
        raise OutcomeUnreadable(f"{OUTCOME}: it is the outcome of {found.run}, not of this folder")
    _insert(db, "runs", columns(run_row(found)))
    for row in probe_rows(found):
        _insert(db, "probes", columns(row))
    db.execute("INSERT OR IGNORE INTO experiments VALUES (?, ?)", (found.title, found.file))


def forget(db: sqlite3.Connection, run: str) -> None:
    """Removes a run."""
    for table in ("runs", "probes", "others"):
        db.execute(f"DELETE FROM {table} WHERE run = ?", (run,))  # noqa: S608 -- names of ours


def select(db: sqlite3.Connection, kind: type[Any], rest: str, values: Sequence[object] = ()) -> list[Any]:
    """The rows of a kind that the rest of the statement asks for."""
    names = ", ".join(field.name for field in fields(kind))
    return [kind(*row) for row in db.execute(f"SELECT {names} {rest}", values)]


def folder_stamp(runs: Path) -> str:
    """What changes when a folder comes or goes. Empty while the file system's clock could hide the next change."""
    try:
        found = runs.stat()
    except OSError:
        return "none"
    return "" if time_ns() - found.st_mtime_ns < _TICK_NS else f"{found.st_ino}:{found.st_mtime_ns}"


def file_stamp(folder: Path) -> str:
    """What changes when the outcome in a folder does."""
    try:
        found = (folder / OUTCOME).stat()
    except OSError:
        return "none"
    return f"{found.st_ino}:{found.st_size}:{found.st_mtime_ns}"


_TICK_NS: Final = 50_000_000
"""Longer than the tick of any file system's clock that we know, FAT apart."""


def _folders(runs: Path) -> set[str]:
    """The names only: to ask each whether it is a folder would take long, and a stray file ends among the others."""
    try:
        return {name for name in os.listdir(runs) if not name.startswith(".")}  # noqa: PTH208 -- names alone
    except OSError:
        return set()


def _others(db: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    yield from db.execute("SELECT run, stamp FROM others")


def _insert(db: sqlite3.Connection, table: str, values: Sequence[object]) -> None:
    marks = ", ".join("?" * len(values))
    db.execute(f"INSERT INTO {table} VALUES ({marks})", values)  # noqa: S608 -- names of ours
