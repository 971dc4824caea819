"""What the shop's programs share: saying where they listen, a bounded log, and HTTP with a thread for each request."""

import contextlib
import json
import os
import resource
import socketserver
import stat
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import ClassVar, Final, NamedTuple, NoReturn
from urllib.parse import SplitResult, parse_qsl, urlsplit

from chaos_runner.lab.shop.metrics import Metrics

LOCALHOST: Final = "127.0.0.1"
CUSTOMERS_MAX: Final = 1000
_LOG_BYTES_MAX: Final = 256 * 1024
_OPEN_FILES: Final = 4096
_SAYING: Final = threading.Lock()


class Request(NamedTuple):
    """One HTTP request, as far as the shop looks at it."""

    path: str
    query: Mapping[str, str]


class Answer(NamedTuple):
    """A status and what is sent: a text as it is, anything else as JSON."""

    status: int
    content: object


Route = Callable[[Request], Answer]
Routes = Mapping[str, Route]


class BadRequestError(Exception):
    """The caller asked for something that cannot be. The message is sent to the caller."""


def say(line: str) -> None:
    """Writes one line to standard output. A log file that has grown too long begins anew, so it stays bounded."""
    with _SAYING, contextlib.suppress(OSError):
        about = os.fstat(sys.stdout.fileno())
        if stat.S_ISREG(about.st_mode) and about.st_size > _LOG_BYTES_MAX:
            os.ftruncate(sys.stdout.fileno(), 0)
        print(line, flush=True)


def customer_of(request: Request) -> int:
    """The customer a request is about: 1 unless it says otherwise. Raises BadRequestError."""
    text = request.query.get("customer", "1")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= CUSTOMERS_MAX):
        raise BadRequestError(f"customer is a number from 1 to {CUSTOMERS_MAX}, not {text[:40]!r}")
    return int(text)


def health(_request: Request) -> Answer:
    """That this process answers. It asks nobody else, so it says nothing about them."""
    return Answer(200, {"status": "up"})


class Server(socketserver.ThreadingTCPServer):
    """A TCP server with a thread for each connection, on localhost."""

    daemon_threads = True
    allow_reuse_address = True
    # A paused process cannot accept: callers wait in this queue, and are served at once when it goes on. In a short
    # queue their SYNs would be dropped, and be sent again only seconds after it went on.
    request_queue_size = 1024

    def handle_error(self, _request: object, client_address: object) -> None:
        """One line instead of a traceback: a caller who left is everyday life during an experiment."""
        say(f"a request from {client_address} failed: {sys.exception()!r}")


def allow_many_connections() -> None:
    """Raises this process's own limit of open files: requests that hang for 30 s hold two sockets each meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def serve_http(port: int, routes: Routes) -> NoReturn:
    """Serves for good. `routes` maps "GET /path" to what answers it; "GET /metrics" tells how they fare.

    Says where it listens once it does.
    """

    metrics = Metrics(route.partition(" ")[2] for route in routes)

    class Handler(_Handler):
        answers: ClassVar[Routes] = {**routes, "GET /metrics": lambda _: Answer(200, metrics.text())}
        measures = metrics

    allow_many_connections()
    with Server((LOCALHOST, port), Handler) as server:
        say(f"listening on http://{LOCALHOST}:{server.server_address[1]}")
        server.serve_forever()
    raise SystemExit(0)


class _Handler(BaseHTTPRequestHandler):
    """HTTP/1.0: one request a connection, so a thread lives exactly as long as its request."""

    answers: ClassVar[Routes] = {}
    measures: ClassVar[Metrics]
    timeout = 10  # to send the request and to take the answer; what happens between has its own limits, or has none
    wbufsize = -1  # headers and body leave together

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (named so in the standard library)
        """No line for each request: the log stays short."""

    def _answer(self) -> None:
        url = urlsplit(self.path)
        with self.measures.one(url.path) as ended:
            status, content = self._found(url)
            ended(status)
        is_text = isinstance(content, str)
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4" if is_text else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _found(self, url: SplitResult) -> Answer:
        route = self.answers.get(f"{self.command} {url.path}")
        if route is None:
            return Answer(404, {"error": f"nothing answers {self.command} {url.path}"})
        try:
            return route(Request(url.path, dict(parse_qsl(url.query))))
        except BadRequestError as why:
            return Answer(400, {"error": str(why)})
