"""Something to connect to, in a process of its own: `python -m benchmarks.server` prints its port and serves."""

import asyncio

REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


async def serve() -> None:
    """Answers every request the same, for ever."""
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        if await reader.readline():
            writer.write(REPLY)
            await writer.drain()
    except OSError:
        pass
    writer.close()


if __name__ == "__main__":
    asyncio.run(serve())
