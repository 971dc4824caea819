"""Signals as items in the loop's queue, never as exceptions inside someone's code."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
ASKING: Final = signal.SIGUSR1
"""What `chaos-runner stop` sends, and the safeguards of Chaos Toolkit's addons: please stop."""
REQUEST: Final = "stop.json"
"""In the run's folder: who asked."""


@contextmanager
def caught(tell: Callable[[str, int], None], asked: Callable[[], None]) -> Iterator[None]:
    """While this lasts a stopping signal only calls `tell(name, exit code)`, and a request only `asked()`.

    Must be entered on the main thread.
    """

    def handle(number: int, _: FrameType | None) -> None:
        if number == ASKING:
            asked()
        else:
            tell(signal.Signals(number).name, 128 + number)

    before = {number: signal.signal(number, handle) for number in (*STOPPING, ASKING)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
