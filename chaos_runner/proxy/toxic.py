"""What every toxic is: attributes, and what it does to the bytes of one direction of one connection."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from chaos_runner.proxy.pipe import READ_BYTES, Chunk

if TYPE_CHECKING:
    from chaos_runner.proxy.flow import Flow


@dataclass(frozen=True)
class Toxic:
    """The fields of a subclass are its attributes as the API shows them: whole numbers, 0 when not given.

    A toxic keeps nothing about a connection: that is in the flow, and one toxic works on many flows.
    """

    buffer_bytes: ClassVar[int] = READ_BYTES
    cuts_when_removed: ClassVar[bool] = False

    async def pipe(self, flow: "Flow") -> None:
        """Moves bytes until the direction ends. May be stopped at any await and be started again."""
        while not flow.ended:
            chunk = await flow.head()
            if chunk is None:
                await self.finish(flow)
            else:
                await self.treat(chunk, flow)

    async def treat(self, chunk: Chunk, flow: "Flow") -> None:
        """Sends or drops at least a part of the chunk, or ends the flow."""
        await flow.send(chunk.data)

    async def finish(self, flow: "Flow") -> None:
        """Passes on the end."""
        flow.pass_end()


@dataclass(frozen=True)
class Dose:
    """A toxic as it was put on a proxy."""

    name: str
    type: str
    stream: str
    toxicity: float
    toxic: Toxic

    @property
    def direction(self) -> str:
        return self.stream.lower()
