"""What the tests of known inverses stand on: plans made from data, and a server that is no Toxiproxy."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from chaos_runner import shelf
from chaos_runner.experiment.loading import load_text
from chaos_runner.experiment.toolkit import load_values
from chaos_runner.plan.build import Wishes, plan_for
from chaos_runner.plan.model import Plan


def plan_of(data: dict[str, Any]) -> Plan:
    """The plan of a valid experiment."""
    loaded = load_text(json.dumps(data).encode(), "experiment.json")
    assert loaded.experiment, loaded.findings
    return plan_for(loaded.experiment, load_values(loaded.experiment), Wishes(), shelf.fault, datetime.now(UTC))


def eventually(what: Callable[[], object], within_s: float = 8.0) -> bool:
    """Whether it becomes true in time."""
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        if what():
            return True
        time.sleep(0.02)
    return False


class Rude:
    """A web server on this machine that gives every request the same answer."""

    def __init__(self, status: int, body: bytes) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> str:
        self._thread.start()
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
