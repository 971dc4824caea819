"""For every reversible fault a small world: what it hits, and a picture of it that must be the same afterwards."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from chaos_runner.proxy.process import ProxyProcess
from chaos_runner.targets.host import Process, with_words
from chaos_runner.targets.proxy import ProxyApi

Picture = Callable[[], Any]
INTERFACE = "chaos0"
IN_THE_GUEST_S = 300.0
"""There everything takes twelve times as long, and more where the machine has other work."""


class Scene(Struct, frozen=True):
    """One step with the fault, the picture of what it hits, and the words that put a command inside the scene.

    What is not as it was after `patience_s` counts as left behind. How long it took is told; others judge it.
    """

    step: dict[str, Any]
    picture: Picture
    inside: tuple[str, ...] = ()
    patience_s: float = 10.0


@contextmanager
def _process(_: Path) -> Iterator[Scene]:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    victim = Process.of(child.pid)
    try:
        yield Scene({"target": {"pid": child.pid}}, lambda: victim.at(victim.key).state)
    finally:
        child.kill()
        child.wait()


def _proxy(arguments: dict[str, Any]) -> Callable[[Path], AbstractContextManager[Scene]]:
    @contextmanager
    def opened(_: Path) -> Iterator[Scene]:
        with ProxyProcess() as proxy:
            api = ProxyApi(proxy.address)
            api.create("db", "127.0.0.1:0", "127.0.0.1:9")
            step = {"target": {"proxy": "db", "api": proxy.address}, "arguments": arguments}
            yield Scene(step, api.proxies)

    return opened


@contextmanager
def _disk(folder: Path) -> Iterator[Scene]:
    filled = folder / "disk"
    filled.mkdir()
    step = {"target": {"path": str(filled)}, "arguments": {"size": "1Mi"}}
    yield Scene(step, lambda: (_loads(folder), sorted(filled.iterdir())))


def _load(arguments: dict[str, Any]) -> Callable[[Path], AbstractContextManager[Scene]]:
    @contextmanager
    def opened(folder: Path) -> Iterator[Scene]:
        yield Scene({"arguments": arguments}, lambda: _loads(folder))

    return opened


def _loads(folder: Path) -> list[tuple[str, ...]]:
    """The loads of this very folder's runs: others may be tested beside it."""
    runs = [run.name for run in (folder / "reports" / "runs").glob("*")]
    loads = [process.command for process in with_words("chaos_runner.targets.load")]
    return [command for command in loads if any(run in word for run in runs for word in command)]


def _network(target: dict[str, Any], arguments: dict[str, Any]) -> Callable[[Path], AbstractContextManager[Scene]]:
    @contextmanager
    def opened(folder: Path) -> Iterator[Scene]:
        """A network of its own, with a card that leads nowhere."""
        name = f"chaos-{abs(hash(folder)):x}"
        inside = ("ip", "netns", "exec", name)
        _do("ip", "netns", "add", name)
        try:
            _do(*inside, "ip", "link", "add", INTERFACE, "type", "dummy")
            _do(*inside, "ip", "addr", "add", "10.98.0.1/24", "dev", INTERFACE)
            _do(*inside, "ip", "link", "set", INTERFACE, "up")
            yield Scene({"target": target, "arguments": arguments}, lambda: _configured(inside), inside, IN_THE_GUEST_S)
        finally:
            _do("ip", "netns", "del", name)

    return opened


def _configured(inside: tuple[str, ...]) -> tuple[str, str]:
    """Queues and tables, and nothing that counts."""
    return (_do(*inside, "tc", "qdisc", "show", "dev", INTERFACE), _do(*inside, "nft", "list", "tables"))


def _do(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


SCENES: dict[str, Callable[[Path], AbstractContextManager[Scene]]] = {
    "host.cpu_load": _load({"load": "20%", "cores": 1}),
    "host.disk_fill": _disk,
    "host.memory_fill": _load({"size": "8Mi"}),
    "host.process_pause": _process,
    "proxy.bandwidth": _proxy({"rate": "64k"}),
    "proxy.cut": _proxy({}),
    "proxy.down": _proxy({}),
    "proxy.latency": _proxy({"latency": "100ms"}),
    "proxy.limit_data": _proxy({"bytes": "1k"}),
    "proxy.reset_peer": _proxy({}),
    "proxy.slicer": _proxy({"average-size": "64B"}),
    "proxy.slow_close": _proxy({"delay": "100ms"}),
    "proxy.timeout": _proxy({}),
}

NETWORK_SCENES: dict[str, Callable[[Path], AbstractContextManager[Scene]]] = {  # in the guest: their kernel has netem
    "host.network_latency": _network({"interface": INTERFACE}, {"latency": "200ms"}),
    "host.network_loss": _network({"interface": INTERFACE}, {"loss": "30%"}),
    "host.network_partition": _network({"to": ["10.98.0.2"]}, {}),
}
