"""Opening the ledger, and its transactions: one at a time, whoever else is at work."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, Engine, Float, create_engine, event, literal_column, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from chaos_runner.errors import ChaosRunnerError, UsageError
from chaos_runner.ledger.tables import METADATA, VERSION
from chaos_runner.ledger.upgrading import upgrade

NAME: Final = "schedules.db"
"""The ledger in a reports folder, where no database is named."""
_BUSY_S: Final = 30
_SECONDS: Final = {"sqlite": "(julianday('now') - 2440587.5) * 86400.0",
                   "postgresql": "extract(epoch from clock_timestamp())"}


class _Serial(Struct, frozen=True, kw_only=True):
    """How transactions of a kind of database are made one after the other."""

    by_hand: tuple[str, Any]
    """What is set on a connection of the driver so that it begins no transactions."""
    settings: tuple[str, ...]
    begin: str


_SERIAL: Final = {
    # Every commit is on the disk when it is over.
    "sqlite": _Serial(by_hand=("isolation_level", None), begin="BEGIN IMMEDIATE",
                      settings=("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")),
    # Whoever holds the advisory lock claims: two cannot both find a target free. A plan that was made while the tables
    # were empty, and kept, would read ten thousand rows to find one.
    "postgresql": _Serial(by_hand=("autocommit", True), begin="BEGIN; SELECT pg_advisory_xact_lock(426952978291)",
                          settings=("SET plan_cache_mode = force_custom_plan",)),
}


class LedgerUnreachable(ChaosRunnerError):
    """The database gives no answer, or cannot be written. It may in a while."""

    exit_code = 5


class Ledger:
    """An open ledger. For one thread."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.seconds: Final = literal_column(_SECONDS[engine.dialect.name], Float)
        """The database's own clock, as an expression."""
        self._driver: Final = engine.dialect.loaded_dbapi

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction, serialised with every other of these: what is read in it stays so until its end.

        Raises LedgerUnreachable.
        """
        try:
            with self.engine.begin() as connection:
                yield connection
        except (DBAPIError, self._driver.Error) as problem:
            raise LedgerUnreachable(f"the database: {self._told(problem)}") from problem

    def close(self) -> None:
        """Lets go of the database."""
        self.engine.dispose()

    def _told(self, problem: Exception) -> str:
        told = problem.orig if isinstance(problem, DBAPIError) and problem.orig else problem
        kind = "no answer" if isinstance(told, self._driver.OperationalError) else "it refuses"
        return f"{kind}: {str(told).splitlines()[0] if str(told) else type(told).__name__}"


def open_ledger(url: str) -> Ledger:
    """Opens it, and makes its tables where there are none, or older ones. Raises UsageError, LedgerUnreachable."""
    engine = _engine(url)
    try:
        ledger = Ledger(engine)
        with ledger.transaction() as connection:
            METADATA.create_all(connection)
            found = upgrade(connection)
    except LedgerUnreachable:
        engine.dispose()
        raise
    if found != VERSION:
        raise UsageError(f"{shown(url)}: its tables are of version {found}, and this chaos-runner knows {VERSION}: "
                         "use the chaos-runner that wrote it, or another database")
    return ledger


def database(url: str, reports: Path) -> str:
    """The database that is meant: that of the URL, else the file in the reports folder."""
    return url or f"sqlite:///{reports / NAME}"


def shown(url: str) -> str:
    """The database, to be read by people: without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url


def _engine(url: str) -> Engine:
    try:
        named = make_url(url)
        if named.get_backend_name() not in _SECONDS:
            raise UsageError(f"--database {shown(url)}: sqlite:///FILE, or postgresql://USER@HOST/NAME")
        if named.drivername == "postgresql":
            named = named.set(drivername="postgresql+psycopg")
        if named.get_backend_name() == "sqlite" and named.database:
            Path(named.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(named, pool_size=1, max_overflow=1,
                               connect_args={"timeout": _BUSY_S} if named.drivername == "sqlite" else
                               {"connect_timeout": 10})
    except (ArgumentError, NoSuchModuleError) as problem:
        raise UsageError(f"--database {url}: sqlite:///FILE, or postgresql://USER@HOST/NAME") from problem
    except ModuleNotFoundError as problem:
        raise UsageError(f"PostgreSQL wants a driver: pip install 'chaos-runner[postgresql]' ({problem})") from problem
    except OSError as problem:
        raise UsageError(f"{problem.filename}: {problem.strerror}") from problem
    _make_serial(engine, _SERIAL[engine.dialect.name])
    return engine


def _make_serial(engine: Engine, serial: _Serial) -> None:
    """The driver begins no transactions of its own: each begins as a writer, so that none that has read is turned away
    when it comes to write (docs.sqlalchemy.org, "Serializable isolation / Savepoints / Transactional DDL").
    """

    @event.listens_for(engine, "connect")
    def _(connection: Any, _: Any) -> None:
        setattr(connection, *serial.by_hand)
        for statement in serial.settings:
            connection.execute(statement)

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql(serial.begin)
