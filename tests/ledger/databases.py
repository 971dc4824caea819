"""The two databases that a ledger may stand in, as fixtures: import what you need."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos_runner.ledger.ledger import Ledger, open_ledger
from tests.ledger.postgres import Server, missing, postgresql


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One server for all tests of a process."""
    if missing():
        pytest.skip(missing())
    with postgresql() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new, empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger' / 'schedules.db'}"
    server: Server = request.getfixturevalue("postgres")
    return server.database()


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """A ledger in each of them, open."""
    opened = open_ledger(database)
    yield opened
    opened.close()
