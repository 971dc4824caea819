"""Words for what was read."""

import pytest

from chaos_runner.run.sentences import value_words
from chaos_runner.units import Unit


@pytest.mark.parametrize("unit", Unit)
def test_a_number_beyond_every_float_has_words(unit: Unit) -> None:
    assert value_words(10**400, unit).startswith("inf")
    assert value_words(-(10**400), unit).startswith("-inf")
