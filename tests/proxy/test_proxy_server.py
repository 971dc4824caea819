"""The process, its HTTP API and its listeners."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import psutil
import pytest

from chaos_runner.errors import ActFailed
from chaos_runner.proxy import toxics
from chaos_runner.proxy.process import ProxyProcess

Answer = tuple[int, object]


@pytest.fixture(scope="module")
def server() -> Iterator[ProxyProcess]:
    with ProxyProcess() as process:
        yield process


@pytest.fixture
def upstream() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


class Http:
    """One kept-alive connection to the API."""

    def __init__(self, address: str) -> None:
        self.connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=3)

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        self.connection.request(method, path, raw or None, headers)
        response = self.connection.getresponse()
        answer = response.read()
        is_json = response.getheader("Content-Type") == "application/json"
        return response.status, json.loads(answer) if is_json else answer.decode()


@pytest.fixture
def ask(server: ProxyProcess) -> Iterator[Http]:
    http_api = Http(server.address)
    yield http_api
    http_api.connection.close()
    _forget_proxies(server)


def _forget_proxies(server: ProxyProcess) -> None:
    afterwards = Http(server.address)
    _, proxies = afterwards("GET", "/proxies")
    for name in cast("dict[str, object]", proxies):
        assert afterwards("DELETE", f"/proxies/{name}")[0] == 204
    afterwards.connection.close()


def make(ask: Http, upstream: socket.socket, **more: object) -> dict[str, object]:
    port = upstream.getsockname()[1]
    wanted = {"name": "db", "listen": "localhost:0", "upstream": f"127.0.0.1:{port}"}
    status, made = ask("POST", "/proxies", wanted | more)
    assert status == 201
    return cast("dict[str, object]", made)


def connect(proxy: dict[str, object]) -> socket.socket:
    host, _, port = str(proxy["listen"]).rpartition(":")
    return socket.create_connection((host, int(port)), timeout=3)


def error(status: int, message: str) -> Answer:
    return status, {"error": message, "status": status}


def test_the_version_is_one_that_toxiproxy_clients_know(ask: Http) -> None:
    assert ask("GET", "/version") == (200, {"version": "2.12.0", "server": "chaos-runner"})


def test_a_proxy_is_created_shown_listed_and_deleted(ask: Http, upstream: socket.socket) -> None:
    made = make(ask, upstream)
    assert str(made["listen"]).startswith("127.0.0.1:")
    assert made["enabled"] is True
    assert made["toxics"] == []
    assert ask("GET", "/proxies/db") == (200, made)
    assert ask("GET", "/proxies") == (200, {"db": made})
    assert ask("DELETE", "/proxies/db") == (204, "")
    assert ask("GET", "/proxies/db") == error(404, "proxy not found")
    with pytest.raises(ConnectionRefusedError):
        connect(made)


def test_errors_are_toxiproxys(ask: Http, upstream: socket.socket) -> None:
    listen = make(ask, upstream)["listen"]
    assert ask("POST", "/proxies", {}) == error(400, "missing required field: name")
    assert ask("POST", "/proxies", {"name": "x"}) == error(400, "missing required field: upstream")
    assert ask("POST", "/proxies", {"name": "db", "upstream": "a:1"}) == error(409, "proxy already exists")
    assert ask("POST", "/proxies") == error(400, "bad request body: EOF")
    taken = f"listen tcp {listen}: bind: address already in use"
    assert ask("POST", "/proxies", {"name": "x", "upstream": "a:1", "listen": listen}) == error(500, taken)
    assert ask("POST", "/proxies/db/toxics", {"type": "nope"}) == error(400, "invalid toxic type")
    wrong_stream = "stream was invalid, can be either upstream or downstream"
    assert ask("POST", "/proxies/db/toxics", {"type": "latency", "stream": "x"}) == error(400, wrong_stream)
    assert ask("GET", "/proxies/db/toxics/nope") == error(404, "toxic not found")
    assert ask("PUT", "/proxies") == (405, "")
    assert ask("GET", "/nothing") == (404, "404 page not found\n")


@pytest.mark.parametrize("body", [
    b"x", b"[]", b"5", b'{"name": 5}', b'{"name": "a", "upstream": "b:1", "enabled": 1}', b"[" * 100_000, b"\xff",
])
def test_a_body_that_cannot_be_followed_is_a_bad_request(ask: Http, body: bytes) -> None:
    status, answer = ask("POST", "/proxies", body)
    assert status == 400
    assert cast("dict[str, str]", answer)["error"].startswith("bad request body: ")
    assert ask("GET", "/proxies") == (200, {})


@pytest.mark.parametrize("attributes", [{"latency": "x"}, {"latency": 1.5}, {"latency": True}, []])
def test_attributes_of_the_wrong_type_add_no_toxic(ask: Http, upstream: socket.socket, attributes: object) -> None:
    make(ask, upstream)
    assert ask("POST", "/proxies/db/toxics", {"type": "latency", "attributes": attributes})[0] == 400
    assert ask("GET", "/proxies/db/toxics") == (200, [])


def test_every_toxic_shows_its_attributes_and_gets_a_name(ask: Http, upstream: socket.socket) -> None:
    make(ask, upstream)
    shown = {}
    for name in toxics.names():
        status, toxic = ask("POST", "/proxies/db/toxics", {"type": name, "toxicity": 0.5, "attributes": None})
        assert status == 200
        shown[name] = cast("dict[str, object]", toxic)
        assert shown[name] | {"attributes": 0} == {
            "name": f"{name}_downstream", "type": name, "stream": "downstream", "toxicity": 0.5, "attributes": 0,
        }
    assert {name: toxic["attributes"] for name, toxic in shown.items()} == {
        "bandwidth": {"rate": 0}, "latency": {"latency": 0, "jitter": 0}, "limit_data": {"bytes": 0}, "noop": {},
        "reset_peer": {"timeout": 0}, "slicer": {"average_size": 0, "size_variation": 0, "delay": 0},
        "slow_close": {"delay": 0}, "timeout": {"timeout": 0},
    }


def test_a_toxic_is_changed_in_what_is_said_and_removed(ask: Http, upstream: socket.socket) -> None:
    make(ask, upstream)
    toxic = {"name": "slow", "type": "latency", "stream": "upstream", "toxicity": 1,
             "attributes": {"latency": 5, "jitter": 2}}
    assert ask("POST", "/proxies/db/toxics", toxic | {"unknown": 1}) == (200, toxic)
    assert ask("POST", "/proxies/db/toxics", toxic) == error(409, "toxic already exists")
    changed = toxic | {"toxicity": 0.1, "attributes": {"latency": 9, "jitter": 2}}
    assert ask("PATCH", "/proxies/db/toxics/slow", {"toxicity": 0.1, "attributes": {"latency": 9}}) == (200, changed)
    assert ask("GET", "/proxies/db/toxics/slow") == (200, changed)
    assert ask("DELETE", "/proxies/db/toxics/slow") == (204, "")
    assert ask("DELETE", "/proxies/db/toxics/slow") == error(404, "toxic not found")


def test_a_cut_proxy_closes_its_connections_refuses_new_ones_and_comes_back_on_its_port(
    ask: Http, upstream: socket.socket,
) -> None:
    made = make(ask, upstream)
    with connect(made) as client:
        accepted, _ = upstream.accept()
        assert ask("POST", "/proxies/db", {"enabled": False}) == (200, made | {"enabled": False})
        assert client.recv(1) == b""
        assert accepted.recv(1) == b""
        accepted.close()
    with pytest.raises(ConnectionRefusedError):
        connect(made)
    assert ask("PATCH", "/proxies/db", {"enabled": True}) == (200, made)
    connect(made).close()


def test_a_new_upstream_keeps_the_port_and_cuts_the_old_connections(ask: Http, upstream: socket.socket) -> None:
    made = make(ask, upstream)
    with socket.create_server(("127.0.0.1", 0)) as other, connect(made) as old:
        where = f"127.0.0.1:{other.getsockname()[1]}"
        assert ask("POST", "/proxies/db", {"upstream": where}) == (200, made | {"upstream": where})
        assert old.recv(1) == b""
        with connect(made):
            other.settimeout(3)
            other.accept()[0].close()


def test_reset_enables_every_proxy_and_removes_every_toxic(ask: Http, upstream: socket.socket) -> None:
    made = make(ask, upstream)
    ask("POST", "/proxies/db/toxics", {"type": "latency"})
    ask("POST", "/proxies/db", {"enabled": False})
    assert ask("POST", "/reset") == (204, "")
    assert ask("GET", "/proxies/db") == (200, made)


def test_populate_leaves_alone_what_already_is_as_wanted(ask: Http, upstream: socket.socket) -> None:
    made = make(ask, upstream)
    ask("POST", "/proxies/db/toxics", {"type": "latency"})
    wanted = [{key: made[key] for key in ("name", "listen", "upstream")},
              {"name": "off", "listen": "127.0.0.1:0", "upstream": "x:1", "enabled": False}]
    status, answer = ask("POST", "/populate", wanted)
    proxies = cast("dict[str, list[dict[str, object]]]", answer)["proxies"]
    assert status == 201
    assert [(each["name"], each["enabled"]) for each in proxies] == [("db", True), ("off", False)]
    assert proxies[0]["toxics"]


def test_populate_says_which_it_made_before_one_failed(ask: Http) -> None:
    assert ask("POST", "/populate", [{"name": "x"}]) == (
        400, {"error": "missing required field: upstream at proxy 1", "status": 400, "proxies": []})
    places = (("a", "127.0.0.1:0"), ("b", "nope"))
    wanted = [{"name": name, "listen": listen, "upstream": "x:1"} for name, listen in places]
    status, answer = ask("POST", "/populate", wanted)
    found = cast("dict[str, list[dict[str, object]]]", answer)
    assert (status, [each["name"] for each in found["proxies"]]) == (500, ["a"])


def test_a_proxy_whose_upstream_is_down_closes_its_clients(ask: Http, upstream: socket.socket) -> None:
    made = make(ask, upstream)
    upstream.close()
    with connect(made) as client:
        assert client.recv(1) == b""


def test_a_web_page_may_not_command_it(ask: Http) -> None:
    assert ask("POST", "/reset", **{"User-Agent": "Mozilla/5.0 (X11)"}) == (403, "User agent not allowed\n")


@pytest.mark.parametrize(("raw", "status"), [
    (b"nonsense\r\n\r\n", b"400"), (b"GET /version HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
    (b"POST /reset HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
    (b"POST /reset HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
    (b"GET /version HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", b"431"),
])
def test_a_request_that_is_no_http_ends_only_its_own_connection(
    server: ProxyProcess, ask: Http, raw: bytes, status: bytes,
) -> None:
    host, _, port = server.address.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=3) as sock:
        sock.sendall(raw)
        assert sock.recv(100).split(b" ")[1] == status
    assert ask("GET", "/version")[0] == 200


def test_a_config_file_makes_its_proxies_at_the_start(tmp_path: Path) -> None:
    config = tmp_path / "toxiproxy.json"
    config.write_text('[{"name": "db", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1"}]')
    with ProxyProcess("--listen", "127.0.0.1:0", "--config", str(config)) as process:
        assert list(cast("dict[str, object]", Http(process.address)("GET", "/proxies")[1])) == ["db"]


def test_a_config_that_cannot_be_followed_stops_the_start(tmp_path: Path) -> None:
    config = tmp_path / "toxiproxy.json"
    config.write_text('[{"name": "db"}]')
    command = [sys.executable, "-m", "chaos_runner.proxy", "--listen", "127.0.0.1:0", "--config", str(config)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert ended.returncode == 2
    assert ended.stderr == f"error: {config}: proxy 1 has no name or no upstream; give it both\n"


def test_a_taken_address_stops_the_start(server: ProxyProcess) -> None:
    with pytest.raises(ActFailed, match=r"did not start \(exit code 3\)"):
        ProxyProcess("--listen", server.address.removeprefix("http://"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_on_a_signal(number: signal.Signals) -> None:
    process = ProxyProcess()
    os.kill(process.pid, number)
    assert process.stop() == 0


@pytest.mark.slow
def test_it_outlives_its_parent() -> None:
    code = "from chaos_runner.proxy.process import ProxyProcess as P; p = P(); print(p.pid, p.address)"
    command = [sys.executable, "-W", "ignore", "-c", code]
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=10, check=True).stdout.split()
    orphan = psutil.Process(int(out[0]))
    try:
        os.kill(orphan.pid, signal.SIGHUP)
        time.sleep(0.1)
        assert Http(out[1])("GET", "/version")[0] == 200
    finally:
        orphan.terminate()
        orphan.wait(5)
