"""An API server that is unwell: of the calls that pass through here a share is not answered as it should be."""

import json
import os
import random
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import yaml

from chaos_runner.targets.kubernetes.access import cluster

LOST = "done, and no answer"
EMPTY_WORDS = "said to be done, and not done"
TROUBLES = ("too many requests", "an error", "no answer", LOST)
Spoils = Callable[[str, str], str]
"""Says of a call, by its verb and path, what is to go wrong with it. Empty for nothing."""


class _Door(ThreadingHTTPServer):
    """Forwards to the real one."""

    daemon_threads = True

    def __init__(self, kubeconfig: Path, spoils: Spoils) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        said = yaml.safe_load(kubeconfig.read_text())
        cluster = said["clusters"][0]["cluster"]
        self.server_url = urlsplit(cluster["server"])
        self.tls = ssl._create_unverified_context()  # noqa: S323 -- the lab's own certificate, on loopback
        self.spoils = spoils
        self.troubles: list[str] = []

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
        match trouble:
            case "too many requests":
                self._answer(429, b'{"message": "slow down"}', {"Retry-After": "1"})
            case "an error":
                self._answer(500, b'{"message": "etcdserver: request timed out"}', {})
            case "no answer":
                self.close_connection = True
            case "said to be done, and not done":
                self._answer(200, b"{}", {})
            case _:
                status, answer = self._forward(body)
                if trouble:
                    self.close_connection = True
                else:
                    self._answer(status, answer, {})

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _pass  # noqa: N815 -- as the server calls them

    def _forward(self, body: bytes) -> tuple[int, bytes]:
        to = self.server.server_url
        connection = HTTPSConnection(to.hostname or "", to.port, context=self.server.tls, timeout=20)
        kept = {key: value for key, value in self.headers.items() if key.lower() not in ("host", "connection")}
        try:
            connection.request(self.command, self.path, body or None, kept)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, HTTPException) as error:
            return 503, json.dumps({"message": str(error)}).encode()
        finally:
            connection.close()

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
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
def unwell(kubeconfig: Path, spoils: Spoils, to: Path) -> Iterator[list[str]]:
    """Writes a kubeconfig that leads through here. Gives what went wrong so far."""
    door = _Door(kubeconfig, spoils)
    thread = Thread(target=door.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    said = yaml.safe_load(kubeconfig.read_text())
    said["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{door.server_port}"}
    to.write_text(yaml.safe_dump(said))
    to.chmod(0o600)
    try:
        yield door.troubles
    finally:
        door.shutdown()
        door.server_close()
        thread.join()


@contextmanager
def led(kubeconfig: Path, spoils: Spoils, folder: Path) -> Iterator[list[str]]:
    """While the block lasts this very process is led through there."""
    before = os.environ["KUBECONFIG"]
    with unwell(kubeconfig, spoils, folder / "kubeconfig") as troubles:
        os.environ["KUBECONFIG"] = str(folder / "kubeconfig")
        cluster.cache_clear()
        try:
            yield troubles
        finally:
            os.environ["KUBECONFIG"] = before
            cluster.cache_clear()
