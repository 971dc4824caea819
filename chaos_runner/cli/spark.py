"""Numbers as one line of blocks; as letters of ASCII where the terminal's encoding has no blocks."""

import sys
from collections.abc import Sequence
from typing import Final, NamedTuple


class Levels(NamedTuple):
    """The signs from low to high, and the one for no number at all."""

    signs: str
    none: str


BLOCKS: Final = Levels("▁▂▃▄▅▆▇█", "·")
ASCII: Final = Levels("_.-~=+*#", " ")


def levels(encoding: str | None = None) -> Levels:
    """Blocks where they can be written."""
    try:
        (BLOCKS.signs + BLOCKS.none).encode(encoding or sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return BLOCKS


def spark(values: Sequence[float | None], how: Levels) -> str:
    """One sign a value, from the lowest of them to the highest; from zero where that leaves them room."""
    known = [value for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    low = 0.0 if 0 <= low <= high / 2 else low
    return "".join(how.none if value is None else how.signs[_level(value, low, high, how)] for value in values)


def _level(value: float, low: float, high: float, how: Levels) -> int:
    share = (value - low) / (high - low) if high > low else 0.0
    return min(int(share * len(how.signs)), len(how.signs) - 1)
