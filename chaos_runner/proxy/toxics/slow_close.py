"""A connection that takes its time to close."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos_runner.proxy.toxic import Toxic

if TYPE_CHECKING:
    from chaos_runner.proxy.flow import Flow


@dataclass(frozen=True)
class SlowClose(Toxic):
    """Passes bytes on, and the end of them `delay` ms late."""

    delay: int = 0

    async def finish(self, flow: "Flow") -> None:
        await flow.until(flow.source.ended_s + self.delay / 1000)
        flow.pass_end()
