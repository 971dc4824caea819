"""Emptying the outbox, beside the daemon: whatever receivers do, its turns do not wait for them."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Final

from sqlalchemy import Connection

from chaos_runner.clock import rfc3339
from chaos_runner.daemon.lane import Lanes, Said
from chaos_runner.experiment.complaints import escaped
from chaos_runner.ledger import outbox
from chaos_runner.ledger.ledger import Ledger, LedgerUnreachable, open_ledger
from chaos_runner.ledger.outbox import Freed, Settled
from chaos_runner.notify.channel import Channel

LOOK_S: Final = 1.0
CLEAR_S: Final = 3600.0
LEAVE_S: Final = 5.0
_AT_ONCE: Final = 20
_SOON_S: Final = 0.02


class Deliverer:
    """A thread with a connection of its own to the ledger, which starts one more for each channel with something due.

    `say` is given lines for a log, without any secret.
    """

    def __init__(self, database: str, channels: Callable[[], Mapping[str, Channel]],
                 say: Callable[[str], None]) -> None:
        self._database = database
        self._channels = channels
        self._say = say
        self._lanes = Lanes()
        self._unwritten: list[Said] = []
        self._failing: set[str] = set()
        self._leaving = Event()
        self._leave_by_s = 0.0
        self._clear_at_s = 0.0
        self._thread = Thread(target=self._work, name="notify", daemon=True)

    def start(self) -> None:
        """Begins, with what stands in the outbox already."""
        self._lanes.wake()
        self._thread.start()

    def close(self, within_s: float = LEAVE_S) -> None:
        """Tells what can be told within that time, and ends. The rest stays for whoever comes next."""
        self._leave_by_s = time.monotonic() + within_s
        self._leaving.set()
        self._lanes.wake()
        self._thread.join(within_s + LOOK_S)

    def _work(self) -> None:
        ledger: Ledger | None = None
        more = True
        while more:
            leaving = self._leaving.is_set()
            try:
                ledger = ledger or open_ledger(self._database)
                busy = self._turn(ledger, _SOON_S if leaving and not self._lanes.busy else LOOK_S)
            except LedgerUnreachable:  # the daemon says so; what is unwritten is written when it answers again
                busy = True
                self._leaving.wait(LOOK_S)
            more = not leaving or (busy and time.monotonic() < self._leave_by_s)
        if ledger:
            ledger.close()

    def _turn(self, ledger: Ledger, wait_s: float) -> bool:
        """Writes down what was heard, and begins with what is due. Whether anything is under way."""
        self._unwritten += self._lanes.listen(wait_s)
        known = self._channels()
        with ledger.transaction() as connection:
            self._write(ledger, connection)
            orphans = self._cleared(ledger, connection)
            bundles = outbox.claim(ledger, connection, known.keys() - self._lanes.busy, _AT_ONCE)
        written, self._unwritten = self._unwritten, []
        self._tell_of([*written, *orphans])
        for bundle in bundles:
            self._lanes.begin(bundle, known[bundle.channel])
        return bool(self._lanes.busy)

    def _write(self, ledger: Ledger, connection: Connection) -> None:
        outbox.settle(connection, [one for one in self._unwritten if isinstance(one, Settled)])
        for one in self._unwritten:
            if isinstance(one, Freed):
                outbox.free(ledger, connection, one)

    def _cleared(self, ledger: Ledger, connection: Connection) -> list[Settled]:
        """Once an hour: the letters that are given up because nobody sees to them."""
        if time.monotonic() < self._clear_at_s:
            return []
        self._clear_at_s = time.monotonic() + CLEAR_S
        at = rfc3339(datetime.now(UTC))
        return [Settled(letter=letter, at=at, problem=outbox.ORPHANED, given_up=True)
                for letter in outbox.clear(ledger, connection, at)]

    def _tell_of(self, said: Iterable[Said]) -> None:
        """What a log should have: that a receiver fails, that it does no more, and what it will never hear."""
        for one in said:
            if isinstance(one, Freed):
                self._tell_of_channel(one)
            elif one.given_up:
                letter = one.letter
                self._say(escaped(f"{letter.channel} is never told of {letter.notice}: {one.problem}"))

    def _tell_of_channel(self, freed: Freed) -> None:
        name = freed.channel
        if freed.problem and name not in self._failing:
            self._failing.add(name)
            self._say(escaped(f"{name} cannot be told: {freed.problem}; it is tried again and again for a day"))
        elif not freed.problem and name in self._failing:
            self._failing.discard(name)
            self._say(escaped(f"{name} can be told again"))
