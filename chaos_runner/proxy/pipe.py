"""What carries bytes from one stage of a direction to the next: a bounded queue that keeps its order and its end."""

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple, Protocol

READ_BYTES: Final = 64 * 1024
# A queued chunk costs its objects besides its bytes: without this, a stream of single bytes would not be bounded.
_CHUNK_COST_BYTES: Final = 160

Data = bytes | memoryview


class End(Enum):
    """How a direction ends."""

    EOF = "the sender has said all it had to say; the other direction goes on"
    CUT = "the connection closes once what is on its way has arrived"
    RESET = "the connection is torn down, and both sides see a reset"


class Chunk(NamedTuple):
    """Bytes, and when they arrived at this stage (seconds of the event loop's clock)."""

    data: Data
    arrived_s: float


class Gate:
    """Tells the one feeder of a sink when there is room again."""

    def __init__(self) -> None:
        self.shut = False
        self._waiting: Callable[[], None] | None = None

    def close(self) -> None:
        self.shut = True

    def open(self) -> None:
        self.shut = False
        waiting, self._waiting = self._waiting, None
        if waiting:
            waiting()

    def when_open(self, call: Callable[[], None]) -> None:
        """Calls once, the next time the gate opens. A later call replaces an earlier one: there is one feeder."""
        self._waiting = call

    async def passed(self) -> None:
        while self.shut:
            opened = asyncio.Event()
            self.when_open(opened.set)
            await opened.wait()


class Sink(Protocol):
    """Where bytes go next: the pipe of another toxic, or the socket at the end."""

    @property
    def gate(self) -> Gate:
        """Shut while nothing more should be put."""

    def put(self, data: Data) -> None:
        """Takes the bytes, even when the gate is shut: none are lost."""

    def end(self, how: End) -> None:
        """Nothing follows."""


class Pipe:
    """A queue between two stages.

    The reader looks at the head and takes from it only once the bytes are safely with the next stage, so a stage can be
    stopped, changed or removed at any moment without losing or repeating a byte.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.gate = Gate()
        self.ended: End | None = None
        self.ended_s = 0.0
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        self._chunks: deque[Chunk] = deque()
        self._news = asyncio.Event()

    def put(self, data: Data) -> None:
        self._chunks.append(Chunk(data, asyncio.get_running_loop().time()))
        self._hold(len(data) + _CHUNK_COST_BYTES)
        self._news.set()

    def end(self, how: End) -> None:
        """May come twice: a sender that had said all it had to say may still reset the connection."""
        if not self.ended:
            self.ended_s = asyncio.get_running_loop().time()
        self.ended = how
        self._news.set()

    async def head(self) -> Chunk | None:
        """The oldest chunk, which stays in the pipe; None when the pipe has ended and is empty."""
        while not self._chunks and not self.ended:
            self._news.clear()
            await self._news.wait()
        return self._chunks[0] if self._chunks else None

    def take(self, count: int) -> None:
        """Removes `count` bytes, at most the head."""
        data, arrived_s = self._chunks.popleft()
        if count < len(data):
            self._chunks.appendleft(Chunk(memoryview(data)[count:], arrived_s))
            self._hold(-count)
        else:
            self._hold(-len(data) - _CHUNK_COST_BYTES)

    def pour_into(self, sink: Sink) -> None:
        """Moves everything that is here, and the end, to where it would have gone next."""
        for chunk in self._chunks:
            sink.put(chunk.data)
        self._chunks.clear()
        if self.ended:
            sink.end(self.ended)

    def _hold(self, more_bytes: int) -> None:
        self._held_bytes += more_bytes
        if self._held_bytes >= self._limit_bytes:
            self.gate.close()
        elif self.gate.shut:
            self.gate.open()
