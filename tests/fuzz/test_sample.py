"""A seeded sample of what `make fuzz` does at length, and a check that it would find something."""

from functools import partial

import pytest

from chaos_runner.errors import ChaosRunnerError, UsageError
from tests.fuzz.entrances import ENTRANCES, case
from tests.fuzz.finding import finds_in
from tests.fuzz.minimising import smallest
from tests.fuzz.watch import trouble_of

SEED = 11
SAMPLE = 300


@pytest.mark.parametrize("part", range(4))
def test_no_fuzzed_file_ends_in_a_traceback(part: int) -> None:
    found = finds_in(range(part, SAMPLE, 4), SEED)
    told = [f"python -m tests.fuzz --only {find.number} {SEED}\n{find.trouble.told}" for find in found]
    assert not told, "\n".join(told)


def test_the_sample_goes_through_every_entrance() -> None:
    assert {case(SEED, number).entrance for number in range(SAMPLE)} == set(ENTRANCES)


def test_a_number_always_stands_for_the_same_case() -> None:
    assert [case(3, number) for number in range(20)] == [case(3, number) for number in range(20)]


def raising(problem: BaseException) -> None:
    raise problem


def for_ever() -> None:
    while True:
        pass


def test_an_error_for_people_is_no_trouble_and_every_other_is() -> None:
    assert trouble_of(partial(raising, UsageError("no such file"))) is None
    assert trouble_of(partial(raising, SystemExit(2))) is None
    assert trouble_of(partial(raising, ChaosRunnerError("must not happen")))
    assert trouble_of(partial(raising, KeyError("name")))
    assert trouble_of(partial(raising, SystemExit(70)))


@pytest.mark.slow
def test_what_never_ends_is_trouble() -> None:
    trouble = trouble_of(for_ever)
    assert trouble
    assert trouble.kind.startswith("Hung")


def test_a_find_is_made_as_small_as_it_can_be() -> None:
    assert smallest(b"title: x\nmethod: [a, !b]\n" * 30, lambda blob: b"!" in blob and b"x" in blob) == b"x!"
