"""A small AWS on 127.0.0.1 that answers what a test tells it to: for calls and troubles that moto does not know."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

from chaos_runner.targets.aws import access

Answers = dict[str, "Any | tuple[int, Any]"]
"""For each operation what is answered, or what gives it: JSON data, or text as it is; with a status if not 200."""


@contextmanager
def answering(answers: Answers, service: str = "") -> Iterator[list[str]]:
    """The environment leads to a server that gives these answers, and 503 to all else; it lists what it was asked. With
    a service it is asked for that alone ("IAM").
    """
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _door(answers, asked))
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        with elsewhere(f"http://127.0.0.1:{server.server_address[1]}", service):
            yield asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def elsewhere(address: str, service: str = "") -> Iterator[None]:
    """The environment leads to that address, for one service or for all, and nothing is asked twice."""
    before = dict(os.environ)
    key = f"AWS_ENDPOINT_URL_{service}" if service else "AWS_ENDPOINT_URL"
    os.environ.update({key: address, "AWS_MAX_ATTEMPTS": "1", "AWS_DEFAULT_REGION": "eu-central-1",
                       "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"})
    access.account.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        access.account.cache_clear()


def nobody() -> str:
    """An address where nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def _door(answers: Answers, asked: list[str]) -> type[BaseHTTPRequestHandler]:
    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = _operation(str(self.headers.get("X-Amz-Target", "")), body)
            asked.append(operation)
            found = answers.get(operation, (503, ""))
            found = found() if callable(found) else found
            status, said = found if isinstance(found, tuple) else (200, found)
            answer = (said if isinstance(said, str) else json.dumps(said)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    return Door


def _operation(target: str, body: bytes) -> str:
    """Some services name the operation in a header, others in a form."""
    return target.rpartition(".")[2] or parse_qs(body.decode(errors="replace")).get("Action", [""])[0]
