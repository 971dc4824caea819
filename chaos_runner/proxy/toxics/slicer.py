"""Many small packets instead of a few large ones."""

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos_runner.proxy.pipe import Chunk
from chaos_runner.proxy.toxic import Toxic

if TYPE_CHECKING:
    from chaos_runner.proxy.flow import Flow


@dataclass(frozen=True)
class Slicer(Toxic):
    """Slices of `average_size` bytes, more or less by up to `size_variation`, and `delay` microseconds after each.

    Without an average size nothing is sliced.
    """

    average_size: int = 0
    size_variation: int = 0
    delay: int = 0

    async def treat(self, chunk: Chunk, flow: "Flow") -> None:
        await flow.send(chunk.data[:self._size_bytes(chunk)])
        await flow.pace(chunk, self.delay / 1_000_000)

    def _size_bytes(self, chunk: Chunk) -> int:
        if self.average_size <= 0:
            return len(chunk.data)
        spread = abs(self.size_variation)
        return max(1, self.average_size + random.randint(-spread, spread))  # noqa: S311 (chance, no secret)
