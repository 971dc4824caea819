"""The loop around the daemon: it waits for the alarm, a signal, the end of a child or a second, and takes a turn."""

import gc
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from select import select
from typing import Final

from chaos_runner.clock import Clock, rfc3339
from chaos_runner.daemon.alarm import Alarm
from chaos_runner.daemon.daemon import LOOK_S, Daemon
from chaos_runner.daemon.files import Files, Read
from chaos_runner.engine.signals import written_to
from chaos_runner.errors import UsageError
from chaos_runner.ledger import schedules
from chaos_runner.ledger.ledger import Ledger, LedgerUnreachable

TOGETHER_S: Final = 0.035
"""What is due within so short a time is claimed together: from the beginning of a turn to that of the next."""
READ_S: Final = 5.0
"""How often it looks whether a file was changed."""
RETRY_S: Final = 1.0
_LEAVING: Final = (signal.SIGTERM, signal.SIGINT)
_ENDED_RUNS: Final = "the daemon is told to leave"


class Word(StrEnum):
    """What the loop says of itself."""

    READ = "read"
    BROKEN = "broken"
    DRAINING = "draining"
    STOPPING = "stopping"
    UNREACHABLE = "unreachable"
    REACHED = "reached"
    TELLING = "telling"


Say = Callable[[Word, str], None]


class Service:
    """A daemon that is at work until it is told to leave."""

    def __init__(self, daemon: Daemon, ledger: Ledger, files: Files, say: Say) -> None:
        self._daemon = daemon
        self._ledger = ledger
        self._files = files
        self._say = say
        self._heard, self._call = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK) if hasattr(os, "pipe2") else os.pipe()
        self._leave_by_s: float | None = None
        self._stopping = False
        self._reachable = True

    def run(self, clock: Clock, drain_s: float) -> None:
        """Works until SIGTERM or SIGINT. Then nothing new is started; what runs may end within `drain_s`, and is
        stopped and undone after that, or at the second such signal. SIGHUP reads the files again.

        Raises UsageError when the files cannot be read at the start, and LedgerUnreachable when the database cannot.
        """
        self._learn(clock)
        self._daemon.join()
        alarm = Alarm(self._wake)
        try:
            with written_to(self._call, (*_LEAVING, signal.SIGHUP, signal.SIGCHLD)):
                self._work(clock, alarm, drain_s)
        finally:
            alarm.close()
        with suppress(LedgerUnreachable):
            self._daemon.leave()

    def _work(self, clock: Clock, alarm: Alarm, drain_s: float) -> None:
        read_at_s = clock.monotonic_s() + READ_S
        while not self._may_leave:
            soon = clock.now() + timedelta(seconds=TOGETHER_S)
            self._turn()
            alarm.set(self._next(soon))
            self._heed(self._wait(), drain_s)
            if clock.monotonic_s() >= read_at_s:
                read_at_s = clock.monotonic_s() + READ_S
                alarm.look_again()
                if self._files.changed():
                    self._learn_again(clock)

    @property
    def _may_leave(self) -> bool:
        """Once nothing runs. Where the database gives no answer, what became of it is left to the next daemon."""
        return self._daemon.draining and (not self._daemon.busy or (
            self._stopping and not self._reachable and self._daemon.idle))

    def _turn(self) -> None:
        """A turn; where the database gives no answer it is tried again until it does. Runs go on meanwhile."""
        try:
            self._daemon.turn()
        except LedgerUnreachable as problem:
            if self._reachable:
                self._say(Word.UNREACHABLE, str(problem))
            self._reachable = False
            time.sleep(RETRY_S)
        else:
            if not self._reachable:
                self._say(Word.REACHED, "the database answers again")
            self._reachable = True

    def _next(self, soon: datetime) -> datetime | None:
        if self._daemon.at_hand:
            return soon
        following = None if self._daemon.draining else self._daemon.book.next_start
        return max(following, soon) if following else None

    def _wait(self) -> set[int]:
        """Waits, and gives the signals that came meanwhile."""
        ready, _, _ = select([self._heard], [], [], LOOK_S)
        return set(os.read(self._heard, 4096)) if ready else set()

    def _wake(self) -> None:
        with suppress(BlockingIOError):  # it is full: then it wakes anyway
            os.write(self._call, b"\0")

    def _heed(self, signals: set[int], drain_s: float) -> None:
        if signal.SIGHUP in signals:
            self._files.forget()
        if signals.intersection(_LEAVING):
            self._leave(drain_s)
        if self._leave_by_s is not None and time.monotonic() >= self._leave_by_s:
            self._leave_by_s = None
            self._stopping = True
            self._say(Word.STOPPING, "what runs is stopped and undone")
            with suppress(LedgerUnreachable):  # they are asked all the same
                self._daemon.stop_all(_ENDED_RUNS)

    def _leave(self, drain_s: float) -> None:
        if self._daemon.draining:
            self._leave_by_s = time.monotonic()
            return
        self._daemon.drain()
        self._leave_by_s = time.monotonic() + drain_s
        if self._daemon.busy:
            self._say(Word.DRAINING, f"nothing new is started; what runs has {drain_s:.0f} s to end")

    # ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _learn(self, clock: Clock) -> None:
        read = self._files.read()
        on = [one.schedule.name for one in read.planned if one.schedule.enabled]
        with self._ledger.transaction() as connection:
            since = schedules.keep(connection, on, rfc3339(clock.now()))
        self._daemon.learn(read.planned, {name: datetime.fromisoformat(text) for name, text in since.items()})
        gc.freeze()  # none of it is garbage: to look at it again and again would make what is due late
        self._tell_of(read, len(on))

    def _learn_again(self, clock: Clock) -> None:
        try:
            self._learn(clock)
        except (UsageError, LedgerUnreachable) as problem:
            self._say(Word.BROKEN, str(problem))

    def _tell_of(self, read: Read, on: int) -> None:
        self._say(Word.READ, f"{len(read.planned)} schedules, {on} of them enabled")
        for problem in read.broken.values():
            self._say(Word.BROKEN, problem)


