"""A token for Prometheus gets in, and gets nowhere else."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import all_files, run

pytestmark = pytest.mark.slow
TOKEN = "s3cr3t-of-the-test"


@pytest.fixture
def echoing() -> Iterator[str]:
    """A server that lets the right token in once, and then refuses it out loud."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            token = self.headers["Authorization"]
            seen.append(token)
            let_in = token == f"Bearer {TOKEN}" and len(seen) < 3
            body = b'{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}' if let_in else token.encode()
            self.send_response(200 if let_in else 403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def with_token(token: str, url: str) -> dict[str, Any]:
    arguments = {"query": "vector(1)", "url": url, "token": token}
    probe = {"name": "one", "probe": "prometheus.query", "arguments": arguments, "equals": 1, "every": "200ms"}
    return {"title": "t", "description": "d", "method": [],
            "steady-state-hypothesis": {"title": "h", "baseline": "1s", "probes": [probe]}}


def test_a_token_from_the_environment_gets_in_and_is_written_nowhere(echoing: str, tmp_path: Path) -> None:
    secrets = {"prometheus": {"token": {"type": "env", "key": "TOKEN_OF_THE_TEST"}}}
    data = {**with_token("${token}", echoing), "secrets": secrets}
    ran = run(data, tmp_path, "--hypothesis-only", TOKEN_OF_THE_TEST=TOKEN)
    assert ran.exit == 0, ran.err
    written = all_files(tmp_path) + ran.out + ran.err
    assert "answered 403" in written
    assert "${token}" in written
    assert TOKEN not in written


def test_a_token_that_stands_in_the_file_is_written_nowhere_else(echoing: str, tmp_path: Path) -> None:
    ran = run(with_token(TOKEN, echoing), tmp_path, "--hypothesis-only")
    assert ran.exit == 0, ran.err
    assert TOKEN not in all_files(tmp_path) + ran.out + ran.err
