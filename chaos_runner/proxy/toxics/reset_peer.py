"""Connection reset by peer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos_runner.proxy.pipe import Chunk, End
from chaos_runner.proxy.toxic import Toxic

if TYPE_CHECKING:
    from chaos_runner.proxy.flow import Flow


@dataclass(frozen=True)
class ResetPeer(Toxic):
    """Resets both sides `timeout` ms after the first byte, or the end, that comes in this direction."""

    timeout: int = 0

    async def treat(self, chunk: Chunk, flow: "Flow") -> None:
        await self._reset(chunk.arrived_s, flow)

    async def finish(self, flow: "Flow") -> None:
        await self._reset(flow.source.ended_s, flow)

    async def _reset(self, since_s: float, flow: "Flow") -> None:
        await flow.until(since_s + self.timeout / 1000)
        flow.end(End.RESET)
