"""Units: the only parser of them, and words again."""

import pytest

from chaos_runner.units import NoUnit, Unit, measure, seconds, share, size_bytes, spoken


@pytest.mark.parametrize(("text", "value"), [
    ("250ms", 0.25), ("30s", 30), ("1m30s", 90), ("2h", 7200), ("1.5 s", 1.5), ("100us", 0.0001), ("1d", 86400)])
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "30", "s", "-5s", "5 parsecs", "1s2", "1e3s", "∞"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(NoUnit, match="a duration such as"):
        seconds(text)


def test_shares_stand_between_nothing_and_all() -> None:
    assert (share("34%"), share("0%"), share("100 %")) == (0.34, 0, 1)
    for text in ("34", "101%", "-1%"):
        with pytest.raises(NoUnit):
            share(text)


def test_sizes() -> None:
    assert (size_bytes("10Mi"), size_bytes("1k"), size_bytes("64Ki"), size_bytes("2GB"), size_bytes("64 B")) == (
        10 * 2**20, 1000, 65536, 2 * 10**9, 64)
    with pytest.raises(NoUnit):
        size_bytes("64")


def test_a_number_s_unit_says_what_it_measures() -> None:
    assert measure("300ms") == (0.3, Unit.SECONDS)
    assert measure("5%") == (0.05, Unit.SHARE)
    assert measure("1Mi") == (2**20, Unit.BYTES)


@pytest.mark.parametrize(("value", "unit", "words"), [
    (0.612, Unit.SECONDS, "612 ms"), (0.0000123, Unit.SECONDS, "0.0123 ms"), (1.0, Unit.SECONDS, "1 s"),
    (61, Unit.SECONDS, "61 s"), (125, Unit.SECONDS, "2 m 05 s"), (4000, Unit.SECONDS, "1 h 06 m"),
    (0.0004, Unit.SECONDS, "0.4 ms"), (0, Unit.SECONDS, "0 s"), (0.018, Unit.SHARE, "1.8 %"),
    (3 * 2**20, Unit.BYTES, "3 MiB"), (200, Unit.COUNT, "200"), (0.05, Unit.COUNT, "0.05"),
    (float("inf"), Unit.BYTES, "inf B")])
def test_numbers_as_people_say_them(value: float, unit: Unit, words: str) -> None:
    assert spoken(value, unit) == words
