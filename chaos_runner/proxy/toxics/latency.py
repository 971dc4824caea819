"""Everything arrives later."""

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from chaos_runner.proxy.pipe import Chunk
from chaos_runner.proxy.toxic import Toxic

if TYPE_CHECKING:
    from chaos_runner.proxy.flow import Flow


@dataclass(frozen=True)
class Latency(Toxic):
    """Delays by `latency` ms, more or less by up to `jitter` ms. The order of the bytes stays.

    What is on its way is held in memory, up to 4 MiB per connection; beyond that the sender is made to wait, as it is
    by a TCP window: 100 ms allow 40 MB/s.
    """

    latency: int = 0
    jitter: int = 0

    buffer_bytes: ClassVar[int] = 4 * 1024 * 1024

    async def treat(self, chunk: Chunk, flow: "Flow") -> None:
        jitter_ms = random.uniform(-self.jitter, self.jitter)  # noqa: S311 (chance, no secret)
        await flow.until(chunk.arrived_s + (self.latency + jitter_ms) / 1000)
        await flow.send(chunk.data)
