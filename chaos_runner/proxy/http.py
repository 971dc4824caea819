"""As much of HTTP/1.1 as a JSON API needs, on asyncio's streams."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

_IDLE_S: Final = 60.0
_BODY_BYTES_MAX: Final = 1024 * 1024
# Ours, because the standard library's table costs a tenth of the start of the process.
_PHRASES: Final = {
    200: "OK", 201: "Created", 204: "No Content", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 409: "Conflict", 411: "Length Required", 413: "Content Too Large",
    431: "Request Header Fields Too Large", 500: "Internal Server Error",
}
_numbers = itertools.count(1)


class Request(NamedTuple):
    """A request line, the headers with their names in small letters, and the body."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""
    version: str = "HTTP/1.1"

    @property
    def segments(self) -> list[str]:
        """The path between its slashes, each part decoded."""
        from urllib.parse import unquote

        return [unquote(part) for part in self.target.partition("?")[0].split("/")[1:]]

    @property
    def keeps_alive(self) -> bool:
        wish = self.headers.get("connection", "").lower()
        return wish != "close" and (self.version != "HTTP/1.0" or wish == "keep-alive")


class Response(NamedTuple):
    """A status and a body."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"

    def encoded(self, *, keep_alive: bool) -> bytes:
        """The whole answer, with a number for whoever reads both logs."""
        head = [
            f"HTTP/1.1 {self.status} {_PHRASES[self.status]}",
            f"X-Toxiproxy-Request-Id: {next(_numbers)}",
            f"Connection: {'keep-alive' if keep_alive else 'close'}",
        ]
        if self.status != 204:
            head += [f"Content-Length: {len(self.body)}"]
        if self.body:
            head += [f"Content-Type: {self.content_type}"]
        return "\r\n".join([*head, "", ""]).encode() + self.body


Handler = Callable[[Request], Awaitable[Response]]


class _Unreadable(Exception):
    """The request cannot be followed; the answer says so and the connection ends."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def as_json(status: int, value: object) -> Response:
    return Response(status, json.dumps(value, separators=(",", ":")).encode())


def conversations(handler: Handler) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
    """What asyncio.start_server calls for each client. Its own tasks would be complained about at the end, if cut."""
    going: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(_converse(reader, writer, handler))
        going.add(task)
        task.add_done_callback(going.discard)

    return begin


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
    """Answers one connection's requests until it is closed or idle for a minute."""
    try:
        while await _answered_one(reader, writer, handler):
            pass
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        pass  # the client went away or fell silent
    except _Unreadable as error:
        writer.write(Response(error.status).encoded(keep_alive=False))
    finally:
        writer.close()


async def _answered_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> bool:
    async with asyncio.timeout(_IDLE_S):
        request = await _read(reader, writer)
    response = await handler(request)
    writer.write(response.encoded(keep_alive=request.keeps_alive))
    await writer.drain()
    return request.keeps_alive


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    method, target, version, headers = _head(await _head_bytes(reader))
    if "transfer-encoding" in headers:
        raise _Unreadable(411)
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await reader.readexactly(_length(headers))
    return Request(method, target, headers, body, version)


async def _head_bytes(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise _Unreadable(431) from error


def _head(raw: bytes) -> tuple[str, str, str, dict[str, str]]:
    first, *rest = raw.decode("latin-1").strip("\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[1].startswith("/") or not words[2].startswith("HTTP/1."):
        raise _Unreadable(400)
    pairs = (line.partition(":") for line in rest)
    return words[0], words[1], words[2], {name.strip().lower(): value.strip() for name, _, value in pairs}


def _length(headers: dict[str, str]) -> int:
    said = headers.get("content-length", "0")
    if not (said.isascii() and said.isdigit()):
        raise _Unreadable(400)
    if len(said) > 9 or int(said) > _BODY_BYTES_MAX:
        raise _Unreadable(413)
    return int(said)
