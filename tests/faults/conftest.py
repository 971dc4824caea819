"""Processes to hurt, and proxies: the embedded one and, where CHAOS_RUNNER_TOXIPROXY names its binary, Toxiproxy."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from chaos_runner.contracts import Mark, Setting
from chaos_runner.proxy.process import ProxyProcess
from chaos_runner.targets.proxy import ProxyApi, ProxyState

REAL = os.environ.get("CHAOS_RUNNER_TOXIPROXY", "")
_SLEEPS = "import sys, time; print('up', flush=True); time.sleep(60)"

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def setting() -> Setting:
    return Setting(mark=Mark(run="01TEST", number=2, expires="20261120T110000Z"), seed=7, configuration={})


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts processes that sleep, with these words on their command line."""
    started: list[subprocess.Popen[bytes]] = []

    def starting(*words: str, code: str = _SLEEPS) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == b"up\n"
        return process

    yield starting
    for process in started:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


@pytest.fixture(scope="module", params=["embedded", pytest.param("toxiproxy", marks=pytest.mark.slow)])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where a proxy API answers."""
    if request.param == "embedded":
        with ProxyProcess() as process:
            yield process.address
    elif REAL:
        yield from _toxiproxy()
    else:
        pytest.skip("CHAOS_RUNNER_TOXIPROXY does not name a Toxiproxy binary")


def _toxiproxy() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
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


@pytest.fixture
def api(address: str) -> ProxyApi:
    return ProxyApi(address)


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that sends everything back."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_echo, args=(listening,), daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def _echo(listening: socket.socket) -> None:
    while True:
        try:
            client = listening.accept()[0]
        except OSError:
            return
        threading.Thread(target=_send_back, args=(client,), daemon=True).start()


def _send_back(client: socket.socket) -> None:
    with client:
        try:
            while data := client.recv(1000):
                client.sendall(data)
        except OSError:
            return


@pytest.fixture
def proxy(api: ProxyApi, echo: int) -> Iterator[ProxyState]:
    """A proxy named orders-db before the echoing server."""
    yield api.create("orders-db", "127.0.0.1:0", f"127.0.0.1:{echo}")
    if any(each.name == "orders-db" for each in api.proxies()):
        api.delete("orders-db")


@pytest.fixture
def connect(proxy: ProxyState) -> Callable[[], socket.socket]:
    """Connects through the proxy."""
    host, _, port = proxy.listen.rpartition(":")
    return lambda: socket.create_connection((host, int(port)), timeout=3)
