"""Waiting for things that are on their way, as AWS lets nobody turn them back before they have arrived."""

import time
from collections.abc import Callable
from typing import Final

from chaos_runner.errors import ActFailed

_AGAIN_S: Final = 2.0


def wait(is_there: Callable[[], bool], what: str, within_s: float) -> None:
    """Until it is there. Raises ActFailed after its time, with `what` it still waits for."""
    until_s = time.monotonic() + within_s
    while not is_there():
        if time.monotonic() > until_s:
            raise ActFailed(f"after {within_s:g} s {what}")
        time.sleep(_AGAIN_S)
