"""Listening at a terminal to what is typed, to signals and to a child, without ever missing one for another."""

import os
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from selectors import EVENT_READ, DefaultSelector
from typing import Final

from msgspec import Struct

from chaos_runner.cli.children import Child
from chaos_runner.engine.signals import STOPPING

_LINE_BYTES_MOST: Final = 65_536


class Typed(Struct, frozen=True):
    """A line was typed."""

    text: str


class Signalled(Struct, frozen=True):
    """A signal came."""

    number: int


class HungUp(Struct, frozen=True):
    """Nobody can type any more."""


class Spoke(Struct, frozen=True):
    """The child has printed something, or will print nothing more."""


class TimeOver(Struct, frozen=True):
    """Nothing was heard in that time."""


Heard = Typed | Signalled | HungUp | Spoke | TimeOver


class Ears:
    """What there is to hear. Where nobody attends, nothing that is typed is read."""

    def __init__(self, signals: int, *, attended: bool) -> None:
        self._signals = signals
        self._selector = DefaultSelector()
        self._selector.register(signals, EVENT_READ, "signal")
        if attended:
            self._selector.register(0, EVENT_READ, "line")
        self._lines: deque[str] = deque()
        self._rest = b""
        self._gone = False

    def listen(self, for_s: float | None = None, child: Child | None = None) -> Heard:
        """The next thing to be heard; the time is over after so many seconds, never where that is None."""
        if self._lines:
            return Typed(self._lines.popleft())
        deadline_s = None if for_s is None else time.monotonic() + for_s
        with self._with(child):
            while True:
                left_s = None if deadline_s is None else max(0.0, deadline_s - time.monotonic())
                ready = {key.data for key, _ in self._selector.select(left_s)}
                if heard := self._heard(ready):
                    return heard
                if not ready and left_s is not None:
                    return TimeOver()

    @contextmanager
    def _with(self, child: Child | None) -> Iterator[None]:
        if child is None:
            yield
            return
        self._selector.register(child, EVENT_READ, "child")
        try:
            yield
        finally:
            self._selector.unregister(child)

    def _heard(self, ready: set[str]) -> Heard | None:
        if "signal" in ready:
            return Signalled(os.read(self._signals, 1)[0])
        if "line" in ready and self._read():
            return HungUp()
        if self._lines:
            return Typed(self._lines.popleft())
        return Spoke() if "child" in ready else None

    def _read(self) -> bool:
        """Takes in what was typed. True when the terminal is gone, or its input has ended."""
        try:
            found = os.read(0, 4096)
        except OSError:
            found = b""
        if not found:
            self._selector.unregister(0)
            return True
        *lines, rest = (self._rest + found).split(b"\n")
        self._rest = rest[:_LINE_BYTES_MOST]
        self._lines.extend(line[:_LINE_BYTES_MOST].decode(errors="replace") for line in lines)
        return False


@contextmanager
def listening(*, attended: bool) -> Iterator[Ears]:
    """While this lasts stopping signals are heard, and do nothing else."""
    heard, said = os.pipe()
    os.set_blocking(said, False)
    before = {number: signal.signal(number, lambda number, _: os.write(said, bytes([number]))) for number in STOPPING}
    try:
        yield Ears(heard, attended=attended)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(said)
        os.close(heard)
