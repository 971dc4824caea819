"""A small EKS on 127.0.0.1, because moto tags no node groups: a cluster with one, and updates that take a while."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

from chaos_runner.targets.aws import access

CLUSTER = "shop"
ACCOUNT = "123456789012"
_TAKES_LOOKS = 2


class Nodegroup:
    """What it has, and how many looks it takes yet until its update is done."""

    def __init__(self, name: str) -> None:
        self.lock = Lock()
        self.name = name
        self.arn = f"arn:aws:eks:eu-central-1:{ACCOUNT}:nodegroup/{CLUSTER}/{name}/{uuid4()}"
        self.tags = {"team": "shop"}
        self.sizes = {"minSize": 2, "maxSize": 6, "desiredSize": 3}
        self.wanted: dict[str, int] = {}
        self.looks_left = 0
        self.others_looks = 0
        self.fails = ""
        self.gone = False

    @property
    def seen(self) -> dict[str, Any]:
        """As EKS describes it; somebody else's update is over after so many looks."""
        status = "UPDATING" if self.looks_left or self.others_looks else "ACTIVE"
        self.others_looks = max(0, self.others_looks - 1)
        return {"nodegroupName": self.name, "nodegroupArn": self.arn, "clusterName": CLUSTER, "tags": self.tags,
                "status": status, "scalingConfig": self.sizes}

    def update(self, sizes: dict[str, int]) -> tuple[int, Any]:
        """Begins one; one at a time."""
        if self.looks_left or self.others_looks:
            return 409, {"__type": "ResourceInUseException", "message": "an update is under way"}
        self.wanted, self.looks_left = sizes, _TAKES_LOOKS
        return 200, {"update": {"id": "u-1", "status": "InProgress"}}

    def progress(self) -> dict[str, Any]:
        """How the last one is: done after some looks."""
        self.looks_left = max(0, self.looks_left - 1)
        if self.looks_left:
            return {"update": {"id": "u-1", "status": "InProgress"}}
        if self.fails:
            return {"update": {"id": "u-1", "status": "Failed", "errors": [{"errorMessage": self.fails}]}}
        self.sizes = {**self.sizes, **self.wanted}
        return {"update": {"id": "u-1", "status": "Successful"}}


@contextmanager
def serving() -> Iterator[Nodegroup]:
    """The environment leads to an EKS with this node group, and elsewhere as before."""
    there = Nodegroup(f"workers-{uuid4().hex[:8]}")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _door(there))
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    os.environ["AWS_ENDPOINT_URL_EKS"] = f"http://127.0.0.1:{server.server_address[1]}"
    access.account.cache_clear()
    try:
        yield there
    finally:
        del os.environ["AWS_ENDPOINT_URL_EKS"]
        access.account.cache_clear()
        server.shutdown()
        thread.join()
        server.server_close()


def _door(there: Nodegroup) -> type[BaseHTTPRequestHandler]:
    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def do_DELETE(self) -> None:
            self._answer("DELETE")

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

        def _answer(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with there.lock:
                status, said = _said(there, method, self.path, json.loads(body) if body else {})
            answer = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("x-amzn-ErrorType", said.get("__type", "") if isinstance(said, dict) else "")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    return Door


def _said(there: Nodegroup, method: str, address: str, body: dict[str, Any]) -> tuple[int, Any]:
    split = urlsplit(address)
    path = unquote(split.path)
    groups = f"/clusters/{CLUSTER}/node-groups"
    if path == "/clusters":
        return 200, {"clusters": [CLUSTER]}
    if path == groups:
        return 200, {"nodegroups": [] if there.gone else [there.name]}
    if path == f"/tags/{there.arn}" and not there.gone:
        return _tags(there, method, body, parse_qs(split.query))
    if path == f"{groups}/{there.name}" and not there.gone:
        return 200, {"nodegroup": there.seen}
    if path == f"{groups}/{there.name}/update-config" and not there.gone:
        return there.update(body["scalingConfig"])
    if path.startswith(f"/clusters/{CLUSTER}/updates/"):
        return 200, there.progress()
    return 404, {"__type": "ResourceNotFoundException", "message": f"nothing is at {path}"}


def _tags(there: Nodegroup, method: str, body: dict[str, Any], query: dict[str, list[str]]) -> tuple[int, Any]:
    if method == "POST":
        there.tags = there.tags | body["tags"]
    if method == "DELETE":
        there.tags = {key: value for key, value in there.tags.items() if key not in query["tagKeys"]}
    return 200, {"tags": there.tags} if method == "GET" else {}
