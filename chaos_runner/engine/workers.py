"""Threads: daemon threads that are made when none is idle, and the main thread for what must run there."""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

Job = Callable[[], None]


class Workers:
    """Daemon threads, as many as jobs are busy at once: a job that hangs never holds up another, nor the exit."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._idle: deque[None] = deque()
        """One member for each thread that waits for a job. Its `append` and `pop` need no lock, which a semaphore has.
        """

    def start(self, job: Job) -> None:
        """Runs the job soon, on another thread."""
        if self._take_idle():
            self._jobs.put(job)
            return
        try:
            threading.Thread(target=self._work, args=(job,), name="worker", daemon=True).start()
        except RuntimeError:  # the system gives no more threads: an undo must be done all the same
            job()

    def _take_idle(self) -> bool:
        try:
            self._idle.pop()
        except IndexError:
            return False
        return True

    def _work(self, job: Job) -> None:
        while True:
            job()
            self._idle.append(None)
            job = self._jobs.get()


def within(limit_s: float, job: Job) -> None:
    """Does the job on another thread and waits for it, but no longer than that. What it raises is its own affair."""

    def quietly() -> None:
        with suppress(Exception):
            job()

    worker = threading.Thread(target=quietly, name="within", daemon=True)
    worker.start()
    worker.join(limit_s)


class MainThread:
    """The main thread as a worker: Chaos Toolkit's extensions expect to run there."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self.busy = False
        self.after_each: Job = _nothing

    def start(self, job: Job) -> None:
        """Runs the job on the main thread, after those before it."""
        self._jobs.put(job)

    def release(self) -> None:
        """Lets `serve` return."""
        self._jobs.put(None)

    def serve(self) -> None:
        """Called on the main thread: works until released. Signal handlers run here, between and within jobs."""
        while (job := self._jobs.get()) is not None:
            self.busy = True
            try:
                job()
            finally:
                self.busy = False
                self.after_each()


def _nothing() -> None:
    """Unless told otherwise."""


def take(queue: "SimpleQueue[object]", within_s: float | None) -> object | None:
    """The next item, or None when there is none within that time."""
    try:
        return queue.get(timeout=within_s)
    except Empty:
        return None
