"""Silence."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from chaos_runner.proxy.pipe import End
from chaos_runner.proxy.toxic import Toxic

if TYPE_CHECKING:
    from chaos_runner.proxy.flow import Flow


@dataclass(frozen=True)
class Timeout(Toxic):
    """Drops every byte and closes the connection `timeout` ms after the last one; at 0 it is left open.

    A connection that lost bytes cannot be made whole again, so removing the toxic closes it.
    """

    timeout: int = 0

    cuts_when_removed: ClassVar[bool] = True

    async def pipe(self, flow: "Flow") -> None:
        try:
            while await self._drops_another(flow):
                pass
        except TimeoutError:
            flow.end(End.CUT)
        else:
            flow.pass_end()

    async def _drops_another(self, flow: "Flow") -> bool:
        """False once the direction ended by itself. Raises TimeoutError when nothing came for too long."""
        async with asyncio.timeout_at(flow.mark_s + self.timeout / 1000 if self.timeout > 0 else None):
            chunk = await flow.head()
        if chunk:
            flow.drop(chunk)
            flow.mark_s = max(flow.mark_s, chunk.arrived_s)
        return chunk is not None
