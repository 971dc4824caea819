"""The client, against the embedded proxy and, where CHAOS_RUNNER_TOXIPROXY names its binary, against Toxiproxy."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from chaos_runner.errors import ActFailed, Gone, NoTarget, UsageError
from chaos_runner.proxy.process import ProxyProcess
from chaos_runner.targets.proxy import ProxyApi, ProxyState, ProxyUnreachable, Toxic

REAL = os.environ.get("CHAOS_RUNNER_TOXIPROXY", "")


@pytest.fixture(scope="module", params=["embedded", pytest.param("toxiproxy", marks=pytest.mark.slow)])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "embedded":
        with ProxyProcess() as process:
            yield process.address
    elif REAL:
        yield from _toxiproxy()
    else:
        pytest.skip("CHAOS_RUNNER_TOXIPROXY does not name a Toxiproxy binary")


def _toxiproxy() -> Iterator[str]:
    port = _free_port()
    process = subprocess.Popen([REAL, "-port", str(port), "-host", "127.0.0.1"], stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@pytest.fixture
def upstream() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def api(address: str) -> ProxyApi:
    return ProxyApi(address)


@pytest.fixture
def made(api: ProxyApi, upstream: socket.socket) -> Iterator[ProxyState]:
    yield api.create("db", "127.0.0.1:0", f"127.0.0.1:{upstream.getsockname()[1]}")
    api.delete("db")


def connect(state: ProxyState) -> socket.socket:
    host, _, port = state.listen.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=3)


def test_a_created_proxy_is_found_and_listed(api: ProxyApi, made: ProxyState) -> None:
    assert made.enabled
    assert made.toxics == ()
    assert api.proxy("db") == made
    assert api.proxies() == (made,)
    assert api.version()


def test_a_toxic_is_kept_as_it_was_given_and_can_be_removed(api: ProxyApi, made: ProxyState) -> None:
    kept = api.add_toxic("db", Toxic("", "latency", "upstream", 0.5, {"latency": 20}))
    assert kept == Toxic("latency_upstream", "latency", "upstream", 0.5, {"latency": 20, "jitter": 0})
    assert api.proxy("db").toxics == (kept,)
    api.remove_toxic("db", kept.name)
    assert api.proxy("db").toxics == ()


def test_a_toxic_acts_on_a_connection_that_is_already_open(
    api: ProxyApi, made: ProxyState, upstream: socket.socket,
) -> None:
    with connect(made) as client, upstream.accept()[0] as server:
        server.sendall(b"1")
        assert client.recv(1) == b"1"
        api.add_toxic("db", Toxic("", "latency", attributes={"latency": 200}))
        began = time.monotonic()
        server.sendall(b"2")
        assert client.recv(1) == b"2"
        assert time.monotonic() - began >= 0.19


def test_a_removed_timeout_closes_the_connection_it_silenced(
    api: ProxyApi, made: ProxyState, upstream: socket.socket,
) -> None:
    with connect(made) as client, upstream.accept()[0] as server:
        server.sendall(b"1")
        assert client.recv(1) == b"1"
        api.add_toxic("db", Toxic("silence", "timeout", attributes={"timeout": 0}))
        server.sendall(b"2")
        time.sleep(0.1)
        api.remove_toxic("db", "silence")
        assert client.recv(1) == b""


def test_limit_data_cuts_an_answer_short(api: ProxyApi, made: ProxyState, upstream: socket.socket) -> None:
    api.add_toxic("db", Toxic("", "limit_data", attributes={"bytes": 3}))
    with connect(made) as client, upstream.accept()[0] as server:
        server.sendall(b"abcdef")
        assert client.recv(6, socket.MSG_WAITALL) == b"abc"


def test_a_disabled_proxy_refuses_connections_until_it_is_enabled_on_the_same_port(
    api: ProxyApi, made: ProxyState,
) -> None:
    assert not api.disable("db").enabled
    with pytest.raises(ConnectionRefusedError):
        connect(made)
    assert api.enable("db") == made
    connect(made).close()


def test_looking_up_a_proxy_that_is_not_there_finds_no_target_and_says_which_there_are(
    api: ProxyApi, made: ProxyState,
) -> None:
    with pytest.raises(NoTarget, match=r"no proxy named 'cache' at .*; there are: db"):
        api.proxy("cache")


def test_acting_on_what_is_no_longer_there_says_it_is_gone(api: ProxyApi, made: ProxyState) -> None:
    with pytest.raises(Gone, match="proxy not found"):
        api.disable("cache")
    with pytest.raises(Gone, match="proxy not found"):
        api.add_toxic("cache", Toxic("", "latency"))
    with pytest.raises(Gone, match="toxic not found"):
        api.remove_toxic("db", "nothing")


def test_a_refusal_carries_the_servers_words(api: ProxyApi, made: ProxyState) -> None:
    with pytest.raises(ActFailed, match=r"proxy already exists .HTTP 409"):
        api.create("db", "127.0.0.1:0", "127.0.0.1:1")
    with pytest.raises(ActFailed, match=r"invalid toxic type .HTTP 400"):
        api.add_toxic("db", Toxic("", "plague"))
    with pytest.raises(ActFailed, match="address already in use"):
        api.create("other", made.listen, "127.0.0.1:1")


def test_a_name_with_spaces_and_signs_is_one_name(api: ProxyApi) -> None:
    api.create("my db?", "127.0.0.1:0", "127.0.0.1:1")
    assert api.proxy("my db?").name == "my db?"
    api.delete("my db?")


def test_nobody_at_the_address_says_where_and_what_to_do() -> None:
    with pytest.raises(ProxyUnreachable, match=r"answers at 127\.0\.0\.1:1 .*refused.*chaos-runner proxy serve"):
        ProxyApi("127.0.0.1:1").proxies()


def test_a_server_that_never_answers_is_unreachable_after_its_time(upstream: socket.socket) -> None:
    began = time.monotonic()
    with pytest.raises(ProxyUnreachable):
        ProxyApi(f"127.0.0.1:{upstream.getsockname()[1]}", timeout_s=0.1).proxies()
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
    b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"\xff":1}',
    b'HTTP/1.1 500 No\r\nContent-Length: 7\r\n\r\n{"\xff":1}',
    b'HTTP/1.1 200 OK\r\nContent-Length: 9005\r\n\r\n{"x":' + b"[" * 9000,
])
def test_another_web_server_is_not_taken_for_a_proxy(upstream: socket.socket, answer: bytes) -> None:
    def reply() -> None:
        with upstream.accept()[0] as client:
            client.recv(1000)
            client.sendall(answer)

    thread = threading.Thread(target=reply)
    thread.start()
    with pytest.raises(ActFailed, match="Toxiproxy API"):
        ProxyApi(f"127.0.0.1:{upstream.getsockname()[1]}").proxy("db")
    thread.join()


@pytest.mark.parametrize("address", ["", "https://proxy:1", "http://proxy/path", "proxy:port", "proxy:99999"])
def test_an_address_that_is_none_is_a_usage_error(address: str) -> None:
    with pytest.raises(UsageError, match=r"127\.0\.0\.1:8474"):
        ProxyApi(address)
