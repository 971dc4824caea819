"""Choosing from a group, the same on every platform."""

import math
from collections.abc import Sequence
from typing import Final

from chaos_runner.errors import Refused, UsageError
from chaos_runner.units import Unit, spoken

_ROUNDING: Final = 1e-9


def how_many(count: int | None, percent: float | None, size: int) -> int:
    """How many of so many. A share is rounded down, so that it is never exceeded. Raises Refused for none."""
    if count is not None and percent is not None:
        raise UsageError("give `count` or `percent`, not both")
    if count is not None:
        if count < 1:
            raise Refused(f"a count of {count} would hit nothing")
        return min(count, size)
    if percent is None:
        return size
    whole = math.floor(percent * size + _ROUNDING)
    if whole == 0:
        raise Refused(f"{spoken(percent, Unit.SHARE)} of {size} is less than one: give `count: 1`, or a larger share")
    return min(whole, size)


def meant(name: str, known: Sequence[str]) -> str:
    """The end of a sentence that says that a name is not there: what may be meant, or what there is."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are: {', '.join(sorted(known)[:10]) or 'none'}"
