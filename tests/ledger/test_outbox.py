"""What is still to be told, in both databases."""


import pytest
from sqlalchemy import select, text, update

from chaos_runner.ledger import outbox
from chaos_runner.ledger.ledger import Ledger, open_ledger
from chaos_runner.ledger.outbox import Bundle, Freed, Letter, Settled
from chaos_runner.ledger.tables import CHANNELS, OUTBOX
from tests.ledger.databases import database as database  # noqa: PLC0414 -- fixtures
from tests.ledger.databases import ledger as ledger  # noqa: PLC0414
from tests.ledger.databases import postgres as postgres  # noqa: PLC0414

AT = "2026-11-20T11:00:00.000Z"


def letters(*names: str, channel: str = "a") -> list[Letter]:
    return [Letter(notice=name, channel=channel, body="{}") for name in names]


def put(ledger: Ledger, *some: Letter) -> None:
    with ledger.transaction() as connection:
        outbox.put(ledger, connection, some)


def claim(ledger: Ledger, *channels: str, most: int = 20) -> list[Bundle]:
    with ledger.transaction() as connection:
        return outbox.claim(ledger, connection, channels or ("a",), most)


def claimed(ledger: Ledger, *channels: str, most: int = 20) -> list[str]:
    return [letter.notice for bundle in claim(ledger, *channels, most=most) for letter in bundle.letters]


def settle(ledger: Ledger, letter: Letter, problem: str = "", *, given_up: bool = False) -> None:
    with ledger.transaction() as connection:
        outbox.settle(connection, [Settled(letter=letter, at=AT, problem=problem, given_up=given_up)])


def free(ledger: Ledger, wait_s: float = 0.0, problem: str = "", failures: int = 0) -> None:
    with ledger.transaction() as connection:
        outbox.free(ledger, connection, Freed(channel="a", wait_s=wait_s, problem=problem, failures=failures))


def age(ledger: Ledger, by_s: float) -> None:
    """As if all this had been so much earlier."""
    with ledger.transaction() as connection:
        connection.execute(update(OUTBOX).values(queued_s=OUTBOX.c.queued_s - by_s))
        connection.execute(update(CHANNELS).values(free_s=CHANNELS.c.free_s - by_s))


def column(ledger: Ledger, name: str) -> list[object]:
    with ledger.transaction() as connection:
        return list(connection.execute(select(OUTBOX.c[name]).order_by(OUTBOX.c.notice)).scalars())


def test_what_was_put_in_is_claimed_in_that_order(ledger: Ledger) -> None:
    put(ledger, *letters("2", "1"))
    put(ledger, *letters("0"))
    age(ledger, 1)
    put(ledger, *letters("3"))
    assert claimed(ledger, most=3) == ["2", "1", "0"]


def test_a_clock_that_was_put_back_changes_no_order(ledger: Ledger) -> None:
    put(ledger, *letters("2"))
    age(ledger, -3600)
    put(ledger, *letters("1"))
    assert claimed(ledger) == ["2", "1"]


def test_a_transaction_that_is_rolled_back_tells_nothing(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError), ledger.transaction() as connection:  # noqa: PT012 -- both, or nothing
        outbox.put(ledger, connection, letters("1"))
        raise RuntimeError
    assert claim(ledger) == []


def test_a_channel_that_somebody_sees_to_is_nobody_else_s(ledger: Ledger, database: str) -> None:
    put(ledger, *letters("1"), *letters("1", channel="b"))
    other = open_ledger(database)
    assert [bundle.channel for bundle in claim(ledger, "a")] == ["a"]
    put(ledger, *letters("2"))
    assert [bundle.channel for bundle in claim(other, "a", "b")] == ["b"]
    free(ledger)
    assert claimed(other, "a") == ["1", "2"]
    other.close()


def test_a_holder_that_died_holds_nothing_for_long(ledger: Ledger) -> None:
    put(ledger, *letters("1"))
    claim(ledger)
    age(ledger, outbox.HELD_S - 5)
    assert claim(ledger) == []
    age(ledger, 6)
    assert claimed(ledger) == ["1"]


def test_what_was_told_is_not_told_again_even_if_it_is_put_in_again(ledger: Ledger) -> None:
    put(ledger, *letters("1", "2"))
    [bundle] = claim(ledger)
    settle(ledger, bundle.letters[0])
    free(ledger)
    put(ledger, *letters("1"))
    assert claimed(ledger) == ["2"]
    assert column(ledger, "told") == [AT, ""]


def test_a_channel_that_failed_is_left_alone_for_so_long_and_keeps_count(ledger: Ledger) -> None:
    put(ledger, *letters("1"))
    [bundle] = claim(ledger)
    settle(ledger, bundle.letters[0], "no connection")
    free(ledger, wait_s=30, problem="no connection", failures=1)
    put(ledger, *letters("2"))
    assert claim(ledger) == []
    age(ledger, 31)
    [bundle] = claim(ledger)
    assert (bundle.failures, [letter.notice for letter in bundle.letters]) == (1, ["2", "1"])
    free(ledger)
    assert claim(ledger)[0].failures == 0


def test_a_clock_that_was_put_back_keeps_no_channel_for_ever(ledger: Ledger) -> None:
    put(ledger, *letters("1"))
    claim(ledger)
    age(ledger, -outbox.HELD_MAX_S)
    assert claimed(ledger) == ["1"]


def test_a_letter_that_its_receiver_stumbles_over_holds_up_no_other(ledger: Ledger) -> None:
    put(ledger, *letters("1", "2"))
    [bundle] = claim(ledger)
    settle(ledger, bundle.letters[0], "HTTP 500")
    free(ledger)
    assert claimed(ledger) == ["2", "1"]


def test_the_last_try_is_known_as_such(ledger: Ledger) -> None:
    put(ledger, *letters("1"))
    age(ledger, outbox.TRIED_S + 1)
    put(ledger, *letters("2"))
    assert [letter.old for letter in claim(ledger)[0].letters] == [True, False]


def test_what_was_given_up_keeps_its_problem_and_is_never_claimed(ledger: Ledger) -> None:
    put(ledger, *letters("1"))
    [bundle] = claim(ledger)
    settle(ledger, bundle.letters[0], "HTTP 404", given_up=True)
    free(ledger)
    assert claim(ledger) == []
    assert (column(ledger, "given_up"), column(ledger, "problem"), column(ledger, "tries")) == ([AT], ["HTTP 404"], [1])


def test_a_mark_that_comes_late_does_not_undo_that_it_was_told(ledger: Ledger) -> None:
    put(ledger, *letters("1"))
    [bundle] = claim(ledger)
    settle(ledger, bundle.letters[0])
    settle(ledger, bundle.letters[0], "no answer", given_up=True)
    assert (column(ledger, "told"), column(ledger, "given_up")) == ([AT], [""])


def test_what_nobody_sees_to_is_given_up_after_a_week_and_old_things_are_forgotten(ledger: Ledger) -> None:
    put(ledger, *letters("1"), *letters("2", channel="gone"))
    settle(ledger, letters("1")[0])
    age(ledger, outbox.ORPHANED_S + 1)
    with ledger.transaction() as connection:
        assert [letter.notice for letter in outbox.clear(ledger, connection, AT)] == ["2"]
        assert outbox.waiting(connection) == []
    age(ledger, outbox.KEPT_S)
    with ledger.transaction() as connection:
        assert outbox.clear(ledger, connection, AT) == []
        assert connection.execute(text("SELECT count(*) FROM outbox")).scalar() == 0


def test_how_much_waits_is_known_for_each_channel(ledger: Ledger) -> None:
    put(ledger, *letters("1", "2"), *letters("1", channel="b"))
    settle(ledger, letters("1")[0])
    with ledger.transaction() as connection:
        assert outbox.waiting(connection) == [("a", 1), ("b", 1)]
