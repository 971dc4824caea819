"""Signals as items in the loop's queue, never as exceptions inside someone's code."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@contextmanager
def caught(tell: Callable[[str, int], None]) -> Iterator[None]:
    """While this lasts a stopping signal only calls `tell(name, exit code)`. Must be entered on the main thread."""

    def handle(number: int, _: FrameType | None) -> None:
        tell(signal.Signals(number).name, 128 + number)

    before = {number: signal.signal(number, handle) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
