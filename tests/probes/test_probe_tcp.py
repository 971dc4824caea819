"""tcp.connect, against sockets."""

import socket
import time
from collections.abc import Iterator

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import NoData, Unreachable
from chaos_runner.probes import _network
from chaos_runner.probes.tcp import ConnectArguments
from chaos_runner.units import Unit

connect = shelf.probe("tcp.connect")


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as server:
        yield server


def port_of(server: socket.socket) -> int:
    return int(server.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_value_is_seconds_until_the_connection_stands(listening: socket.socket, host: str) -> None:
    assert 0 < connect.read(ConnectArguments(host=host, port=port_of(listening))).value < 1
    assert connect.unit is Unit.SECONDS
    with listening.accept()[0] as client:
        assert client.recv(1) == b""


def test_nobody_there_is_a_refusal(listening: socket.socket) -> None:
    port = port_of(listening)
    listening.close()
    with pytest.raises(Unreachable, match=r"^connection refused$"):
        connect.read(ConnectArguments(host="127.0.0.1", port=port))


def test_a_server_too_busy_to_accept_is_no_answer_in_time(listening: socket.socket) -> None:
    waiting = [socket.socket() for _ in range(4)]
    for line in waiting:  # more than its backlog holds: further ones are not answered at all
        line.setblocking(False)
        line.connect_ex(listening.getsockname())
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"^no answer within 200 ms$"):
        connect.read(ConnectArguments(host="127.0.0.1", port=port_of(listening), timeout=0.2))
    assert time.monotonic() - began < 1
    for line in waiting:
        line.close()


def test_a_name_that_is_none_cannot_be_resolved() -> None:
    with pytest.raises(Unreachable, match=r"^the name 'a\.\.b' cannot be resolved$"):
        connect.read(ConnectArguments(host="a..b", port=80))


def test_a_resolver_that_does_not_answer_costs_no_more_than_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(host: str, port: int, flags: int = 0) -> list[_network.Place]:
        if flags:
            raise socket.gaierror
        time.sleep(1)
        return []

    monkeypatch.setattr(_network, "_look_up", slow)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="no answer within 100 ms"):
        connect.read(ConnectArguments(host="shop.example", port=80, timeout=0.1))
    assert time.monotonic() - began < 0.5


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_cannot_be_is_no_data_and_no_outage(port: int) -> None:
    with pytest.raises(NoData, match=f"between 1 and 65535, not {port}"):
        connect.read(ConnectArguments(host="127.0.0.1", port=port))
