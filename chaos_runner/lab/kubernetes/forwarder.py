"""Brings ports of a network namespace to loopback: `python -m chaos_runner.lab.kubernetes.forwarder NETNS FROM=TO ...`

FROM and TO are host:port. The listeners are opened where the process starts; then it moves into the namespace for good,
and every connection it makes from there on is the namespace's.
"""

import asyncio
import contextlib
import ctypes
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Final

_CLONE_NEWNET: Final = 0x40000000
_CHUNK_BYTES: Final = 1 << 16
_BACKLOG: Final = 1024


def main(words: list[str]) -> None:
    """Serves until it is ended."""
    namespace, *pairs = words
    listeners = [(_listening(here), there) for here, _, there in (pair.partition("=") for pair in pairs)]
    _move_into(namespace)
    print("listening", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(listeners))


def _listening(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_server((host, int(port)), backlog=_BACKLOG)


def _move_into(namespace: str) -> None:
    """setns(2). Python has it from 3.12 on."""
    handle = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(handle, _CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{os.strerror(number)}: cannot move into {namespace}")
    finally:
        os.close(handle)


async def _serve(listeners: list[tuple[socket.socket, str]]) -> None:
    servers = [await asyncio.start_server(_to(there), sock=here) for here, there in listeners]
    await asyncio.gather(*(server.serve_forever() for server in servers))


def _to(address: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    host, _, port = address.rpartition(":")

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.transport.abort()  # as refused as it can be told by now
            return
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        for end in (writer, far_writer):
            end.close()

    return forward


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction: what one side ends is ended for the other, what one side breaks is broken."""
    try:
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


if __name__ == "__main__":
    main(sys.argv[1:])
