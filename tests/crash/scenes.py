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


class Scene(Struct, frozen=True):
    """One step with the fault, and the picture of what it hits."""

    step: dict[str, Any]
    picture: Picture


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
