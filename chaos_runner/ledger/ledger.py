"""Opening the ledger, and its transactions: one at a time, whoever else is at work."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, Float, create_engine, event, literal_column, make_url, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from chaos_runner.errors import ChaosRunnerError, UsageError
from chaos_runner.ledger.tables import ABOUT, METADATA, VERSION

NAME: Final = "schedules.db"
"""The ledger in a reports folder, where no database is named."""
_LOCK: Final = 0x63_68_61_6F_73
"""PostgreSQL's advisory lock: whoever claims holds it, so that two cannot both find a target free."""
_BUSY_S: Final = 30
_SECONDS: Final = {"sqlite": "(julianday('now') - 2440587.5) * 86400.0",
                   "postgresql": "extract(epoch from clock_timestamp())"}


class LedgerUnreachable(ChaosRunnerError):
    """The database gives no answer, or cannot be written. It may in a while."""

    exit_code = 5


class Ledger:
    """An open ledger. For one thread."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._postgresql = engine.dialect.name == "postgresql"
        self.seconds: Final = literal_column(_SECONDS[engine.dialect.name], Float)
        """The database's own clock, as an expression."""

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction, serialised with every other of these: what is read in it stays so until its end.

        Raises LedgerUnreachable.
        """
        try:
            with self.engine.begin() as connection:
                if self._postgresql:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                yield connection
        except DBAPIError as problem:
            raise LedgerUnreachable(f"the database: {_told(problem)}") from problem

    def close(self) -> None:
        """Lets go of the database."""
        self.engine.dispose()


def open_ledger(url: str) -> Ledger:
    """Opens it, and makes its tables where there are none. Raises UsageError, LedgerUnreachable."""
    engine = _engine(url)
    try:
        ledger = Ledger(engine)
        with ledger.transaction() as connection:
            METADATA.create_all(connection)
            found = connection.execute(select(ABOUT.c.version)).scalar()
            if found is None:
                connection.execute(ABOUT.insert().values(version=VERSION))
    except LedgerUnreachable:
        engine.dispose()
        raise
    if found not in (None, VERSION):
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
    if engine.dialect.name == "sqlite":
        _make_serial(engine)
    return engine


def _make_serial(engine: Engine) -> None:
    """SQLite as docs.sqlalchemy.org says to have its own transactions: each begins as a writer, so that none that has
    read is turned away when it comes to write. Every commit is on the disk when it is over.
    """

    @event.listens_for(engine, "connect")
    def _(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _told(problem: DBAPIError) -> str:
    kind = "no answer" if isinstance(problem, OperationalError) else "it refuses"
    return f"{kind}: {str(problem.orig).splitlines()[0] if str(problem.orig) else type(problem.orig).__name__}"
