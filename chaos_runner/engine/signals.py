"""Signals as items in the loop's queue, never as exceptions inside someone's code."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
ASKING: Final = signal.SIGUSR1
"""What `chaos-runner stop` sends, and the safeguards of Chaos Toolkit's addons: please stop."""
REQUEST: Final = "stop.json"
"""In the run's folder: who asked."""
Renew = Callable[[], None]


@contextmanager
def caught(tell: Callable[[str, int], None], asked: Callable[[], None]) -> Iterator[Renew]:
    """While this lasts a stopping signal only calls `tell(name, exit code)`, and a request only `asked()`.

    They are called on a thread of their own, at once: Python's own handlers would wait until the main thread comes back
    from whatever C code it is in. Gives a function that installs the handlers anew, for after foreign code has run.
    Must be entered on the main thread.
    """
    heard, said = os.pipe()
    os.set_blocking(said, False)
    before = {number: signal.signal(number, _ignore) for number in (*STOPPING, ASKING)}
    wakeup_before = signal.set_wakeup_fd(said, warn_on_full_buffer=False)
    listener = threading.Thread(target=_listen, args=(heard, tell, asked), name="signals", daemon=True)
    listener.start()

    def renew() -> None:
        for number in before:
            if signal.getsignal(number) is not _ignore:
                signal.signal(number, _ignore)
        signal.set_wakeup_fd(said, warn_on_full_buffer=False)

    try:
        yield renew
    finally:
        signal.set_wakeup_fd(wakeup_before)
        for number, handler in before.items():
            signal.signal(number, handler)
        with suppress(OSError):
            os.write(said, b"\0")
            listener.join()
            os.close(said)
            os.close(heard)


def _ignore(*_: object) -> None:
    """Python must have a handler for the number to be written to the pipe."""


def _listen(heard: int, tell: Callable[[str, int], None], asked: Callable[[], None]) -> None:
    while numbers := _read(heard):
        for number in numbers:
            if number == 0:
                return
            if number == ASKING:
                asked()
            elif number in STOPPING:
                tell(signal.Signals(number).name, 128 + number)


def _read(heard: int) -> bytes:
    try:
        return os.read(heard, 64)
    except OSError:  # a step closed what it did not open
        return b""
