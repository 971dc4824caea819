"""A receiver on this machine that does as it is told: answers, refuses, is slow, or hangs."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from msgspec import Struct


class Answer(Struct, frozen=True, kw_only=True):
    """What it answers. `slow_s` is before that."""

    status: int = 200
    headers: dict[str, str] = {}
    body: bytes = b"ok"
    slow_s: float = 0.0


class Heard(Struct, frozen=True):
    """A request that came."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at_s: float

    @property
    def data(self) -> Any:
        return msgspec.json.decode(self.body)


class Receiver:
    """What it heard, and how it answers from now on: the answers in turn, then the last of them for ever."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.answers: list[Answer] = [Answer()]
        self.port = 0
        self.before: Callable[[Heard], None] = lambda _: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook/s3cr3t-path"

    @property
    def notices(self) -> list[str]:
        """The ids of the notices that were heard and taken or not, in order."""
        return [one.data["notice"] for one in self.heard]

    def wait_for(self, count: int, within_s: float = 10.0) -> None:
        """Waits until it has heard so many."""
        until = time.monotonic() + within_s
        while len(self.heard) < count:
            assert time.monotonic() < until, f"{len(self.heard)} of {count} heard within {within_s} s"
            time.sleep(0.02)

    def answer(self, path: str, headers: Message, body: bytes) -> Answer:
        heard = Heard(path, {name.lower(): value for name, value in headers.items()}, body, time.monotonic())
        self.before(heard)
        self.heard.append(heard)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def receiving(receiver: Receiver, port: int = 0) -> Iterator[Receiver]:
    """While this lasts the receiver is up."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = receiver.answer(self.path, self.headers, body)
            time.sleep(answer.slow_s)
            with suppress(OSError):
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        allow_reuse_address = True
        request_queue_size = 64

    with Server(("127.0.0.1", port), Handler) as server:
        receiver.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
