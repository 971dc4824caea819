"""One toxic at work on one direction of one connection."""

import asyncio
import random
from typing import Final

from chaos_runner.proxy.pipe import Chunk, Data, End, Pipe, Sink
from chaos_runner.proxy.toxic import Dose, Toxic

# The event loop wakes up to a millisecond late. What that lost may be caught up, what a slow reader cost may not.
_CATCH_UP_S: Final = 0.005
_HARMLESS: Final = Toxic()


class Flow:
    """What the toxic may do: look at the head, send, drop, wait, end. It also remembers for the toxic."""

    def __init__(self, dose: Dose, sink: Sink) -> None:
        self.name = dose.name
        self.source = Pipe(dose.toxic.buffer_bytes)
        self.sink = sink
        self.sent_bytes = 0
        self.ended = False
        self.change(dose)

    def change(self, dose: Dose) -> None:
        """Works with these attributes from now on. Whether this connection is hit is drawn anew."""
        self.toxic = dose.toxic if random.random() < dose.toxicity else _HARMLESS  # noqa: S311 (chance, no secret)
        self.mark_s = now_s()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if not self.ended:
            self._task = asyncio.get_running_loop().create_task(self.toxic.pipe(self))

    def stop(self) -> None:
        """Nothing moves after this returns: a cancelled task does not come past its await."""
        if self._task:
            self._task.cancel()
            self._task = None

    async def head(self) -> Chunk | None:
        return await self.source.head()

    async def send(self, data: Data) -> None:
        """Hands on the first bytes of the head as soon as there is room."""
        await self.sink.gate.passed()
        self.sink.put(data)
        self.source.take(len(data))
        self.sent_bytes += len(data)

    def drop(self, chunk: Chunk) -> None:
        self.source.take(len(chunk.data))

    async def until(self, moment_s: float) -> None:
        """Waits for a moment of the event loop's clock. Lets others work even if it has passed."""
        await asyncio.sleep(max(0.0, moment_s - now_s()))

    async def pace(self, chunk: Chunk, cost_s: float) -> None:
        """Waits until `cost_s` after the last thing this paced, but not before the chunk was there to be paced."""
        done_s = max(self.mark_s, chunk.arrived_s, now_s() - _CATCH_UP_S) + cost_s
        await self.until(done_s)
        self.mark_s = done_s

    def end(self, how: End) -> None:
        self.ended = True
        self.sink.end(how)

    def pass_end(self) -> None:
        self.end(self.source.ended or End.EOF)


def now_s() -> float:
    return asyncio.get_running_loop().time()
