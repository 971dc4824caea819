"""A PostgreSQL of its own for whoever tests: in a temporary folder, on a socket, gone afterwards."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

PLACES: Final = ("/usr/lib/postgresql", "/usr/local/pgsql", "/opt/homebrew/opt")
_SLOWEST_S: Final = 60.0
_SETTINGS: Final = ("listen_addresses=", "shared_buffers=16MB", "max_connections=60")
_FORGETFUL: Final = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


def programs() -> Path | None:
    """The folder with initdb and postgres: the newest there is."""
    found = [file.parent for place in PLACES for file in Path(place).glob("**/bin/postgres")]
    if found:
        return max(found, key=lambda folder: [int(part) for part in folder.parent.name.split(".") if part.isdigit()])
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


def missing() -> str:
    """Why there can be none here; empty when there can."""
    if programs() is None:
        return "PostgreSQL is not installed"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed"
    return "" if os.getuid() or _user() else "PostgreSQL refuses to run as root, and there is no other user here"


class Server:
    """A server. Each test has a schema of its own in it, which is made at once and looks like an empty database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def database(self) -> str:
        """The URL of a new, empty place for tables."""
        name = f"s{uuid4().hex}"
        self._run(f"CREATE SCHEMA {name}")
        return f"postgresql+psycopg://chaos@/postgres?host={self._folder}&options=-csearch_path%3D{name}"

    def cut(self, pid: int) -> None:
        """Ends a connection, as operators and failing networks do."""
        self._run(f"SELECT pg_terminate_backend({pid})")

    def answers(self) -> bool:
        import psycopg

        try:
            self._run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(f"host={self._folder} user=chaos dbname=postgres", autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def postgresql(*, durable: bool = False) -> Iterator[Server]:
    """While this lasts a server is up, one that does not wait for the disk unless it must be durable.

    Raises LookupError, which says why there is none.
    """
    found = programs()
    if missing() or found is None:
        raise LookupError(missing())
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # a socket's path must be short
    as_user: dict[str, Any] = {} if os.getuid() else {"user": _user(), "group": pwd.getpwnam(_user()).pw_gid}
    if as_user:
        shutil.chown(folder, _user())
    try:
        data = folder / "data"
        subprocess.run([found / "initdb", "-D", data, "-U", "chaos", "-A", "trust", "-E", "UTF8", "--locale=C",
                        "--no-sync"], check=True, capture_output=True, cwd=folder, timeout=_SLOWEST_S, **as_user)
        words = [word for setting in (*_SETTINGS, *(() if durable else _FORGETFUL)) for word in ("-c", setting)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([found / "postgres", "-D", data, "-k", folder, *words], cwd=folder, stdout=log,
                                       stderr=log, **as_user)
        try:
            yield _ready(Server(folder), process, folder / "log")
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(timeout=_SLOWEST_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ready(server: Server, process: "subprocess.Popen[bytes]", log: Path) -> Server:
    until = time.monotonic() + _SLOWEST_S
    while not server.answers():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"PostgreSQL did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)
    return server


def _user() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), "")
