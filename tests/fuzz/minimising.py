"""Making a find small: as long as the same trouble comes of less, less is taken."""

import time
from collections.abc import Callable
from typing import Final

MOST_S: Final = 8.0
"""By the clock, for one find."""


def smallest(blob: bytes, still: Callable[[bytes], bool]) -> bytes:
    """The least of the bytes for which `still` holds, found by leaving out halves, quarters and so on."""
    until_s = time.monotonic() + MOST_S
    size = max(len(blob) // 2, 1)
    while blob and time.monotonic() < until_s:
        shorter = _without_a_piece(blob, size, still, until_s)
        if shorter is not None:
            blob = shorter
        elif size == 1:
            break
        else:
            size = max(size // 2, 1)
    return blob


def _without_a_piece(blob: bytes, size: int, still: Callable[[bytes], bool], until_s: float) -> bytes | None:
    for at in range(0, len(blob), size):
        shorter = blob[:at] + blob[at + size:]
        if time.monotonic() > until_s:
            return None
        if still(shorter):
            return shorter
    return None
