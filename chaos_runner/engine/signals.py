"""Signals as items in the loop's queue, never as exceptions inside someone's code."""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
ASKING: Final = signal.SIGUSR1
"""What `chaos-runner stop` sends, and the safeguards of Chaos Toolkit's addons: please stop."""
ASKING_HARSHLY: Final = signal.SIGUSR2
"""What chaoslib's `exit_ungracefully` sends. Everything is undone all the same."""
REQUEST: Final = "stop.json"
"""In the run's folder: who asked."""
Renew = Callable[[], None]


class Cut(BaseException):
    """Raised in a step that is left behind, where the process is not ours to end: in `toolkit.run_experiment`."""


class _Leaving:
    """Whether the main thread is to come back from wherever it is."""

    now = False


def cut_main_thread() -> None:
    """Raises Cut in the main thread, if it is in Python's hands or waits. Called from another thread."""
    _Leaving.now = True
    main = threading.main_thread().ident
    if main is not None:
        signal.pthread_kill(main, ASKING_HARSHLY)


@contextmanager
def caught(tell: Callable[[str, int], None], asked: Callable[[str], None]) -> Iterator[Renew]:
    """While this lasts a stopping signal only calls `tell(name, exit code)`, a request only `asked(by)`.

    They are called on a thread of their own, at once: Python's own handlers would wait until the main thread comes back
    from whatever C code it is in. Gives a function that installs the handlers anew, for after foreign code has run.
    Must be entered on the main thread.
    """
    heard, said = os.pipe()
    numbers = (*stopping(), ASKING, ASKING_HARSHLY)
    _Leaving.now = False
    listener = threading.Thread(target=_listen, args=(heard, tell, asked), name="signals", daemon=True)

    def renew() -> None:
        for number in numbers:
            if signal.getsignal(number) is not _ignore:
                signal.signal(number, _ignore)
        signal.set_wakeup_fd(said, warn_on_full_buffer=False)

    try:
        with written_to(said, numbers):
            listener.start()
            yield renew
    finally:
        with suppress(OSError):
            os.write(said, b"\0")
            listener.join()
            os.close(said)
            os.close(heard)


@contextmanager
def in_a_pipe(numbers: Iterable[int]) -> Iterator[int]:
    """While this lasts these signals do nothing but write their number, a byte, to a pipe. Gives where to read it."""
    heard, said = os.pipe()
    try:
        with written_to(said, numbers):
            yield heard
    finally:
        os.close(said)
        os.close(heard)


@contextmanager
def written_to(pipe: int, numbers: Iterable[int]) -> Iterator[None]:
    """While this lasts signals are bytes in a pipe: an item for a loop, never an exception inside of somebody's code.

    They are written at once. A handler in Python would wait until the system call is over which the main thread is just
    about to enter; and where nothing else comes, it never is.
    """
    os.set_blocking(pipe, False)
    before = {number: signal.signal(number, _ignore) for number in numbers}
    wakeup_before = signal.set_wakeup_fd(pipe, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup_before)
        for number, handler in before.items():
            signal.signal(number, handler)


def stopping() -> Sequence[signal.Signals]:
    """The signals that stop. A hang-up that is to be outlived is none: that is what `nohup` asks for."""
    return [number for number in STOPPING
            if not (number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN)]


def _ignore(*_: object) -> None:
    """Python must have a handler for the number to be written to the pipe."""
    if _Leaving.now:
        _Leaving.now = False
        raise Cut("left behind: the run is over")


def _listen(heard: int, tell: Callable[[str, int], None], asked: Callable[[str], None]) -> None:
    while numbers := _read(heard):
        for number in numbers:
            if number == 0:
                return
            if number in (ASKING, ASKING_HARSHLY):
                asked("" if number == ASKING else ASKING_HARSHLY.name)
            elif number in STOPPING:
                tell(signal.Signals(number).name, 128 + number)


def _read(heard: int) -> bytes:
    try:
        return os.read(heard, 64)
    except OSError:  # a step closed what it did not open
        return b""
