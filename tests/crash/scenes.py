"""For every reversible fault a small world: what it hits, and a picture of it that must be the same afterwards."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from chaos_runner.proxy.process import ProxyProcess
from chaos_runner.targets.host import Process
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


SCENES: dict[str, Callable[[Path], AbstractContextManager[Scene]]] = {
    "host.process_pause": _process,
    "proxy.latency": _proxy({"latency": "100ms"}),
    "proxy.cut": _proxy({}),
}
