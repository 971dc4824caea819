"""The outbox being emptied, to receivers that are down, slow, in a bad mood, or gone; in both databases."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select, text, update

from chaos_runner.daemon.delivering import Deliverer
from chaos_runner.daemon.lane import WAIT_MAX_S, backoff_s
from chaos_runner.ledger import outbox
from chaos_runner.ledger.ledger import Ledger, open_ledger
from chaos_runner.ledger.outbox import Letter
from chaos_runner.ledger.tables import CHANNELS, OUTBOX
from chaos_runner.notify.channel import Channel
from chaos_runner.notify.notice import Notice
from tests.ledger.databases import database as database  # noqa: PLC0414 -- fixtures
from tests.ledger.databases import ledger as ledger  # noqa: PLC0414
from tests.ledger.databases import postgres as postgres  # noqa: PLC0414
from tests.notify.notices import hook, notice
from tests.notify.receiver import Answer, Heard, Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as up:
        yield up


@contextmanager
def delivering(database: str, *channels: Channel, said: list[str] | None = None) -> Iterator[Deliverer]:
    known: Mapping[str, Channel] = {channel.key: channel for channel in channels}
    deliverer = Deliverer(database, lambda: known, ([] if said is None else said).append)
    deliverer.start()
    try:
        yield deliverer
    finally:
        deliverer.close(2)


def put(ledger: Ledger, *notices: Notice, channel: str = "a") -> None:
    for one in notices:
        with ledger.transaction() as connection:
            outbox.put(ledger, connection, [
                Letter(notice=one.notice, channel=channel, body=msgspec.json.encode(one).decode())])


def age(ledger: Ledger, by_s: float) -> None:
    with ledger.transaction() as connection:
        connection.execute(update(OUTBOX).values(queued_s=OUTBOX.c.queued_s - by_s))
        connection.execute(update(CHANNELS).values(free_s=CHANNELS.c.free_s - by_s))


def column(ledger: Ledger, name: str) -> list[str]:
    with ledger.transaction() as connection:
        return list(connection.execute(select(OUTBOX.c[name]).order_by(OUTBOX.c.notice)).scalars())


def until(holds: Callable[[], bool], within_s: float = 10.0) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.mark.slow
def test_what_stands_in_the_outbox_is_told_in_order_and_marked(
        database: str, ledger: Ledger, receiver: Receiver) -> None:
    put(ledger, notice(1), notice(2), notice(3))
    with delivering(database, hook(receiver.url, "a")):
        receiver.wait_for(3)
        put(ledger, notice(4))
        receiver.wait_for(4)
        until(lambda: all(column(ledger, "told")))
    assert receiver.notices == ["weekly/1", "weekly/2", "weekly/3", "weekly/4"]


@pytest.mark.slow
def test_nothing_is_lost_while_a_receiver_is_down(database: str, ledger: Ledger) -> None:
    receiver, port, said = Receiver(), free_port(), list[str]()
    put(ledger, notice(1), notice(2))
    with delivering(database, hook(f"http://127.0.0.1:{port}/s3cr3t", "a"), said=said):
        until(lambda: "no connection" in column(ledger, "problem"))
        put(ledger, notice(3))
        with receiving(receiver, port):
            receiver.wait_for(3)
            until(lambda: all(column(ledger, "told")))
    assert sorted(receiver.notices) == ["weekly/1", "weekly/2", "weekly/3"]
    assert said == ["a cannot be told: no connection; it is tried again and again for a day", "a can be told again"]


@pytest.mark.slow
def test_a_server_in_a_bad_mood_is_tried_again_and_told_once(
        database: str, ledger: Ledger, receiver: Receiver) -> None:
    receiver.answers = [Answer(status=500), Answer(status=503), Answer()]
    put(ledger, notice(1))
    with delivering(database, hook(receiver.url, "a")):
        until(lambda: all(column(ledger, "told")))
    assert receiver.notices == ["weekly/1"] * 3
    assert len({one.headers["webhook-id"] for one in receiver.heard}) == 1
    assert len({one.body for one in receiver.heard}) == 1


@pytest.mark.slow
def test_a_receiver_that_wants_to_be_left_alone_is_for_all_its_notices(
        database: str, ledger: Ledger, receiver: Receiver) -> None:
    receiver.answers = [Answer(status=429, headers={"Retry-After": "3"}), Answer()]
    put(ledger, notice(1), notice(2))
    with delivering(database, hook(receiver.url, "a")):
        receiver.wait_for(1)
        put(ledger, notice(3))
        until(lambda: all(column(ledger, "told")))
    assert receiver.heard[1].at_s - receiver.heard[0].at_s >= 3
    assert sorted(receiver.notices) == ["weekly/1", "weekly/1", "weekly/2", "weekly/3"]


@pytest.mark.slow
def test_a_receiver_that_takes_some_and_then_none_is_not_left_alone_for_ever_longer(
        database: str, ledger: Ledger, receiver: Receiver) -> None:
    receiver.answers = [Answer(), *[Answer(status=429, headers={"Retry-After": "0"}), Answer()] * 3]
    put(ledger, *(notice(number) for number in range(4)))
    with delivering(database, hook(receiver.url, "a")):
        until(lambda: all(column(ledger, "told")))
    waits_s = [two.at_s - one.at_s for one, two in zip(receiver.heard[1::2], receiver.heard[2::2], strict=False)]
    assert len(receiver.heard) == 7
    assert all(0.5 <= wait_s < 2.5 for wait_s in waits_s)


def test_what_a_receiver_refuses_is_given_up_and_said_and_the_next_is_told(
        database: str, ledger: Ledger, receiver: Receiver) -> None:
    said: list[str] = []
    receiver.answers = [Answer(status=400, body=b"invalid_payload"), Answer()]
    put(ledger, notice(1), notice(2))
    with delivering(database, hook(receiver.url, "a"), said=said):
        until(lambda: column(ledger, "told")[1] != "")
    assert [bool(at) for at in column(ledger, "given_up")] == [True, False]
    assert said == ["a is never told of weekly/1: HTTP 400 'invalid_payload'"]
    assert "s3cr3t" not in str(column(ledger, "problem"))


def test_what_was_tried_for_a_day_is_given_up(database: str, ledger: Ledger, receiver: Receiver) -> None:
    said: list[str] = []
    receiver.answers = [Answer(status=500, body=b"")]
    put(ledger, notice(1))
    age(ledger, outbox.TRIED_S + 1)
    with delivering(database, hook(receiver.url, "a"), said=said):
        until(lambda: all(column(ledger, "given_up")))
        until(lambda: len(said) == 2)
    assert said[0] == "a is never told of weekly/1: HTTP 500"


@pytest.mark.slow
def test_a_receiver_that_is_slow_holds_up_no_other(database: str, ledger: Ledger, receiver: Receiver) -> None:
    with receiving(Receiver()) as slow:
        slow.answers = [Answer(slow_s=3)]
        put(ledger, notice(1), channel="slow")
        with delivering(database, hook(receiver.url, "a"), hook(slow.url, "slow")):
            slow.wait_for(1)
            put(ledger, notice(2))
            receiver.wait_for(1, within_s=2.5)
            until(lambda: all(column(ledger, "told")))


def test_what_is_put_in_last_is_told_before_it_leaves(database: str, ledger: Ledger, receiver: Receiver) -> None:
    with delivering(database, hook(receiver.url, "a")):
        time.sleep(0.3)
        put(ledger, notice(1), notice(2))
    assert receiver.notices == ["weekly/1", "weekly/2"]
    assert all(column(ledger, "told"))


@pytest.mark.slow
def test_leaving_does_not_wait_for_a_receiver_that_hangs(database: str, ledger: Ledger, receiver: Receiver) -> None:
    receiver.answers = [Answer(slow_s=8)]
    put(ledger, notice(1))
    with delivering(database, hook(receiver.url, "a")):
        receiver.wait_for(1)
        began = time.monotonic()
    assert time.monotonic() - began < 4


def test_of_a_channel_that_nobody_knows_nothing_is_told_and_nothing_lost(
        database: str, ledger: Ledger, receiver: Receiver) -> None:
    put(ledger, notice(1), channel="strange")
    put(ledger, notice(2))
    with delivering(database, hook(receiver.url, "a")):
        receiver.wait_for(1)
    assert (receiver.notices, column(ledger, "given_up")) == (["weekly/2"], ["", ""])


@pytest.mark.slow
def test_several_daemons_tell_each_notice_once(database: str, ledger: Ledger, receiver: Receiver) -> None:
    channel = hook(receiver.url, "a")
    with delivering(database, channel), delivering(database, channel), delivering(database, channel):
        put(ledger, *(notice(number) for number in range(40)))
        until(lambda: all(column(ledger, "told")), within_s=20)
    assert sorted(receiver.notices) == sorted(f"weekly/{number}" for number in range(40))


@pytest.mark.slow
def test_a_sender_that_is_killed_before_it_marks_tells_twice_with_one_id(
        database: str, ledger: Ledger, receiver: Receiver) -> None:
    process = subprocess.Popen([sys.executable, Path(__file__).parent / "sender.py", database, receiver.url])

    def kill(_: Heard) -> None:
        """When the notice is there, and its receiver has not answered yet."""
        process.send_signal(signal.SIGKILL)
        process.wait()
        receiver.before = lambda _: None

    receiver.before = kill
    put(ledger, notice(1))
    receiver.wait_for(1, within_s=20)
    assert process.wait(timeout=5) == -signal.SIGKILL
    assert column(ledger, "told") == [""]
    age(ledger, outbox.HELD_S)
    with delivering(database, hook(receiver.url, "a")):
        until(lambda: all(column(ledger, "told")))
    assert receiver.notices == ["weekly/1", "weekly/1"]
    first, again = receiver.heard
    assert first.headers["webhook-id"] == again.headers["webhook-id"]


def test_a_letter_of_another_version_is_given_up(database: str, ledger: Ledger, receiver: Receiver) -> None:
    with ledger.transaction() as connection:
        outbox.put(ledger, connection, [Letter(notice="1", channel="a", body='{"kind": "telepathy"}')])
    with delivering(database, hook(receiver.url, "a")):
        until(lambda: all(column(ledger, "given_up")))
    assert receiver.heard == []


@pytest.mark.slow
def test_a_database_that_goes_away_for_a_while_loses_nothing(postgres: object, receiver: Receiver) -> None:
    from tests.ledger.postgres import Server

    assert isinstance(postgres, Server)
    database = postgres.database()
    ledger = open_ledger(database)
    receiver.answers = [Answer(slow_s=1)]
    put(ledger, notice(1))
    with delivering(database, hook(receiver.url, "a")):
        receiver.wait_for(1)
        with ledger.transaction() as connection:
            connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                    "WHERE pid <> pg_backend_pid() AND datname = current_database()"))
        until(lambda: all(column(ledger, "told")))
    assert receiver.notices == ["weekly/1"]
    ledger.close()


def test_waiting_doubles_up_to_ten_minutes_and_is_spread() -> None:
    for failures in range(200):
        longest_s = min(2.0**failures, WAIT_MAX_S)
        assert longest_s / 2 <= backoff_s(failures) <= longest_s
    assert len({backoff_s(5) for _ in range(20)}) > 10
