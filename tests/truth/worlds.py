"""Small worlds: what a trap needs beside its folder."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from chaos_runner.targets.host import Process
from tests.truth.trap import FAULT, Scene


class _Service(BaseHTTPRequestHandler):
    """`/broken` is, `/` is while the fault acts; both with a page that says so in HTML."""

    folder: Path

    def do_GET(self) -> None:
        status = 500 if self.path == "/broken" else 503 if (self.folder / FAULT).exists() else 200
        body = b"<html>sorry</html>" if status != 200 else b"{}"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def service(folder: Path) -> Iterator[Scene]:
    """An HTTP service, its address in SERVICE."""
    handler = type("Service", (_Service,), {"folder": folder})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield Scene({"SERVICE": f"http://127.0.0.1:{server.server_port}"}, (folder / FAULT).exists)
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def paused_worker(_: Path) -> Iterator[Scene]:
    """A process that is paused already, its id in WORKER. It is hurt when it is no longer as it was."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    try:
        worker = Process.of(child.pid)
        child.send_signal(signal.SIGSTOP)
        worker.wait_for_state("stopped")
        yield Scene({"WORKER": str(child.pid)}, lambda: worker.at(worker.key).state != "stopped")
    finally:
        child.kill()
        child.wait()
