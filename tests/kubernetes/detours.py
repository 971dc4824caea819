"""A proxy's pod on a simulated cluster: a Toxiproxy in a process of this machine answers for it.

The API server speaks to a pod at the address that its status tells. So what makes it a real one is the address of this
machine, where our own proxy, which has Toxiproxy's API, is given the ways that the pod's annotation names.
"""

import fcntl
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread
from typing import Any

from chaos_runner.errors import Gone
from chaos_runner.faults.kubernetes._between import PROXY, WAYS
from chaos_runner.targets.kubernetes.access import MERGE, Cluster
from chaos_runner.targets.kubernetes.kinds import POD

API_PORT = 8474
_LOOK_S = 1.0
_AGAIN_S = 0.02
_START_S = 10.0


def own_address() -> str:
    """An address of this machine that is not loopback: the API server does not speak to pods there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.connect(("192.0.2.1", 9))
        found: str = asked.getsockname()[0]
        return found


@contextmanager
def proxies_run(at: Cluster, space: str, folder: Path) -> Iterator[None]:
    """Whenever a proxy's pod comes in that namespace, it is answered for. One at a time: a pod's port is not chosen."""
    with _alone(), _toxiproxy(folder) as host:
        over = Event()
        thread = Thread(target=_answer_for, args=(at, space, host, over), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@contextmanager
def _alone() -> Iterator[None]:
    with (Path(tempfile.gettempdir()) / "chaos-runner-detours.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _toxiproxy(folder: Path) -> Iterator[str]:
    host = own_address()
    process = subprocess.Popen([sys.executable, "-m", "chaos_runner.proxy", "--listen", f"{host}:{API_PORT}"],
                               stdout=subprocess.DEVNULL, stderr=(folder / "proxy.log").open("wb"))
    try:
        _wait_for(host)
        yield host
    finally:
        process.terminate()
        process.wait()


def _wait_for(host: str) -> None:
    deadline_s = time.monotonic() + _START_S
    while time.monotonic() < deadline_s:
        try:
            socket.create_connection((host, API_PORT), timeout=1).close()
        except OSError:
            time.sleep(_AGAIN_S)
        else:
            return
    raise AssertionError("the proxy does not answer")


def _answer_for(at: Cluster, space: str, host: str, over: Event) -> None:
    """Told of each change at once: nobody should see the pod ready before it is answered for."""
    known: set[str] = set()
    while not over.is_set():
        with at.stream(POD.path(space), {"watch": "1", "labelSelector": PROXY}, _LOOK_S) as lines:
            for line in lines:
                if not over.is_set():
                    _answer(at, json.loads(line)["object"], host, known)


def _answer(at: Cluster, pod: Any, host: str, known: set[str]) -> None:
    meta = pod["metadata"]
    if pod["status"].get("podIP") not in (None, host) and "deletionTimestamp" not in meta:
        with suppress(Gone):
            at.patch(POD.path(meta["namespace"], meta["name"], "status"),
                     {"status": {"podIP": host, "podIPs": [{"ip": host}]}}, MERGE)
    if meta["uid"] not in known:
        known.add(meta["uid"])
        _populate(host, json.loads(meta["annotations"][WAYS]))


def _populate(host: str, ways: list[dict[str, Any]]) -> None:
    """On this machine any free port does: nobody connects."""
    asked = HTTPConnection(host, API_PORT, timeout=5)
    asked.request("POST", "/populate", json.dumps([{**way, "listen": "127.0.0.1:0"} for way in ways]))
    assert asked.getresponse().status == 201
    asked.close()
