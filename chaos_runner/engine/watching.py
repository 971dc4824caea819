"""Those who look on: told of every event after it is written, each on a thread of its own."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Final, Protocol, runtime_checkable

from chaos_runner.run.events import Event
from chaos_runner.run.run import Run

Watcher = Callable[[Run, Sequence[Event]], None]
DRAIN_S: Final = 1.0
BEAT_S: Final = 0.25
_BACKLOG_MOST: Final = 100_000


@runtime_checkable
class Beating(Protocol):
    """A watcher that also has something to say while nothing happens."""

    def beat(self) -> None:
        """Called every BEAT_S, on the thread on which it is told of events."""

    def close(self) -> None:
        """Called last: it has been told everything."""


class Watchers:
    """A slow reader of our output must not slow the run nor the other readers, and one that raises is dropped, never
    the run.
    """

    def __init__(self) -> None:
        self._watchers: list[_Watching] = []

    def add(self, watcher: Watcher) -> None:
        """One more that is told."""
        self._watchers.append(_Watching(watcher))

    def tell(self, run: Run, events: Sequence[Event]) -> None:
        """Tells them soon. When one does not read for very long, what is new is not kept for it."""
        if events:
            for watching in self._watchers:
                watching.tell(run, events)

    def drain(self) -> None:
        """Waits until they were told everything, but not for long."""
        until_s = monotonic() + DRAIN_S
        for watching in self._watchers:
            watching.end()
        for watching in self._watchers:
            watching.join(max(0.0, until_s - monotonic()))


class _Watching:
    """One watcher, what it is still to be told, and its thread."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._beating = _beating(watcher)
        self._queue: SimpleQueue[tuple[Run, Sequence[Event]] | None] = SimpleQueue()
        self._dropped = False
        self._thread = threading.Thread(target=self._work, name="watcher", daemon=True)
        self._thread.start()

    def tell(self, run: Run, events: Sequence[Event]) -> None:
        if not self._dropped and self._queue.qsize() < _BACKLOG_MOST:
            self._queue.put((run, events))

    def end(self) -> None:
        self._queue.put(None)

    def join(self, within_s: float) -> None:
        self._thread.join(within_s)

    def _work(self) -> None:
        try:
            self._watch()
        except Exception:  # noqa: BLE001 -- whoever looks on must not be able to break anything
            self._dropped = True
        if self._beating:
            with suppress(Exception):
                self._beating.close()

    def _watch(self) -> None:
        beat_at_s = monotonic() + BEAT_S
        while True:
            with suppress(Empty):
                told = self._queue.get(timeout=max(0.0, beat_at_s - monotonic()) if self._beating else None)
                if told is None:
                    return
                self._watcher(*told)
            if self._beating and monotonic() >= beat_at_s:
                self._beating.beat()
                beat_at_s = monotonic() + BEAT_S


def _beating(watcher: object) -> Beating | None:
    return watcher if isinstance(watcher, Beating) else None
