"""Every toxic, on real bytes through the real process."""

import select
import socket
import struct
import time
from collections.abc import Iterator

import psutil
import pytest

from chaos_runner.proxy.process import ProxyProcess
from chaos_runner.targets.proxy import ProxyApi, Toxic


@pytest.fixture(scope="module")
def process() -> Iterator[ProxyProcess]:
    with ProxyProcess() as started:
        yield started


@pytest.fixture(scope="module")
def api(process: ProxyProcess) -> ProxyApi:
    return ProxyApi(process.address)


class Pair:
    """Both ends of a connection through the proxy: `client` and `server`."""

    def __init__(self, api: ProxyApi) -> None:
        self.api = api
        self.upstream = socket.create_server(("127.0.0.1", 0))
        host, port = self.upstream.getsockname()
        state = api.create("pair", "127.0.0.1:0", f"{host}:{port}")
        self.listen = (host, int(state.listen.rpartition(":")[2]))
        self.sockets: list[socket.socket] = []

    def connect(self) -> tuple[socket.socket, socket.socket]:
        client = socket.create_connection(self.listen, timeout=3)
        server, _ = self.upstream.accept()
        server.settimeout(3)
        self.sockets += [client, server]
        return client, server

    def poison(self, kind: str, stream: str = "downstream", toxicity: float = 1.0, **attributes: object) -> Toxic:
        return self.api.add_toxic("pair", Toxic("", kind, stream, toxicity, attributes))

    def close(self) -> None:
        self.api.delete("pair")
        for each in [*self.sockets, self.upstream]:
            each.close()


@pytest.fixture
def pair(api: ProxyApi) -> Iterator[Pair]:
    made = Pair(api)
    yield made
    made.close()


def receive(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            return data
        data += more
    return data


def quiet(sock: socket.socket, for_s: float = 0.1) -> bool:
    return not select.select([sock], [], [], for_s)[0]


def test_bytes_arrive_unchanged_in_both_directions(pair: Pair) -> None:
    client, server = pair.connect()
    client.sendall(b"question")
    assert receive(server, 8) == b"question"
    server.sendall(b"answer")
    assert receive(client, 6) == b"answer"


def test_one_side_may_stop_talking_and_still_hear_the_answer(pair: Pair) -> None:
    client, server = pair.connect()
    client.sendall(b"all")
    client.shutdown(socket.SHUT_WR)
    assert receive(server, 10) == b"all"
    server.sendall(b"heard")
    server.close()
    assert receive(client, 10) == b"heard"


def test_a_reset_upstream_is_a_reset_for_the_client(pair: Pair) -> None:
    client, server = pair.connect()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()
    with pytest.raises(ConnectionResetError):
        client.recv(1)


def test_latency_delays_a_live_connection_and_removal_frees_what_was_held(pair: Pair) -> None:
    client, server = pair.connect()
    toxic = pair.poison("latency", latency=150)
    began = time.monotonic()
    server.sendall(b"late")
    assert receive(client, 4) == b"late"
    assert 0.15 <= time.monotonic() - began < 0.4
    pair.api.remove_toxic("pair", toxic.name)
    pair.poison("latency", latency=60_000)
    server.sendall(b"held")
    assert quiet(client)
    pair.api.remove_toxic("pair", toxic.name)
    assert receive(client, 4) == b"held"


def test_latency_of_one_direction_leaves_the_other_alone(pair: Pair) -> None:
    client, server = pair.connect()
    pair.poison("latency", "upstream", latency=60_000)
    server.sendall(b"quick")
    assert receive(client, 5) == b"quick"
    client.sendall(b"slow")
    assert quiet(server)


def test_two_latencies_add_up_and_keep_the_order(pair: Pair) -> None:
    client, server = pair.connect()
    pair.poison("latency", latency=80, jitter=40)
    pair.api.add_toxic("pair", Toxic("second", "latency", attributes={"latency": 80}))
    began = time.monotonic()
    for number in range(20):
        server.sendall(bytes([number]))
        time.sleep(0.002)
    assert receive(client, 20) == bytes(range(20))
    assert time.monotonic() - began >= 0.12


def test_bandwidth_lets_its_rate_through(pair: Pair) -> None:
    client, server = pair.connect()
    pair.poison("bandwidth", rate=500)
    began = time.monotonic()
    server.sendall(b"x" * 200_000)
    assert len(receive(client, 200_000)) == 200_000
    assert time.monotonic() - began == pytest.approx(0.4, abs=0.15)


def test_bandwidth_of_zero_lets_nothing_through_until_it_is_removed(pair: Pair) -> None:
    client, server = pair.connect()
    toxic = pair.poison("bandwidth", rate=0)
    server.sendall(b"x" * 100_000)
    assert quiet(client)
    pair.api.remove_toxic("pair", toxic.name)
    assert len(receive(client, 100_000)) == 100_000


def test_slow_close_delays_the_end_and_not_the_bytes(pair: Pair) -> None:
    client, server = pair.connect()
    pair.poison("slow_close", delay=200)
    began = time.monotonic()
    server.sendall(b"bye")
    server.close()
    assert receive(client, 3) == b"bye"
    assert time.monotonic() - began < 0.15
    assert client.recv(1) == b""
    assert time.monotonic() - began >= 0.2


def test_timeout_drops_bytes_and_closes_after_its_time(pair: Pair) -> None:
    client, server = pair.connect()
    began = time.monotonic()
    pair.poison("timeout", timeout=200)
    server.sendall(b"lost")
    assert client.recv(4) == b""
    assert 0.2 <= time.monotonic() - began < 0.6


def test_timeout_of_zero_keeps_the_connection_open_and_its_removal_closes_it(pair: Pair) -> None:
    client, server = pair.connect()
    toxic = pair.poison("timeout", timeout=0)
    server.sendall(b"lost")
    assert quiet(client, 0.2)
    pair.api.remove_toxic("pair", toxic.name)
    assert client.recv(4) == b""
    assert server.recv(4) == b""


def test_reset_peer_resets_both_sides_after_its_time(pair: Pair) -> None:
    client, server = pair.connect()
    pair.poison("reset_peer", "upstream", timeout=100)
    began = time.monotonic()
    client.sendall(b"hello")
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert time.monotonic() - began >= 0.1
    with pytest.raises(ConnectionResetError):
        server.recv(1)


def test_slicer_cuts_bytes_into_small_packets(pair: Pair) -> None:
    client, server = pair.connect()
    pair.poison("slicer", average_size=100, size_variation=20, delay=20_000)
    sent = bytes(range(256)) * 4
    began = time.monotonic()
    server.sendall(sent)
    pieces: list[bytes] = []
    while len(b"".join(pieces)) < len(sent):
        pieces.append(client.recv(4096))
    assert b"".join(pieces) == sent
    assert len(pieces) >= 2  # who reads late gets some at once, but they were sent 20 ms apart
    assert time.monotonic() - began >= 7 * 0.02


def test_a_close_that_reaches_a_client_already_gone_disturbs_nothing_else(pair: Pair) -> None:
    client, server = pair.connect()
    pair.poison("bandwidth", "upstream", rate=0)
    toxic = pair.poison("slow_close", delay=60_000)
    client.sendall(bytes(300_000))  # more than the proxy takes: it stops reading, and does not see the reset
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    server.shutdown(socket.SHUT_WR)
    assert quiet(server)
    pair.api.remove_toxic("pair", toxic.name)
    assert pair.api.proxy("pair").enabled


def test_limit_data_closes_at_its_limit(pair: Pair) -> None:
    client, server = pair.connect()
    pair.poison("limit_data", bytes=100)
    server.sendall(b"x" * 60)
    assert len(receive(client, 60)) == 60
    server.sendall(b"x" * 60)
    assert len(receive(client, 60)) == 40
    assert server.recv(1) == b""


def test_limit_data_that_hit_its_limit_lets_nothing_more_through_when_removed(pair: Pair) -> None:
    client, server = pair.connect()
    toxic = pair.poison("limit_data", bytes=3)
    pair.poison("latency", latency=100)
    server.sendall(b"abcdef")
    assert quiet(client, 0.05)
    pair.api.remove_toxic("pair", toxic.name)
    assert receive(client, 6) == b"abc"


def test_toxicity_decides_for_each_connection_and_not_for_each_byte(pair: Pair) -> None:
    pair.poison("timeout", toxicity=0.5, timeout=0)
    both = [pair.connect() for _ in range(40)]
    for byte in (b"a", b"b"):
        for _, server in both:
            server.sendall(byte)
    silent = [client for client, _ in both]
    while readable := select.select(silent, [], [], 0.5)[0]:
        for client in readable:
            assert receive(client, 2) == b"ab"
            silent.remove(client)
    assert 6 <= len(silent) <= 34


def test_a_toxic_added_in_the_middle_of_a_stream_loses_and_repeats_no_byte(pair: Pair) -> None:
    client, server = pair.connect()
    sent = b"".join(number.to_bytes(4, "big") for number in range(1_000_000))
    server.setblocking(False)
    left, got, toxic = memoryview(sent), bytearray(), None
    while len(got) < len(sent):
        readable, writable, _ = select.select([client], [server] if left else [], [], 3)
        if writable:
            left = left[server.send(left[:100_000]):]
        if readable:
            got += client.recv(100_000)
        if len(got) // 200_000 % 2 and toxic is None:
            toxic = pair.poison("latency", latency=5, jitter=5)
        elif not len(got) // 200_000 % 2 and toxic:
            pair.api.remove_toxic("pair", toxic.name)
            toxic = None
    assert got == sent


def test_a_client_that_does_not_read_makes_the_sender_wait(pair: Pair, process: ProxyProcess) -> None:
    _, server = pair.connect()
    pair.poison("latency", latency=10)
    server.settimeout(0.5)
    with pytest.raises(TimeoutError):
        server.sendall(bytes(100_000_000))
    assert psutil.Process(process.pid).memory_info().rss < 60_000_000
