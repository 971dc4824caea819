"""Waiting for what AWS has taken an order for, and carries out by and by."""

import time
from collections.abc import Callable, Iterator
from typing import Final

from chaos_runner.errors import ActFailed

_FIRST_S: Final = 0.1
_MOST_S: Final = 1.0


def pauses_s() -> Iterator[float]:
    """How long to wait before each further look: what is quick is seen soon, what takes long is not asked for often."""
    pause_s = _FIRST_S
    while True:
        yield pause_s
        pause_s = min(_MOST_S, pause_s * 2)


def wait(is_there: Callable[[], bool], what: str, within_s: float) -> None:
    """Until it is there. Raises ActFailed after its time, with `what` it still waits for."""
    until_s = time.monotonic() + within_s
    for pause_s in pauses_s():
        if is_there():
            return
        if time.monotonic() > until_s:
            raise ActFailed(f"after {within_s:g} s {what}")
        time.sleep(pause_s)
