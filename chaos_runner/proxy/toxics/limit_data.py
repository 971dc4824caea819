"""A connection that breaks in the middle of an answer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos_runner.proxy.pipe import Chunk, End
from chaos_runner.proxy.toxic import Toxic

if TYPE_CHECKING:
    from chaos_runner.proxy.flow import Flow


@dataclass(frozen=True)
class LimitData(Toxic):
    """Closes the connection once `bytes` bytes have passed in this direction. A change of the limit keeps the count."""

    bytes: int = 0

    async def treat(self, chunk: Chunk, flow: "Flow") -> None:
        left_bytes = max(0, self.bytes - flow.sent_bytes)
        if left_bytes:
            await flow.send(chunk.data[:left_bytes])
        if flow.sent_bytes >= self.bytes:
            flow.end(End.CUT)
