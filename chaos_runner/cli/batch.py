"""Many experiments, each in a process of its own, some of them at the same time. No threads: one loop that listens."""

import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from selectors import EVENT_READ, DefaultSelector
from typing import IO, Any, Final

from msgspec import Struct

from chaos_runner.cli.children import Child
from chaos_runner.engine.signals import STOPPING, in_a_pipe, stopping
from chaos_runner.plan.beside import Families, may_run_beside
from chaos_runner.run.events import Verdict

NEVER_BEGUN: Final = "it was never begun: the runs before it were interrupted"
Talk = IO[bytes] | None


class Job(Struct, frozen=True, kw_only=True):
    """An experiment that is to be run, and what its faults may hit."""

    file: str
    families: Families


class Ways(Struct, frozen=True, kw_only=True):
    """How they are run: the options of each, how many at a time at most, and who hears when one begins and ends.

    With more than one at a time `ended` is given what the run has said, which is else on standard error already.
    """

    options: Sequence[str]
    most: int
    began: Callable[[Job], None]
    ended: Callable[[Job, bytes], None]


class Batch:
    """The experiments under way. They begin in the order given; one that has to wait lets others pass."""

    def __init__(self, jobs: Sequence[Job], ways: Ways) -> None:
        self._jobs = jobs
        self._ways = ways
        self._waiting = list(range(len(jobs)))
        self._running: dict[int, tuple[Child, Talk]] = {}
        self._outcomes: dict[int, dict[str, Any]] = {}
        self._interrupted = False
        self._selector = DefaultSelector()

    def run(self) -> list[dict[str, Any]]:
        """Runs them all and gives their outcomes, in the order of the jobs. Signals go to whoever runs; whatever has
        not begun by then never does.
        """
        with self._selector, in_a_pipe(stopping()) as signals:
            self._selector.register(signals, EVENT_READ)
            while self._waiting or self._running:
                self._begin()
                self._listen()
        return [self._outcomes[number] for number in range(len(self._jobs))]

    def _pass_on(self, number: int) -> None:
        self._interrupted = True
        for child, _ in self._running.values():
            child.send(number)

    def _begin(self) -> None:
        if self._interrupted:
            self._outcomes |= {number: never_begun(self._jobs[number].file) for number in self._waiting}
            self._waiting = []
        for number in list(self._waiting):
            if self._may_begin(number):
                self._start(number)

    def _may_begin(self, number: int) -> bool:
        beside = [self._jobs[other].families for other in self._running]
        wanted = self._jobs[number].families
        return not self._interrupted and len(beside) < self._ways.most and (
            not beside or all(may_run_beside(wanted, other) for other in beside))

    def _start(self, number: int) -> None:
        job = self._jobs[number]
        self._waiting.remove(number)
        self._ways.began(job)
        talk = tempfile.TemporaryFile() if self._ways.most > 1 else None  # noqa: SIM115 -- read when the child has ended
        child = Child(job.file, self._ways.options, talk)
        self._running[number] = (child, talk)
        self._selector.register(child, EVENT_READ, number)

    def _listen(self) -> None:
        for key, _ in self._selector.select() if self._running else ():
            if key.data is not None:
                self._hear(key.data)
            elif (number := os.read(key.fd, 1)[0]) in STOPPING:
                self._pass_on(number)

    def _hear(self, number: int) -> None:
        child, talk = self._running[number]
        if not child.hear():
            self._selector.unregister(child)
            del self._running[number]
            self._end(number, child.outcome(), talk)

    def _end(self, number: int, outcome: dict[str, Any], talk: Talk) -> None:
        self._outcomes[number] = outcome
        self._interrupted = self._interrupted or outcome["verdict"] == Verdict.INTERRUPTED
        said = b""
        if talk:
            with talk, suppress(OSError):
                talk.seek(0)
                said = talk.read()
        self._ways.ended(self._jobs[number], said)


def never_begun(file: str) -> dict[str, Any]:
    """What is known of an experiment whose turn did not come."""
    return {"file": file, "verdict": Verdict.NOT_STARTED, "exit": 3, "sentence": NEVER_BEGUN}
