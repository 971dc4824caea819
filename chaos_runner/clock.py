"""Time, so that everything that waits can be tested without waiting.

Wall time is for people and joins a run to the world's events; elapsed time is monotonic and is what decisions use.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

FAKE_EPOCH: Final = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


class Clock(Protocol):
    """Where the engine reads the time."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""

    def monotonic_s(self) -> float:
        """Seconds that never go back, from an origin without meaning."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()


class FakeClock:
    """A clock that moves only when told."""

    def __init__(self, start: datetime = FAKE_EPOCH) -> None:
        self._start = start
        self._elapsed_s = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed_s)

    def monotonic_s(self) -> float:
        return self._elapsed_s

    def advance(self, by_s: float) -> None:
        """Moves time forward. Raises ValueError for a step back."""
        if by_s < 0:
            raise ValueError(f"time does not go back (asked for {by_s} s)")
        self._elapsed_s += by_s


def rfc3339(moment: datetime) -> str:
    """A UTC instant as written everywhere: "2026-11-20T11:02:10.123Z"."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
