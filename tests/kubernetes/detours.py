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
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread
from typing import Any

from chaos_runner.errors import Gone
from chaos_runner.faults.kubernetes._between import WAYS
from chaos_runner.targets.kubernetes.access import MERGE, Cluster
from chaos_runner.targets.kubernetes.kinds import NODE, POD, Kind, body_of
from chaos_runner.targets.kubernetes.objects import Whole

API_PORT = 8474
_BEAT_S = 2.0
_AGAIN_S = 0.02
_START_S = 10.0
_RANGE = Kind("limitrange", "v1", "limitranges", "LimitRange")
_WANTED = "chaos-runner.io/detour"
_NOT_FOR_OTHERS = {"key": _WANTED, "effect": "PreferNoSchedule"}


def own_address() -> str:
    """An address of this machine that is not loopback: the API server does not speak to pods there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.connect(("192.0.2.1", 9))
        found: str = asked.getsockname()[0]
        return found


@contextmanager
def proxies_run(at: Cluster, space: str, folder: Path) -> Iterator[None]:
    """Pods that come in that namespace from now on are answered for, as a kubelet would. One namespace at a time: a
    proxy's port is not chosen.
    """
    with _alone(), _toxiproxy(folder) as host, _node(at, space) as node:
        over = Event()
        thread = Thread(target=_answer_for, args=(at, space, host, node, over), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@contextmanager
def _node(at: Cluster, space: str) -> Iterator[str]:
    """A node that nobody simulates, and what makes pods of that namespace want what only this node has."""
    name = f"{space}-node"
    at.create(NODE.path(""), body_of(NODE, metadata={"name": name}, spec={"taints": [_NOT_FOR_OTHERS]}))
    at.create(_RANGE.path(space), body_of(_RANGE, metadata={"name": "detours"}, spec={
        "limits": [{"type": "Container", "default": {_WANTED: "1"}}]}))
    try:
        yield name
    finally:
        at.delete(_RANGE.path(space, "detours"), {})
        at.delete(NODE.path("", name), {})
        for pod in at.list(POD.path(space), Whole, {"fieldSelector": f"spec.nodeName={name}"}).items:
            with suppress(Gone):
                at.delete(POD.path(space, pod.metadata.name), {"gracePeriodSeconds": 0})


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


def _answer_for(at: Cluster, space: str, host: str, node: str, over: Event) -> None:
    known: set[str] = set()
    while not over.is_set():
        _beat(at, node)
        with at.stream(POD.path(space), {"watch": "1", "fieldSelector": f"spec.nodeName={node}"}, _BEAT_S) as lines:
            for line in lines:
                if not over.is_set():
                    _answer(at, json.loads(line)["object"], host, known)


def _beat(at: Cluster, node: str) -> None:
    """The node is well. Who does not say so for a while is given up."""
    room = {"cpu": "100m", "memory": "100Mi", "pods": "3", _WANTED: "3"}
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": now, "reason": "KubeletReady"}
    at.patch(NODE.path("", node, "status"),
             {"status": {"capacity": room, "allocatable": room, "conditions": [ready]}}, MERGE)


def _answer(at: Cluster, pod: Any, host: str, known: set[str]) -> None:
    meta = pod["metadata"]
    path = POD.path(meta["namespace"], meta["name"])
    with suppress(Gone):
        if "deletionTimestamp" in meta:
            at.delete(path, {"gracePeriodSeconds": 0})
        elif meta["uid"] not in known:
            known.add(meta["uid"])
            _populate(host, json.loads(meta["annotations"][WAYS]))
            ready = [{"type": kind, "status": "True"} for kind in ("PodScheduled", "ContainersReady", "Ready")]
            status = {"phase": "Running", "conditions": ready, "podIP": host, "podIPs": [{"ip": host}]}
            at.patch(f"{path}/status", {"status": status}, MERGE)


def _populate(host: str, ways: list[dict[str, Any]]) -> None:
    """On this machine any free port does: nobody connects."""
    asked = HTTPConnection(host, API_PORT, timeout=5)
    asked.request("POST", "/populate", json.dumps([{**way, "listen": "127.0.0.1:0"} for way in ways]))
    assert asked.getresponse().status == 201
    asked.close()
