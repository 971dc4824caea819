"""A server that is unwell: of the calls that pass through here a share is not answered as it should be."""

import json
import random
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

LOST = "done, and no answer"
NO_ANSWER = "no answer"
BUSY = "too many requests"
BROKEN = "an error"
TROUBLES = (BUSY, BROKEN, NO_ANSWER, LOST)
_HOP = ("connection", "transfer-encoding", "content-length", "server", "date")
"""Headers that are between two neighbours only, or made anew."""
Words = tuple[int, bytes, Mapping[str, str]]
"""An answer: its status, its body and its headers."""
Spoils = Callable[[str, str], str]
"""Says of a call, by its verb and path, what is to go wrong with it. Empty for nothing."""


class _Door(ThreadingHTTPServer):
    """Forwards to the real one."""

    daemon_threads = True

    def __init__(self, to: str, spoils: Spoils, words: Mapping[str, Words]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.to = urlsplit(to)
        self.spoils = spoils
        self.words = words
        self.troubles: list[str] = []

    def connection(self) -> HTTPConnection:
        """To the real one."""
        if self.to.scheme == "http":
            return HTTPConnection(self.to.hostname or "", self.to.port, timeout=20)
        tls = ssl._create_unverified_context()  # noqa: S323 -- the lab's own certificate, on loopback
        return HTTPSConnection(self.to.hostname or "", self.to.port, context=tls, timeout=20)

    def trouble(self, verb: str, path: str) -> str:
        """What is to go wrong with this call. Empty for nothing."""
        found = self.spoils(verb, path)
        self.troubles += [found] if found else []
        return found


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Door

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        trouble = self.server.trouble(self.command, self.path)
        if trouble in self.server.words:
            self._answer(*self.server.words[trouble])
            return
        answer = None if trouble == NO_ANSWER else self._forward(body)
        if trouble or answer is None:
            self.close_connection = True
        else:
            self._answer(*answer)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = do_HEAD = _pass  # noqa: N815 -- as the server calls them

    def _forward(self, body: bytes) -> Words:
        connection = self.server.connection()
        kept = {key: value for key, value in self.headers.items() if key.lower() != "connection"}
        try:
            connection.request(self.command, self.path, body or None, kept)
            response = connection.getresponse()
            said = {key: value for key, value in response.getheaders() if key.lower() not in _HOP}
            return response.status, response.read(), said
        except (OSError, HTTPException) as error:
            return 503, json.dumps({"message": str(error)}).encode(), {}
        finally:
            connection.close()

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for key, value in {"Content-Type": "application/json", **headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def often(share: float, seed: int) -> Spoils:
    """Spoils a share of all calls, each in one of the ways."""
    dice = random.Random(seed)
    return lambda _, __: dice.choice(TROUBLES) if dice.random() < share else ""


def once(verb: str, ends: str, trouble: str = LOST) -> Spoils:
    """Spoils the first call of this verb on a path that ends so."""
    left = [trouble]
    return lambda said, path: left.pop() if left and said == verb and path.partition("?")[0].endswith(ends) else ""


@contextmanager
def door(to: str, spoils: Spoils, words: Mapping[str, Words]) -> Iterator[tuple[str, list[str]]]:
    """Opens it in front of the server at that URL. Gives its own URL, and what went wrong so far. `words` are what it
    says when something goes wrong.
    """
    opened = _Door(to, spoils, words)
    thread = Thread(target=opened.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{opened.server_port}", opened.troubles
    finally:
        opened.shutdown()
        thread.join()
        opened.server_close()
