"""Asking over HTTP, as a customer does who comes for the first time.

Every reading is a new connection, straight to the host: proxies named in environment variables are not used, redirects
are not followed (a 3xx is an answer like any other), and no cookie is kept. `timeout` is for the whole of it, from
finding the address to the last byte, however slowly they drip.
"""

import ssl
import time
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead, InvalidURL, RemoteDisconnected
from io import BufferedReader, RawIOBase
from socket import socket
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, quote, urlsplit

from msgspec import Struct

from chaos_runner.contracts import NoData, Reading, Seconds, Unreachable, probe
from chaos_runner.probes._network import Deadline, connect, reaching
from chaos_runner.units import Unit, spoken_bytes

if TYPE_CHECKING:
    from collections.abc import Collection

    from _typeshed import ReadableBuffer, WriteableBuffer

BODY_BYTES_MAX: Final = 10 * 2**20
_CHUNK_BYTES: Final = 2**16
_PORTS: Final = {"http": 80, "https": 443}
_SERVER_ERRORS: Final = range(500, 1000)
_AS_IT_IS: Final = "/?#%&=+:;,@!$'()*~[]"


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request. `body` is sent as UTF-8; a secret for it belongs in `headers`, not in the URL."""

    url: str
    method: str = "GET"
    timeout: Seconds = 5.0
    headers: dict[str, str] = {}
    verify_tls: bool = True
    body: str = ""


class TimedRequest(Request, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request, and the status or statuses that count as an answer: by default, all below 500."""

    expect_status: int | list[int] | None = None


@probe(Request, Unit.COUNT)
def status(arguments: Request) -> Reading:
    """The status code of one request; a redirect is not followed, its 3xx is the value.

    Raises Unreachable without a whole answer in time, NoData for a request that cannot be sent.
    """
    answer = _ask(arguments)
    return Reading(value=answer.status, note=answer.note)


@probe(TimedRequest, Unit.SECONDS)
def latency(arguments: TimedRequest) -> Reading:
    """Seconds until the whole answer was read, from a new connection on; a redirect is not followed.

    Raises Unreachable without a whole answer in time, or with a status that is none of `expect_status` (by default: one
    of 500 and above). NoData for a request that cannot be sent. At most 10 MiB are read.
    """
    answer = _ask(arguments)
    if not _expected(answer.status, arguments.expect_status):
        raise Unreachable(f"answered {answer.status}")
    return Reading(value=answer.took_s, note=answer.note)


def _expected(found: int, wanted: int | list[int] | None) -> bool:
    if wanted is None:
        return found not in _SERVER_ERRORS
    statuses: Collection[int] = [wanted] if isinstance(wanted, int) else wanted
    return found in statuses


class _Answer(Struct, frozen=True):
    status: int
    took_s: float
    note: str


def _ask(request: Request) -> _Answer:
    url = _address(request.url)
    host, port = _place(url)
    began_s = time.perf_counter()
    deadline = Deadline(request.timeout)
    with reaching(host, request.timeout):
        plain = connect(host, port, deadline)
        with _secured(plain, host, request, deadline) if url.scheme == "https" else plain as line:
            found, note = _exchange(request, url, _TimedLine(line, deadline))
    return _Answer(found, time.perf_counter() - began_s, note)


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


def _place(url: SplitResult) -> tuple[str, int]:
    return url.hostname or "", url.port or _PORTS[url.scheme]


def _secured(plain: socket, host: str, request: Request, deadline: Deadline) -> ssl.SSLSocket:
    try:
        plain.settimeout(deadline.left_s())
        return _context(verify=request.verify_tls).wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(f"TLS: certificate not trusted: {error.verify_message}") from error
    except ssl.SSLError as error:
        raise Unreachable(f"TLS: {(error.reason or str(error)).lower().replace('_', ' ')}") from error
    finally:
        plain.close()  # wrapped, it is an empty shell


@cache
def _context(*, verify: bool) -> ssl.SSLContext:
    """Once for all readings: the system's certificates take 20 ms to load."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _exchange(request: Request, url: SplitResult, line: "_TimedLine") -> tuple[int, str]:
    connection = HTTPConnection(*_place(url))
    connection.default_port = _PORTS[url.scheme]
    connection.sock = line
    try:
        _send(connection, request, url)
        response = connection.getresponse()
        return response.status, _drained(response)
    except RemoteDisconnected as error:
        raise Unreachable("connection closed without an answer") from error
    except IncompleteRead as error:
        raise Unreachable("the answer was cut short") from error
    except HTTPException as error:
        raise Unreachable(f"no HTTP answer ({type(error).__name__})") from error


def _send(connection: HTTPConnection, request: Request, url: SplitResult) -> None:
    target = quote((url.path or "/") + (f"?{url.query}" if url.query else ""), safe=_AS_IT_IS)
    headers = {"user-agent": "chaos-runner", "connection": "close"}
    headers |= {name.lower(): value for name, value in request.headers.items()}
    try:
        connection.request(request.method, target, request.body.encode() or None, headers)
    except (ValueError, InvalidURL) as error:
        raise NoData(f"a request that cannot be sent: {error}") from error


def _drained(response: HTTPResponse) -> str:
    """Reads the body away. The answer is a note, if there is anything to note."""
    size = 0
    while size < BODY_BYTES_MAX and (chunk := response.read(_CHUNK_BYTES)):
        size += len(chunk)
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
