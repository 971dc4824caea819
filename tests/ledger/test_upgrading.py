"""A ledger that an older chaos-runner wrote, in both databases."""

import pytest
from sqlalchemy import Connection, inspect, select, update

from chaos_runner.errors import UsageError
from chaos_runner.ledger import outbox
from chaos_runner.ledger.ledger import Ledger, LedgerUnreachable, open_ledger
from chaos_runner.ledger.outbox import Letter
from chaos_runner.ledger.tables import ABOUT, METADATA, VERSION
from tests.ledger.databases import database as database  # noqa: PLC0414 -- fixtures
from tests.ledger.databases import postgres as postgres  # noqa: PLC0414

OUTBOX_1 = (
    "CREATE TABLE outbox (notice TEXT NOT NULL, channel TEXT NOT NULL, body TEXT NOT NULL, queued_s FLOAT NOT NULL,"
    " tries INTEGER NOT NULL DEFAULT 0, told TEXT NOT NULL DEFAULT '', given_up TEXT NOT NULL DEFAULT '',"
    " problem TEXT NOT NULL DEFAULT '', PRIMARY KEY (notice, channel))")
"""As version 1 made it."""


def to_version_1(connection: Connection) -> None:
    connection.exec_driver_sql("DROP TABLE outbox")
    connection.exec_driver_sql(OUTBOX_1)
    connection.exec_driver_sql("CREATE INDEX outbox_by_channel ON outbox (told, given_up, channel, tries, queued_s)")
    for queued_s, notice in enumerate("zab"):
        connection.exec_driver_sql(
            f"INSERT INTO outbox (notice, channel, body, queued_s) VALUES ('{notice}', 'a', '{{}}', {queued_s})")  # noqa: S608 -- ours
    connection.execute(update(ABOUT).values(version=1))


def version(ledger: Ledger) -> int:
    with ledger.transaction() as connection:
        return int(connection.execute(select(ABOUT.c.version)).scalar_one())


def shape(ledger: Ledger) -> list[tuple[str, list[str], list[str]]]:
    """The tables, their columns and indexes, as the database tells them."""
    found = inspect(ledger.engine)
    return [(table, sorted(column["name"] for column in found.get_columns(table)),
             sorted(f"{index['name']} {index['column_names']}" for index in found.get_indexes(table)))
            for table in METADATA.tables]


def test_its_tables_are_brought_to_today_s_with_all_that_was_in_them(database: str) -> None:
    ledger = open_ledger(database)
    new = shape(ledger)
    with ledger.transaction() as connection:
        to_version_1(connection)
    ledger.close()
    ledger = open_ledger(database)
    assert (version(ledger), shape(ledger)) == (VERSION, new)
    with ledger.transaction() as connection:
        outbox.put(ledger, connection, [Letter(notice="0", channel="a", body="{}")])
        [bundle] = outbox.claim(ledger, connection, ["a"], 20)
    assert [letter.notice for letter in bundle.letters] == ["z", "a", "b", "0"]
    ledger.close()


def test_an_upgrade_that_fails_changes_nothing(database: str) -> None:
    ledger = open_ledger(database)
    with ledger.transaction() as connection:
        to_version_1(connection)
        connection.exec_driver_sql("DROP INDEX outbox_by_channel")  # which an upgrade begins by dropping
    before = shape(ledger)
    with pytest.raises(LedgerUnreachable, match="outbox_by_channel"):
        open_ledger(database)
    assert (version(ledger), shape(ledger)) == (1, before)
    ledger.close()


def test_one_of_a_newer_version_is_refused_and_left_as_it_is(database: str) -> None:
    ledger = open_ledger(database)
    with ledger.transaction() as connection:
        connection.execute(update(ABOUT).values(version=VERSION + 1))
    with pytest.raises(UsageError, match=f"of version {VERSION + 1}, and this chaos-runner knows {VERSION}"):
        open_ledger(database)
    assert version(ledger) == VERSION + 1
    ledger.close()
