"""Channels, each told in a thread of its own, one letter after the other: a receiver that hangs holds up no other."""

import random
import time
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

import msgspec

from chaos_runner.clock import rfc3339
from chaos_runner.ledger.outbox import HELD_S, Bundle, Freed, Letter, Settled
from chaos_runner.notify.channel import Channel, NotTold
from chaos_runner.notify.notice import Notice

WAIT_S: Final = 1.0
WAIT_MAX_S: Final = 600.0
"""How long a receiver is left alone after the first try in vain, and at most: it doubles each time."""
_SENDS_S: Final = HELD_S / 2
"""What is left after that is claimed anew: one try more must end before the channel is anybody's."""
_HANGS: Final = f"no whole answer within {HELD_S:.0f} s"
_UNREADABLE: Final = "another version of chaos-runner wrote it"


Said = Settled | Freed
Heard = SimpleQueue[Said | None]
"""What lanes say; None is from somebody who only wakes."""


class Lane(Thread):
    """Tells the letters of a bundle, and says of each what became of it, and at last that the channel is free."""

    def __init__(self, bundle: Bundle, channel: Channel, heard: Heard) -> None:
        super().__init__(name=f"notify {bundle.channel}", daemon=True)
        self.began_s: Final = time.monotonic()
        self._bundle = bundle
        self._channel = channel
        self._heard = heard

    def run(self) -> None:
        """Goes on until all are told, the receiver fails, or its time is over."""
        failures = self._bundle.failures
        for letter in self._bundle.letters:
            if time.monotonic() > self.began_s + _SENDS_S:
                break
            problem = self._tell(letter)
            if problem:
                self._heard.put(self._failed(problem, failures))
                return
            failures = 0
        self._heard.put(Freed(channel=self._bundle.channel))

    def _tell(self, letter: Letter) -> NotTold | None:
        """What the receiver failed with, if it did."""
        try:
            self._channel.send(msgspec.json.decode(letter.body, type=Notice))
        except msgspec.DecodeError:
            self._say(letter, _UNREADABLE, given_up=True)
        except NotTold as problem:
            self._say(letter, str(problem), given_up=problem.for_good or letter.old)
            return None if problem.for_good else problem
        else:
            self._say(letter)
        return None

    def _failed(self, problem: NotTold, failures: int) -> Freed:
        wait_s = max(problem.wait_s or 0.0, backoff_s(failures))
        return Freed(channel=self._bundle.channel, wait_s=wait_s, problem=str(problem), failures=failures + 1)

    def _say(self, letter: Letter, problem: str = "", *, given_up: bool = False) -> None:
        self._heard.put(Settled(letter=letter, at=rfc3339(datetime.now(UTC)), problem=problem, given_up=given_up))


class Lanes:
    """The lanes that are under way."""

    def __init__(self) -> None:
        self._heard: Heard = SimpleQueue()
        self._running: dict[str, Lane] = {}
        self._hanging: set[str] = set()

    @property
    def busy(self) -> Collection[str]:
        """The channels that are being told, those of receivers that hang among them."""
        return self._running.keys()

    def begin(self, bundle: Bundle, channel: Channel) -> None:
        """Starts one."""
        self._running[bundle.channel] = lane = Lane(bundle, channel, self._heard)
        lane.start()

    def wake(self) -> None:
        """Ends a `listen`. For other threads."""
        self._heard.put(None)

    def listen(self, wait_s: float) -> list[Said]:
        """Waits until something is said, for so long at most, and gives all that was."""
        found: list[Said | None] = []
        with suppress(Empty):
            found.append(self._heard.get(timeout=wait_s))
            while True:
                found.append(self._heard.get_nowait())
        said = [one for one in found if one is not None]
        ended = {one.channel for one in said if isinstance(one, Freed)}
        self._running = {name: lane for name, lane in self._running.items() if name not in ended and lane.is_alive()}
        return [*said, *self._give_up_waiting()]

    def _give_up_waiting(self) -> list[Said]:
        """A receiver that goes on answering for ever is left alone: it has one thread, and gets no more."""
        late = {name for name, lane in self._running.items() if time.monotonic() > lane.began_s + HELD_S}
        fresh, self._hanging = late - self._hanging, late
        return [Freed(channel=name, wait_s=WAIT_MAX_S, problem=_HANGS, failures=1) for name in fresh]


def backoff_s(failures: int) -> float:
    """How long to wait after so many failures before: doubled each time, and spread, so that many do not come at once.
    """
    longest_s = min(WAIT_S * 2.0 ** min(failures, 30), WAIT_MAX_S)
    return longest_s * random.uniform(0.5, 1.0)  # noqa: S311 -- no secret
