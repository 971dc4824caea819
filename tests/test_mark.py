"""Marks: what is one, what is none, how long they hold, and who signed them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from chaos_runner.mark import NO_KEY, Key, Mark, moment, own_key, parse

MARK = Mark(run="01KAHN5R6ZQ0V3X7T2M8YB4C9D", number=3, expires="20261120T110500Z")
KEY = Key("a long secret")


def test_a_mark_is_a_name_and_the_name_is_the_mark() -> None:
    assert str(MARK) == "chaos-runner-01KAHN5R6ZQ0V3X7T2M8YB4C9D-3-20261120T110500Z"
    assert parse(str(MARK)) == MARK
    signed = MARK.signed(KEY, "proxy.latency", "orders-db")
    assert parse(str(signed)) == signed


@pytest.mark.parametrize("name", [
    "", "latency_downstream", "chaos-runner", "chaos-runner-", "chaos-runner-01TEST-2", "chaos-runner-01TEST-2-",
    "chaos-runner-01test-2-20261120T110000Z", "chaos-runner-01TEST-02-20261120T110000Z",
    "chaos-runner-01TEST--2-20261120T110000Z", "chaos-runner-01TEST-999999999999-20261120T110000Z",
    "chaos-runner-01TEST-٣-20261120T110000Z", "chaos-runner-01TEST-2-20261320T110000Z",
    "chaos-runner-01TEST-2-00000101T000000Z", "chaos-runner-01TEST-2-20261120T110000Z-",
    "chaos-runner-01TEST-2-20261120T110000Z-abc", f"chaos-runner-01TEST-2-20261120T110000Z-{'G' * 32}",
    "chaos-runner-../../etc-2-20261120T110000Z", "chaos-runner-01TEST-2-20261120T110000Z\n",
    "xchaos-runner-01TEST-2-20261120T110000Z", f"chaos-runner-{'0' * 27}-2-20261120T110000Z", "9" * 100_000,
])
def test_what_is_not_exactly_a_mark_is_none(name: str) -> None:
    assert parse(name) is None


@given(st.text(alphabet="chaos-rune0127TZ2026٣\n", max_size=80).map(lambda text: f"chaos-runner-{text}"))
def test_whatever_is_taken_for_a_mark_is_written_just_so(name: str) -> None:
    mark = parse(name)
    assert mark is None or str(mark) == name


def test_a_mark_expires() -> None:
    assert not MARK.expired(datetime(2026, 11, 20, 11, 5, tzinfo=UTC))
    assert MARK.expired(datetime(2026, 11, 20, 11, 5, 1, tzinfo=UTC))
    assert moment(datetime(2026, 11, 20, 11, 5, tzinfo=UTC)) == MARK.expires


def test_a_signature_holds_for_one_fault_on_one_target_of_one_run_until_one_moment() -> None:
    signed = MARK.signed(KEY, "proxy.latency", "orders-db")
    assert len(signed.signature) == 32
    assert signed.is_signed_by(KEY, "proxy.latency", "orders-db")
    assert not signed.is_signed_by(KEY, "proxy.down", "orders-db")
    assert not signed.is_signed_by(KEY, "proxy.latency", "orders-db-2")
    assert not signed.is_signed_by(Key("another"), "proxy.latency", "orders-db")
    for change in ({"run": "01OTHER"}, {"number": 4}, {"expires": "20991231T000000Z"}, {"signature": "0" * 32},
                   {"signature": ""}):
        assert not structs.replace(signed, **change).is_signed_by(KEY, "proxy.latency", "orders-db")


def test_parts_cannot_be_moved_from_one_to_the_next() -> None:
    assert KEY.digest("ab", "c") != KEY.digest("a", "bc")


def test_without_a_key_nothing_is_signed_and_no_signature_is_good() -> None:
    assert MARK.signed(NO_KEY, "proxy.latency", "orders-db") == MARK
    assert not MARK.is_signed_by(NO_KEY, "proxy.latency", "orders-db")
    assert not own_key({})
    assert own_key({"CHAOS_RUNNER_KEY": "a long secret"}).digest("x") == KEY.digest("x")


def test_a_key_does_not_show_itself() -> None:
    assert "secret" not in f"{KEY!r}{KEY}"
