"""Waiting for what AWS has taken an order for, and carries out by and by."""

import time
from collections.abc import Callable
from typing import Final

from chaos_runner.errors import ActFailed

_AGAIN_S: Final = 1.0


def wait(is_there: Callable[[], bool], what: str, within_s: float) -> None:
    """Until it is there. Raises ActFailed after its time, with `what` it still waits for."""
    until_s = time.monotonic() + within_s
    while not is_there():
        if time.monotonic() > until_s:
            raise ActFailed(f"after {within_s:g} s {what}")
        time.sleep(_AGAIN_S)
