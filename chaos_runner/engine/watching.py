"""Those who look on: told of every event after it is written, on a thread of their own."""

import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Final

from chaos_runner.run.events import Event
from chaos_runner.run.run import Run

Watcher = Callable[[Run, Sequence[Event]], None]
DRAIN_S: Final = 1.0
_BACKLOG_MOST: Final = 100_000


class Watchers:
    """A slow reader of our output must not slow the run, and one that raises is dropped, never the run."""

    def __init__(self) -> None:
        self._watchers: list[Watcher] = []
        self._queue: SimpleQueue[tuple[Run, Sequence[Event]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def add(self, watcher: Watcher) -> None:
        """One more that is told."""
        self._watchers.append(watcher)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="watchers", daemon=True)
            self._thread.start()

    def tell(self, run: Run, events: Sequence[Event]) -> None:
        """Tells them soon. When nobody reads for very long, what is new is not kept."""
        if self._watchers and events and self._queue.qsize() < _BACKLOG_MOST:
            self._queue.put((run, events))

    def drain(self) -> None:
        """Waits until they were told everything, but not for long."""
        self._queue.put(None)
        if self._thread:
            self._thread.join(DRAIN_S)

    def _work(self) -> None:
        while (told := self._queue.get()) is not None:
            for watcher in list(self._watchers):
                self._tell(watcher, *told)

    def _tell(self, watcher: Watcher, run: Run, events: Sequence[Event]) -> None:
        try:
            watcher(run, events)
        except Exception:  # noqa: BLE001 -- whoever looks on must not be able to break anything
            self._watchers.remove(watcher)
