"""A server before another one, which answers what it was asked before from memory: where a figure is about the client,
and the server is slower than the client is patient. `python -m benchmarks.remembering URL` prints its port and serves.
"""

import sys
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

_PATIENCE_S: Final = 300
_OWN: Final = ("connection", "transfer-encoding", "content-length", "server", "date")
_ANSWERS: Final[dict[tuple[str, str, bytes], tuple[int, bytes, dict[str, str]]]] = {}
_ONE_AT_A_TIME: Final = Lock()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        asked = self.command, self.path, self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with _ONE_AT_A_TIME:  # who asks again, because it took too long, waits for the first answer
            if asked not in _ANSWERS:
                _ANSWERS[asked] = self._forward(*asked)
        status, body, headers = _ANSWERS[asked]
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _pass  # noqa: N815 -- as the server calls them

    def _forward(self, verb: str, path: str, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        to = urlsplit(sys.argv[1])
        connection = HTTPConnection(to.hostname or "", to.port, timeout=_PATIENCE_S)
        kept = {key: value for key, value in self.headers.items() if key.lower() != "connection"}
        connection.request(verb, path, body or None, kept)
        response = connection.getresponse()
        said = {key: value for key, value in response.getheaders() if key.lower() not in _OWN}
        return response.status, response.read(), said

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()
