"""Listening at a terminal to what is typed, to signals and to a child, without ever missing one for another."""

import os
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from selectors import EVENT_READ, DefaultSelector
from typing import Final, Protocol

from msgspec import Struct

from chaos_runner.engine.signals import STOPPING, in_a_pipe, stopping

_LINE_BYTES_MOST: Final = 65_536


class Typed(Struct, frozen=True):
    """A line was typed."""

    text: str


class Signalled(Struct, frozen=True):
    """A signal came."""

    number: int


class HungUp(Struct, frozen=True):
    """Nobody can type any more."""


class Speaker(Protocol):
    """A child that prints."""

    def fileno(self) -> int:
        """Readable when it has printed something, or will print nothing more."""
        ...


class Spoke(Struct, frozen=True):
    """The child has printed something, or will print nothing more."""


class TimeOver(Struct, frozen=True):
    """Nothing was heard in that time."""


Heard = Typed | Signalled | HungUp | Spoke | TimeOver


class Ears:
    """What there is to hear. Without a keyboard nothing that is typed is read."""

    def __init__(self, signals: int, keyboard: int | None) -> None:
        self._selector = DefaultSelector()
        self._selector.register(signals, EVENT_READ, "signal")
        if keyboard is not None:
            self._selector.register(keyboard, EVENT_READ, "line")
        self._lines: deque[str] = deque()
        self._rest = b""

    def listen(self, for_s: float | None = None, child: Speaker | None = None) -> Heard:
        """The next thing to be heard; the time is over after so many seconds, never where that is None."""
        if self._lines:
            return Typed(self._lines.popleft())
        deadline_s = None if for_s is None else time.monotonic() + for_s
        with self._with(child):
            while True:
                left_s = None if deadline_s is None else max(0.0, deadline_s - time.monotonic())
                ready = {key.data: key.fd for key, _ in self._selector.select(left_s)}
                if heard := self._heard(ready):
                    return heard
                if not ready and left_s is not None:
                    return TimeOver()

    @contextmanager
    def _with(self, child: Speaker | None) -> Iterator[None]:
        if child is None:
            yield
            return
        self._selector.register(child, EVENT_READ, "child")
        try:
            yield
        finally:
            self._selector.unregister(child)

    def _heard(self, ready: Mapping[str, int]) -> Heard | None:
        if "signal" in ready and (number := os.read(ready["signal"], 1)[0]) in STOPPING:
            return Signalled(number)
        if "line" in ready and self._read(ready["line"]):
            return HungUp()
        if self._lines:
            return Typed(self._lines.popleft())
        return Spoke() if "child" in ready else None

    def _read(self, keyboard: int) -> bool:
        """Takes in what was typed. True when the terminal is gone, or its input has ended."""
        try:
            found = os.read(keyboard, 4096)
        except BlockingIOError:
            return False
        except OSError:
            found = b""
        if not found:
            self._selector.unregister(keyboard)
            return True
        *lines, rest = (self._rest + found).split(b"\n")
        self._rest = rest[:_LINE_BYTES_MOST]
        self._lines.extend(line[:_LINE_BYTES_MOST].decode(errors="replace") for line in lines)
        return False


@contextmanager
def listening(*, attended: bool) -> Iterator[Ears]:
    """While this lasts stopping signals are heard, and do nothing else."""
    with ExitStack() as stack:
        heard = stack.enter_context(in_a_pipe(stopping()))
        yield Ears(heard, stack.enter_context(_keyboard()) if attended else None)


@contextmanager
def _keyboard() -> Iterator[int]:
    """The terminal, opened anew so that reading it never waits: Ctrl-C throws away what was typed and not yet read, and
    whoever waited for that would not hear the Ctrl-C. Only for ourselves: the shell has our standard input too.
    """
    try:
        found = os.open(os.ctermid(), os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:  # a terminal that is not in control of us: no key on it is a signal
        yield 0
        return
    try:
        yield found
    finally:
        os.close(found)
