"""The rows of due times, in both databases."""

from collections.abc import Sequence

import pytest
from msgspec import structs

from chaos_runner.ledger import occurrences
from chaos_runner.ledger.ledger import Ledger, LedgerUnreachable, open_ledger
from chaos_runner.ledger.occurrences import Row, State
from tests.ledger.databases import database as database  # noqa: PLC0414 -- fixtures
from tests.ledger.databases import ledger as ledger  # noqa: PLC0414
from tests.ledger.databases import postgres as postgres  # noqa: PLC0414
from tests.ledger.postgres import Server

AT = "2026-11-20T11:00:00.000Z"
HARD = "a\tb\nc\\N \\. \"q\" 'p' ∑ 🜂"
"""What a way of writing many rows at once may trip over."""


def rows_of(many: int) -> list[Row]:
    return [Row(schedule=f"s{number:04d}", due=AT, starts=AT, state=State.CLAIMED, daemon="me", reason=HARD)
            for number in range(many)]


def put(ledger: Ledger, rows: Sequence[Row]) -> None:
    with ledger.transaction() as connection:
        occurrences.put(connection, rows)


def put_and_cut(ledger: Ledger, rows: Sequence[Row], server: Server) -> None:
    with ledger.transaction() as connection:
        server.cut(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
        occurrences.put(connection, rows)


def everything(ledger: Ledger) -> list[Row]:
    with ledger.transaction() as connection:
        return occurrences.latest(connection, (), 10_000)


@pytest.mark.parametrize("many", [1, 3, 2000])
def test_what_is_put_is_there_as_it_was(ledger: Ledger, many: int) -> None:
    put(ledger, rows_of(many))
    assert everything(ledger) == rows_of(many)


def test_a_due_time_has_one_row_for_ever(ledger: Ledger) -> None:
    for many in (1, 2000):
        put(ledger, rows_of(many)[many // 2:])
        with pytest.raises(LedgerUnreachable, match="refuses"):
            put(ledger, rows_of(many))
    assert len(everything(ledger)) == 1001


@pytest.mark.parametrize("many", [3, 2000])
def test_what_another_has_taken_over_is_not_written(ledger: Ledger, many: int) -> None:
    rows = rows_of(many)
    put(ledger, [structs.replace(rows[0], daemon="another"), *rows[1:]])
    with ledger.transaction() as connection:
        written = occurrences.change(connection, [structs.replace(row, state=State.RUNNING) for row in rows], "me")
    assert [row.schedule for row in written] == [row.schedule for row in rows[1:]]
    assert [row.schedule for row in everything(ledger) if row.state is State.CLAIMED] == [rows[0].schedule]


def test_a_row_may_be_given_to_another(ledger: Ledger) -> None:
    put(ledger, rows_of(3))
    mine = [structs.replace(row, daemon="new") for row in rows_of(3)]
    with ledger.transaction() as connection:
        assert occurrences.change(connection, mine, "me") == mine
    assert {row.daemon for row in everything(ledger)} == {"new"}


def test_those_that_are_known_are_told_with_whose_they_are(ledger: Ledger) -> None:
    put(ledger, rows_of(2))
    asked = [("s0001", AT), ("s0001", "2026-11-20T12:00:00.000Z"), ("s0002", AT)]
    with ledger.transaction() as connection:
        assert occurrences.known(connection, asked) == {("s0001", AT): "me"}
        assert occurrences.known(connection, []) == {}


@pytest.mark.slow
@pytest.mark.parametrize("many", [3, 2000])
def test_a_connection_that_is_cut_while_rows_are_put_loses_none_of_them(postgres: Server, many: int) -> None:
    """Neither is half of them there, nor is the ledger of no use afterwards."""
    ledger = open_ledger(postgres.database())
    with pytest.raises(LedgerUnreachable, match="no answer"):
        put_and_cut(ledger, rows_of(many), postgres)
    put(ledger, rows_of(many))
    assert len(everything(ledger)) == many
    ledger.close()
