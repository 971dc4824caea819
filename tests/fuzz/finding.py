"""Putting many cases in, in a process that is made for it, and keeping what made trouble."""

import logging
import os
import tempfile
from collections.abc import Iterable
from functools import partial

from msgspec import Struct

from tests.fuzz.entrances import Case, case, enter, validate_as_a_command
from tests.fuzz.minimising import smallest
from tests.fuzz.watch import Trouble, bound_memory, trouble_of


class Find(Struct, frozen=True):
    """One case that made trouble. `blob` is the least that still does."""

    seed: int
    number: int
    case: Case
    trouble: Trouble
    blob: bytes


def finds_in(numbers: Iterable[int], seed: int) -> list[Find]:
    """Every find among these cases, made small; of one bug in one go only the first is."""
    found: list[Find] = []
    for number in numbers:
        one = case(seed, number)
        trouble = trouble_of(partial(enter, one))
        if trouble:
            known = any(find.trouble.kind == trouble.kind for find in found)
            found.append(Find(seed, number, one, trouble, one.blob if known else _least(one, trouble)))
    return found


def command_finds_in(numbers: Iterable[int], seed: int) -> list[Find]:
    """The same through the real command, for those that are experiments."""
    found = []
    for number in numbers:
        one = case(seed, number)
        trouble = trouble_of(partial(validate_as_a_command, one)) if one.entrance == "experiment" else None
        if trouble:
            found.append(Find(seed, number, one, trouble, one.blob))
    return found


def _least(one: Case, trouble: Trouble) -> bytes:
    def still(blob: bytes) -> bool:
        again = trouble_of(partial(enter, Case(one.entrance, one.file, blob)))
        return again is not None and again.kind == trouble.kind

    return smallest(one.blob, still)


def begin() -> None:
    """A worker has little memory, and a folder of its own to stand in."""
    logging.disable(logging.CRITICAL)
    os.chdir(tempfile.gettempdir())
    finds_in(range(3), 7)  # what is imported once is not what a file costs
    bound_memory()
