"""A small API server on 127.0.0.1: lists and watches, with what goes wrong there made to go wrong."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chaos_runner.targets.kubernetes.access import Cluster, Connection

Thing = dict[str, Any]


class Api:
    """What it has, and what was asked of it."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.version = 100
        self.oldest = 100
        self.things: dict[str, Thing] = {}
        self.told: list[tuple[int, Thing]] = []
        self.asked: list[str] = []
        self.silent = False
        self.refuses: dict[str, int] = {}
        self.logs: dict[str, tuple[int, str]] = {}
        self._server: _Door | None = None
        self._thread: threading.Thread | None = None
        self._port = 0

    def put(self, name: str, **more: Any) -> None:
        """Makes or changes an object."""
        with self.changed:
            kind = "MODIFIED" if name in self.things else "ADDED"
            self.version += 1
            meta = {"name": name, "uid": f"uid-{name}", "resourceVersion": str(self.version)}
            self.things[name] = {"metadata": meta, **more}
            self._tell(kind, self.things[name])

    def remove(self, name: str) -> None:
        """Deletes one."""
        with self.changed:
            self.version += 1
            thing = self.things.pop(name)
            self._tell("DELETED", {**thing, "metadata": {**thing["metadata"], "resourceVersion": str(self.version)}})

    def forget(self) -> None:
        """What happened until now can no longer be told: 410."""
        with self.changed:
            self.oldest = self.version
            self.told.clear()

    def lists(self) -> int:
        """How often everything was asked for."""
        return sum("watch" not in each and "limit=1&" not in f"{each}&" for each in self.asked)

    def watches(self) -> int:
        """How often a watch was asked for."""
        return sum("watch=1" in each for each in self.asked)

    def start(self) -> None:
        """Serves, on the port that it had."""
        self._server = _Door(("127.0.0.1", self._port), _Handler)
        self._server.api = self
        self._port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends, with all connections."""
        server, self._server = self._server, None
        with self.changed:
            self.changed.notify_all()
        if server and self._thread:
            server.shutdown()
            server.server_close()
            self._thread.join()

    @property
    def up(self) -> bool:
        return self._server is not None

    def cluster(self) -> Cluster:
        """It, as whoever asks sees it."""
        from kubernetes.client import Configuration

        configuration = Configuration(host=f"http://127.0.0.1:{self._port}")
        return Cluster("fake", Connection(configuration, "default", {}))

    def _tell(self, kind: str, thing: Thing) -> None:
        self.told.append((self.version, {"type": kind, "object": thing}))
        self.changed.notify_all()


class _Door(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    api: Api


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Door

    @property
    def api(self) -> Api:
        return self.server.api

    def do_GET(self) -> None:
        """Answers a list, or a watch."""
        query = {key: value[0] for key, value in parse_qs(urlsplit(self.path).query).items()}
        self.api.asked.append(self.path)
        status = self.api.refuses.get("watch" if "watch" in query else "list")
        if self.api.silent:
            time.sleep(30)
        elif urlsplit(self.path).path.endswith("/log"):
            self._log(urlsplit(self.path).path.split("/")[-2])
        elif status:
            self._answer(status, {"message": "so it is"})
        elif "watch" in query:
            self._watch(int(query["resourceVersion"]), float(query["timeoutSeconds"]))
        else:
            with self.api.changed:
                body = {"metadata": {"resourceVersion": str(self.api.version)}, "items": [*self.api.things.values()]}
            self._answer(200, body)

    def _log(self, pod: str) -> None:
        status, text = self.api.logs.get(pod, (404, "no such pod"))
        self._answer(status, text if status == 200 else {"message": text})

    def _watch(self, since: int, lasts_s: float) -> None:
        if since < self.api.oldest:
            self._answer(410, {"message": "too old"})
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        until_s = time.monotonic() + lasts_s
        while (left_s := until_s - time.monotonic()) > 0 and self.api.up:
            with self.api.changed:
                new = [(version, event) for version, event in self.api.told if version > since]
                if not new:
                    self.api.changed.wait(left_s)
            for version, event in new:
                since = version
                self._chunk(json.dumps(event).encode() + b"\n")
            while self.api.silent:
                time.sleep(0.05)
        if self.api.up:
            self._chunk(b"")
        else:
            self.close_connection = True

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _answer(self, status: int, body: Thing | str) -> None:
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = not self.api.up

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def serving() -> Iterator[Api]:
    """One that is up."""
    api = Api()
    api.start()
    try:
        yield api
    finally:
        api.silent = False
        api.stop()
