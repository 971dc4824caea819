"""The history of a folder of reports, as a question is asked of it: opened, brought up to date, and made again if it
must be. The folders are the truth; history.db can be deleted at any time.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from chaos_runner.history import tables
from chaos_runner.history.asking import History

NAME: Final = "history.db"
_WAITS_S: Final = 2.0
"""How long somebody else's writing is waited for."""
_ASIDE: Final = frozenset((
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_PERM))
"""What is the matter with the place, not with the database: it is then made in memory, for this once."""
T = TypeVar("T")


def ask(reports: Path, question: Callable[[History], T], say: Callable[[str], None]) -> T:
    """The answer of an up-to-date history. `say` hears why it took longer, or could not be kept.

    Raises what the question raises; whatever is the matter with the database is seen to.
    """
    if not (reports / "runs").is_dir():
        return _aside(reports, question)
    try:
        with _opened(reports / NAME) as db:
            _bring_up_to_date(db, reports)
            return question(History(db))
    except sqlite3.Error as problem:
        if _is_of_the_place(problem):
            say(f"{reports / NAME} cannot be used ({problem}); the runs' folders were read instead, which is slower")
            return _aside(reports, question)
        say(f"{reports / NAME} was damaged ({problem}) and has been made again from the runs' folders")
    try:
        rebuild(reports)
        with _opened(reports / NAME) as db:
            return question(History(db))
    except sqlite3.Error:
        return _aside(reports, question)


def remember(folder: Path, then: Callable[[History], object]) -> str:
    """Takes in one run that has just ended, and calls `then` while no other run can be taken in.

    Returns why it could not, or nothing. Never raises what is the matter with the database or the disk.
    """
    reports = folder.parent.parent
    try:
        with _opened(reports / NAME) as db:
            db.execute("BEGIN IMMEDIATE")
            tables.put(db, folder)
            tables.catch_up(db, reports / "runs")
            then(History(db))
            db.commit()
    except OSError as problem:
        return f"the index of the runs in {reports} could not be written ({problem.strerror})"
    except sqlite3.Error as problem:
        if _is_of_the_place(problem):
            return f"{reports / NAME} could not be kept up to date ({problem}); the next `history` catches up"
        return _remembered_anew(reports, then)
    return ""


def rebuild(reports: Path) -> int:
    """Makes the database from the folders, beside the old one, and puts it in its place. Returns how many runs it has.

    Raises sqlite3.Error when it cannot be written.
    """
    path = reports / NAME
    beside = reports / f".{NAME}.{os.getpid()}"
    try:
        with closing(_connected(beside)) as db:
            db.execute("PRAGMA synchronous = OFF")
            count = _filled(db, reports)
        (reports / f"{NAME}-journal").unlink(missing_ok=True)  # of the old one; it would be played into the new one
        beside.replace(path)
    except OSError as problem:
        raise _in_the_way(problem) from problem
    finally:
        with suppress(OSError):  # where nothing can be written, nothing is left either
            beside.unlink()
    return count


def _in_the_way(problem: OSError) -> sqlite3.OperationalError:
    found = sqlite3.OperationalError(str(problem.strerror))
    found.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
    return found


def _remembered_anew(reports: Path, then: Callable[[History], object]) -> str:
    try:
        rebuild(reports)
        with _opened(reports / NAME) as db:
            then(History(db))
    except (sqlite3.Error, OSError) as problem:
        return f"{reports / NAME} was damaged and could not be made again ({problem})"
    return ""


def _aside(reports: Path, question: Callable[[History], T]) -> T:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        _filled(db, reports)
        return question(History(db))


def _filled(db: sqlite3.Connection, reports: Path) -> int:
    tables.create(db)
    db.execute("BEGIN")
    tables.catch_up(db, reports / "runs")
    db.commit()
    return int(db.execute("SELECT count(*) FROM runs").fetchone()[0])


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The database, with its tables. Raises sqlite3.Error."""
    with closing(_connected(path)) as db:
        if not tables.is_current(db):
            _make_tables(db)
        yield db


def _make_tables(db: sqlite3.Connection) -> None:
    """In a new file. One of another version is emptied; two who come at once wait for each other."""
    db.execute("BEGIN EXCLUSIVE")
    if tables.is_current(db):
        db.rollback()
        return
    names = db.execute("SELECT type, name FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type = 'table'").fetchall()
    for kind, name in names:
        db.execute(f'DROP {kind} "{name}"')
    tables.create(db)
    db.commit()


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_WAITS_S, isolation_level=None)


def _bring_up_to_date(db: sqlite3.Connection, reports: Path) -> None:
    runs = reports / "runs"
    if not tables.is_stale(db, runs):
        return
    db.execute("BEGIN IMMEDIATE")
    tables.catch_up(db, runs)
    db.commit()


def _is_of_the_place(problem: sqlite3.Error) -> bool:
    return getattr(problem, "sqlite_errorcode", 0) & 0xFF in _ASIDE
