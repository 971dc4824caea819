"""A narrow line."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos_runner.proxy.pipe import Chunk
from chaos_runner.proxy.toxic import Toxic

if TYPE_CHECKING:
    from chaos_runner.proxy.flow import Flow


@dataclass(frozen=True)
class Bandwidth(Toxic):
    """Lets `rate` KB/s through (1 KB is 1000 bytes), in steps of at most 100 ms. At 0 nothing passes."""

    rate: int = 0

    async def treat(self, chunk: Chunk, flow: "Flow") -> None:
        if self.rate <= 0:
            await asyncio.Event().wait()  # until this flow is stopped, to be changed or removed
        piece = chunk.data[:self.rate * 100]
        await flow.pace(chunk, len(piece) / (self.rate * 1000))
        await flow.send(piece)
