"""One HTTP client for every probe that asks over HTTP, as a customer does who comes for the first time.

Every request is a new connection, straight to the host: proxies named in environment variables are not used, redirects
are not followed (a 3xx is an answer like any other), and no cookie is kept. One deadline is for the whole of it, from
finding the address to the last byte, however slowly they drip.
"""

import ssl
import time
from collections.abc import Callable
from functools import cache, lru_cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead, InvalidURL, RemoteDisconnected
from io import BufferedReader, RawIOBase
from socket import socket
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import SplitResult, quote, urlsplit

from msgspec import Struct

from chaos_runner.contracts import NoData, Seconds, Unreachable
from chaos_runner.probes._network import Deadline, connect, reaching
from chaos_runner.units import spoken_bytes

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

BODY_BYTES_MAX: Final = 10 * 2**20
_CHUNK_BYTES: Final = 2**16
_PORTS: Final = {"http": 80, "https": 443}
_AS_IT_IS: Final = "/?#%&=+:;,@!$'()*~[]"

Take = Callable[[bytes], object]


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request. `body` is sent as UTF-8; a secret for it belongs in `headers`, not in the URL.

    `ca_file` names certificates to trust in place of the system's.
    """

    url: str
    method: str = "GET"
    timeout: Seconds = 5.0
    headers: dict[str, str] = {}
    verify_tls: bool = True
    ca_file: str = ""
    body: str = ""


class Answer(Struct, frozen=True):
    """What came back. `took_s` is from before the connection to the last byte, `date` the server's own clock."""

    status: int
    took_s: float
    date: str
    note: str


def nowhere(_: bytes) -> None:
    """Takes a body and drops it."""


def ask(request: Request, deadline: Deadline, take: Take = nowhere) -> Answer:
    """Sends one request and hands its body, at most 10 MiB of it, to `take` piece by piece.

    Raises Unreachable without a whole answer in time, NoData for a request that cannot be sent.
    """
    to, message = _prepared(request.url, request.method, request.body, tuple(request.headers.items()))
    began_s = time.perf_counter()
    with reaching(to.host, request.timeout):
        plain = connect(to.host, to.port, deadline)
        with _secured(plain, to.host, request, deadline) if to.secured else plain as line:
            response, note = _exchange(request.method, message, _TimedLine(line, deadline), take)
    return Answer(response.status, time.perf_counter() - began_s, response.headers.get("date", ""), note)


def _address(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
        known = url.scheme in _PORTS and url.hostname and (url.port is None or url.port)
    except ValueError:
        known = None
    if not known:
        raise NoData(f"a URL such as http://127.0.0.1:8080/health, not {text!r}")
    if url.username is not None:
        raise NoData("a password in a URL would end up in reports: use `headers: {Authorization: ...}`")
    return url


class _Place(NamedTuple):
    """Whom to ask, and how."""

    host: str
    port: int
    secured: bool


@lru_cache(maxsize=256)
def _prepared(url: str, method: str, body: str, headers: tuple[tuple[str, str], ...]) -> tuple[_Place, bytes]:
    """Whom to ask and what to send, made once for all readings: it is the same each time. Raises NoData."""
    address = _address(url)
    place = _Place(address.hostname or "", address.port or _PORTS[address.scheme], address.scheme == "https")
    connection, message = HTTPConnection(place.host, place.port), _Message()
    connection.default_port = _PORTS[address.scheme]
    connection.sock = message
    target = quote((address.path or "/") + (f"?{address.query}" if address.query else ""), safe=_AS_IT_IS)
    named = {"user-agent": "chaos-runner", "connection": "close"} | {name.lower(): value for name, value in headers}
    try:
        connection.request(method, target, body.encode() or None, named)
    except (ValueError, InvalidURL) as error:
        said = str(error).partition(" b'")[0]  # behind it stands the header's value, which may be a secret
        raise NoData(f"a request that cannot be sent: {said}") from None
    return place, b"".join(message.parts)


class _Message:
    """What http.client takes for a socket, and what it would have sent."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.parts.append(data)

    def close(self) -> None:
        """Nothing."""


def _secured(plain: socket, host: str, request: Request, deadline: Deadline) -> ssl.SSLSocket:
    try:
        plain.settimeout(deadline.left_s())
        return _context(request.ca_file, verify=request.verify_tls).wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(f"TLS: certificate not trusted: {error.verify_message}") from error
    except ssl.SSLError as error:
        raise Unreachable(f"TLS: {(error.reason or str(error)).lower().replace('_', ' ')}") from error
    finally:
        plain.close()  # wrapped, it is an empty shell


@cache
def _context(ca_file: str, *, verify: bool) -> ssl.SSLContext:
    """Once for all readings: the system's certificates take 20 ms to load. Raises NoData."""
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # ssl's own errors are among them
        raise NoData(f"the certificates in {ca_file!r} cannot be read: {error.strerror or error}") from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _exchange(method: str, message: bytes, line: "_TimedLine", take: Take) -> tuple[HTTPResponse, str]:
    try:
        line.sendall(message)
        response = HTTPResponse(line, method=method)  # type: ignore[arg-type]  # `makefile` is all it wants
        response.begin()
        return response, _drained(response, take)
    except RemoteDisconnected as error:
        raise Unreachable("connection closed without an answer") from error
    except IncompleteRead as error:
        raise Unreachable("the answer was cut short") from error
    except HTTPException as error:
        raise Unreachable(f"no HTTP answer ({type(error).__name__})") from error


def _drained(response: HTTPResponse, take: Take) -> str:
    """Reads the body to its end. The answer is a note, if there is anything to note."""
    size = 0
    while size < BODY_BYTES_MAX and (chunk := response.read(_CHUNK_BYTES)):
        size += len(chunk)
        take(chunk)
    if size >= BODY_BYTES_MAX:
        return f"only the first {spoken_bytes(BODY_BYTES_MAX)} were read"
    if response.length:  # http.client knows how much is missing, and does not mind
        raise Unreachable("the answer was cut short")
    return ""


class _TimedLine:
    """What http.client needs of a socket, each wait cut at one deadline: its own timeout begins anew with each packet.

    Closing is left to who opened it: http.client closes before it has read the body.
    """

    def __init__(self, line: socket, deadline: Deadline) -> None:
        self._line = line
        self._deadline = deadline

    def sendall(self, data: "ReadableBuffer") -> None:
        self._line.settimeout(self._deadline.left_s())
        self._line.sendall(data)

    def makefile(self, _mode: str) -> BufferedReader:
        return BufferedReader(_TimedReader(self._line, self._deadline))

    def close(self) -> None:
        """Nothing."""


class _TimedReader(RawIOBase):
    def __init__(self, line: socket, deadline: Deadline) -> None:
        self._line = line
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> Any:
        self._line.settimeout(self._deadline.left_s())
        return self._line.recv_into(buffer)
