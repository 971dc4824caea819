"""One client, the connection made for it to the upstream, and the two directions between them."""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable
from typing import Final, cast

from chaos_runner.proxy.link import Link
from chaos_runner.proxy.pipe import READ_BYTES, Data, End, Gate
from chaos_runner.proxy.toxic import Dose

# One for all connections: the selector loop reads into it and hands it over in one step, and the bytes are copied out.
_READ: Final = memoryview(bytearray(READ_BYTES))
_LINGER_NOT: Final = struct.pack("ii", 1, 0)


class Side(asyncio.BufferedProtocol):
    """A socket of the two: reads into its own link, and is the sink of the other's."""

    def __init__(self, connection: "Connection") -> None:
        self.gate = Gate()
        self.ended = False
        self._connection = connection
        self._transport: asyncio.Transport | None = None
        self.link: Link  # set by the connection, which needs both sides for it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.pause_reading()  # until the other side is there too
        self._connection.made(self)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 (asyncio's signature)
        return _READ

    def buffer_updated(self, nbytes: int) -> None:
        self.link.put(bytes(_READ[:nbytes]))
        if self.link.entry.gate.shut:
            self.read_if_room()

    def eof_received(self) -> bool:
        self.link.end(End.EOF)
        return True  # the other direction may go on

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.gate.open()
        self.link.end(End.RESET if isinstance(exc, ConnectionResetError) else End.CUT)
        self._connection.lost()

    def pause_writing(self) -> None:
        self.gate.close()

    def resume_writing(self) -> None:
        self.gate.open()

    def read_if_room(self) -> None:
        """Backpressure: a socket is read only while what comes next takes more."""
        if self._transport is None or self._transport.is_closing():
            return
        gate = self.link.entry.gate
        if gate.shut:
            self._transport.pause_reading()
            gate.when_open(self.read_if_room)
        else:
            self._transport.resume_reading()

    def put(self, data: Data) -> None:
        if self._transport and not self.ended and not self._transport.is_closing():
            self._transport.write(data)

    def end(self, how: End) -> None:
        self._connection.end(self, how)

    def end_writing(self) -> None:
        self.ended = True
        if self._transport is None:
            return
        try:
            self._transport.write_eof()
        except OSError:  # reset while nobody was reading from it, so nobody has noticed
            self._transport.abort()

    def close(self) -> None:
        """After what was put has been written."""
        if self._transport:
            self._transport.close()

    def abort(self) -> None:
        if self._transport:
            self._transport.abort()

    def reset(self) -> None:
        if self._transport:
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            self._transport.abort()

    @property
    def gone(self) -> bool:
        return self._transport is None


class Connection:
    """Begins when a client is accepted and is over when both sockets are closed."""

    def __init__(self, on_made: Callable[["Connection"], None], on_over: Callable[["Connection"], None]) -> None:
        self.client = Side(self)
        self.upstream = Side(self)
        self.client.link = Link(self.upstream, self.client.read_if_room)
        self.upstream.link = Link(self.client, self.upstream.read_if_room)
        self._links = {"upstream": self.client.link, "downstream": self.upstream.link}
        self._on_made = on_made
        self._on_over = on_over
        self._connecting: asyncio.Task[None] | None = None
        self._open = False

    def made(self, side: Side) -> None:
        if side is self.client:
            self._on_made(self)
        elif self.client.gone:
            side.abort()

    def connect(self, upstream: str, doses: Callable[[], Iterable[Dose]]) -> None:
        """Connects in the background, and applies the toxics there are by then."""
        self._connecting = asyncio.get_running_loop().create_task(self._connect(upstream, doses))

    async def _connect(self, upstream: str, doses: Callable[[], Iterable[Dose]]) -> None:
        host, _, port = upstream.rpartition(":")
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.upstream, host.strip("[]"), int(port))
        except ConnectionResetError:  # accepted and reset before this side saw that it was connected
            self.client.reset()
            return
        except (OSError, ValueError):  # refused, no such host, no host name, no port
            self.abort()
            return
        self._open = True
        for dose in doses():
            self._links[dose.direction].add(dose)
        self.client.read_if_room()
        self.upstream.read_if_room()

    def links_for(self, dose: Dose) -> list[Link]:
        """The direction a toxic acts on; none while the upstream is not connected."""
        return [self._links[dose.direction]] if self._open else []

    def end(self, side: Side, how: End) -> None:
        """A direction has come to its end: `side` will get no more bytes."""
        if how is End.RESET:
            self.client.reset()
            self.upstream.reset()
            return
        side.end_writing()
        if how is End.CUT or (self.client.ended and self.upstream.ended):
            self.client.close()
            self.upstream.close()

    def abort(self) -> None:
        """Closes both sides now. What is on its way is lost."""
        if self._connecting:
            self._connecting.cancel()
        self.client.abort()
        self.upstream.abort()

    def lost(self) -> None:
        """A socket is closed. The other stays until it got what is on its way to it."""
        for side, other in ((self.client, self.upstream), (self.upstream, self.client)):
            if side.gone:
                other.link.stop()
                if other.ended:
                    other.close()
        if self.client.gone and self.upstream.gone:
            self._on_over(self)
