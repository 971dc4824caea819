"""One proxy: a listener, the connections that came through it, and the toxics on them."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Final

from chaos_runner.proxy.address import bound, bound_to, resolved
from chaos_runner.proxy.connection import Connection
from chaos_runner.proxy.link import Link
from chaos_runner.proxy.rejected import Rejected
from chaos_runner.proxy.toxic import Dose

_OUT_OF_FILES_S: Final = 0.1


class TcpProxy:
    """Made disabled. Its toxics stay while it is disabled, and so does the port it once was given."""

    def __init__(self, name: str, listen: str, upstream: str) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self._doses: dict[str, Dose] = {}
        self._connections: set[Connection] = set()
        self._listening: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None

    @property
    def enabled(self) -> bool:
        return self._listening is not None

    async def start(self) -> None:
        """Opens the listener; `listen` then says the real port. Raises Rejected."""
        if self.enabled:
            return
        listening = bound(await resolved(self.listen))
        self.listen = str(bound_to(listening))
        listening.settimeout(0)
        self._listening = listening
        self._accepting = asyncio.get_running_loop().create_task(self._accept_all(listening))

    def stop(self) -> None:
        """Closes the listener and cuts every connection."""
        if self._listening and self._accepting:
            self._accepting.cancel()
            asyncio.get_running_loop().remove_reader(self._listening)  # before the file number can be another's
            self._listening.close()
            self._listening = None
        for connection in list(self._connections):
            connection.abort()

    async def differs(self, listen: str, upstream: str) -> bool:
        """Whether this is another place to listen or to connect to. Raises Rejected if it is no place."""
        return self.listen != str(await resolved(listen)) or self.upstream != upstream

    async def move(self, listen: str, upstream: str) -> None:
        """Changes the addresses and leaves the proxy disabled; the same addresses change nothing. Raises Rejected."""
        if await self.differs(listen, upstream):
            self.stop()
            self.listen, self.upstream = listen, upstream

    async def enable(self, wanted: bool) -> None:  # noqa: FBT001 (the state itself)
        """Raises Rejected if the port cannot be had."""
        if wanted:
            await self.start()
        else:
            self.stop()

    def doses(self) -> list[Dose]:
        """In the order in which bytes meet them, upstream first."""
        return sorted(self._doses.values(), key=lambda dose: dose.direction != "upstream")

    def dose(self, name: str) -> Dose:
        """Raises Rejected (404)."""
        if name not in self._doses:
            raise Rejected(404, "toxic not found")
        return self._doses[name]

    def has(self, name: str) -> bool:
        return name in self._doses

    def add(self, dose: Dose) -> None:
        """On the connections there are and on those to come."""
        self._doses[dose.name] = dose
        for link in self._links(dose):
            link.add(dose)

    def update(self, dose: Dose) -> None:
        self._doses[dose.name] = dose
        for link in self._links(dose):
            link.update(dose)

    def remove(self, dose: Dose) -> None:
        del self._doses[dose.name]
        for link in self._links(dose):
            link.remove(dose)

    async def reset(self) -> None:
        """Enabled and without toxics. Raises Rejected if the port cannot be had."""
        await self.start()
        for dose in self.doses():
            self.remove(dose)

    def _links(self, dose: Dose) -> Iterator[Link]:
        for connection in list(self._connections):
            yield from connection.links_for(dose)

    async def _accept_all(self, listening: socket.socket) -> None:
        """Not asyncio.Server: it fails on a client accepted in the moment in which it is closed."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(listening)
                await loop.connect_accepted_socket(self._client, accepted)
            except OSError:  # this process has too many open files; clients wait in the backlog meanwhile
                await asyncio.sleep(_OUT_OF_FILES_S)

    def _client(self) -> asyncio.BufferedProtocol:
        return Connection(self._made, self._connections.discard).client

    def _made(self, connection: Connection) -> None:
        if not self.enabled:  # accepted just before the listener was closed
            connection.abort()
            return
        self._connections.add(connection)
        connection.connect(self.upstream, self.doses)
