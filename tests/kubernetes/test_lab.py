"""The lab itself, with simulated nodes: soon up, whole, several side by side, and gone without a trace."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from chaos_runner.errors import Refused
from chaos_runner.lab.kubernetes import lab as labs
from chaos_runner.lab.kubernetes import servers
from chaos_runner.lab.kubernetes.api import Api, ApiError
from chaos_runner.lab.kubernetes.building import missing
from chaos_runner.lab.kubernetes.lab import Wanted
from chaos_runner.lab.kubernetes.state import Lab, Pods, read
from chaos_runner.lab.parts import State

pytestmark = pytest.mark.slow
PARTS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"]
THREE = Wanted(Pods.SIMULATED, 3)


def quiet(_: object) -> None:
    """Building is not looked at."""


@pytest.fixture(scope="module", autouse=True)
def _built(simulated: str) -> None:
    """Skips all of these where there is no cluster, and does not count the building of its programs."""
    if missing(servers.to_be_built((*servers.PLANE, servers.KWOK))):
        pytest.skip(f"no cluster of our own to look at: {simulated} is given")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab for the tests that leave it whole."""
    folder = tmp_path_factory.mktemp("state") / "lab"
    yield labs.up(folder, THREE, quiet)
    labs.down(folder)


def api_of(lab: Lab, token: str = "") -> Api:
    """The lab's API, as the bearer of this token, or as its administrator."""
    said = json.loads(Path(lab.kubeconfig).read_text())
    return Api(said["clusters"][0]["cluster"]["server"], Path(lab.folder) / "certificates" / "ca.crt",
               token or said["users"][0]["user"]["token"])


def within(limit_s: float, holds: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.05)
    return True


def ready_pods(api: Api, workload: dict[str, Any]) -> int:
    found = api.get(f"/apis/apps/v1/namespaces/default/deployments/{workload['metadata']['name']}")
    return int(found["status"].get("readyReplicas", 0))


def deployment(name: str, replicas: int) -> dict[str, Any]:
    labels = {"app": name}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": {
                "metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "none"}]}}}}


def test_it_is_up_in_seconds_and_its_nodes_are_ready_in_three_zones(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    began_s = time.monotonic()
    lab = labs.up(folder, THREE, quiet)
    took_s = time.monotonic() - began_s
    try:
        assert took_s < 30
        assert [part.name for part in lab.parts] == PARTS
        assert set(labs.status(folder).values()) == {State.RUNNING}
        assert stat.S_IMODE(Path(lab.kubeconfig).stat().st_mode) == 0o600
        nodes = api_of(lab).get("/api/v1/nodes")["items"]
        zones = {node["metadata"]["name"]: node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes}
        assert zones == {"node-1": "a", "node-2": "b", "node-3": "c"}
    finally:
        ended = labs.down(folder)
    assert sorted(ended) == sorted(PARTS)
    assert list(tmp_path.iterdir()) == []
    assert not Path(lab.sockets).exists()
    assert not any(lives(part.pid) for part in lab.parts)
    assert labs.down(folder) == []


def lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_deployment_becomes_ready_and_a_deleted_pod_is_replaced(opened: Lab) -> None:
    api, wanted = api_of(opened), deployment("web", 4)
    api.apply(wanted)
    assert within(60, lambda: ready_pods(api, wanted) == 4)
    pods = "/api/v1/namespaces/default/pods"
    victim = api.get(pods)["items"][0]["metadata"]["name"]
    api.delete(f"{pods}/{victim}")
    assert within(60, lambda: victim not in {pod["metadata"]["name"] for pod in api.get(pods)["items"]}
                  and ready_pods(api, wanted) == 4)


def test_rights_are_real_and_a_wrong_token_is_nobody(opened: Lab) -> None:
    api = api_of(opened)
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    assert within(60, lambda: api.has(account))
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = api.create(f"{account}/token", asked)["status"]["token"]
    for bearer, status in ((token, 403), ("wrong", 401)):
        with pytest.raises(ApiError) as refused:
            api_of(opened, bearer).get("/api/v1/namespaces/default/pods")
        assert refused.value.status == status


def test_two_labs_stand_side_by_side_and_the_second_up_of_one_finds_it(opened: Lab, tmp_path: Path) -> None:
    other = labs.up(tmp_path / "other", Wanted(Pods.SIMULATED, 1), quiet)
    try:
        assert labs.up(Path(opened.folder), THREE, quiet) == opened
        assert len(api_of(other).get("/api/v1/nodes")["items"]) == 1
        assert len(api_of(opened).get("/api/v1/nodes")["items"]) == 3
    finally:
        labs.down(tmp_path / "other")
    assert set(labs.status(Path(opened.folder)).values()) == {State.RUNNING}


def test_a_part_that_was_killed_is_named_and_can_be_started_again(opened: Lab) -> None:
    folder = Path(opened.folder)
    lab = read(folder)
    assert lab is not None
    server = next(part for part in lab.parts if part.name == servers.API_SERVER)
    os.kill(server.pid, signal.SIGKILL)
    assert within(5, lambda: labs.status(folder)[servers.API_SERVER] is State.GONE)
    with pytest.raises(Refused, match=r"kube-apiserver is gone.*down --name lab"):
        labs.up(folder, THREE, quiet)
    labs.start_again(folder, servers.API_SERVER)
    assert within(30, lambda: answers(api_of(opened)))
    assert set(labs.status(folder).values()) == {State.RUNNING}
    with pytest.raises(Refused, match="runs already"):
        labs.start_again(folder, servers.API_SERVER)


def answers(api: Api) -> bool:
    try:
        return len(api.get("/api/v1/nodes")["items"]) == 3
    except Refused:
        return False


def test_an_opening_that_was_killed_half_way_can_be_closed_by_whoever_comes_later(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "chaos_runner", "lab", "kubernetes"]
    opening = subprocess.Popen([*command, "up", "--simulated"], env=environment, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    folder = tmp_path / "chaos-runner" / "kubernetes" / "lab"
    assert within(60, lambda: len(labs.status(folder)) >= 2)
    opening.kill()
    opening.wait()
    lab = read(folder)
    assert lab is not None
    assert not lab.kubeconfig
    told = subprocess.run([*command, "down", "--json"], env=environment, capture_output=True, check=True)
    assert sorted(json.loads(told.stdout)["ended"]) == sorted(part.name for part in lab.parts)
    assert not folder.exists()


def test_the_command_tells_it_in_one_json_object(tmp_path: Path) -> None:
    def told(*words: str) -> Any:
        done = subprocess.run([sys.executable, "-m", "chaos_runner", "lab", "kubernetes", *words, "--json"],
                              env={**os.environ, "XDG_STATE_HOME": str(tmp_path)}, capture_output=True, check=True)
        return json.loads(done.stdout)

    assert told("status") == {"parts": {}}
    up = told("up", "--simulated", "--nodes", "2")
    try:
        assert up == {"name": "lab", "kubeconfig": up["kubeconfig"], "nodes": 2, "version": "1.34.4",
                      "pods": "simulated"}
        assert told("status") == {**up, "parts": dict.fromkeys(PARTS, "running")}
    finally:
        ended = told("down")["ended"]
    assert sorted(ended) == sorted(PARTS)
    assert told("down") == {"ended": []}


def test_a_server_that_ends_at_once_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    broken = assets / "kube-apiserver"
    broken.write_text("#!/bin/sh\necho no room for me\n")
    broken.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "chaos_runner", "lab", "kubernetes", "up", "--simulated"],
        capture_output=True, text=True, check=False,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path), "KUBEBUILDER_ASSETS": str(assets)})
    assert done.returncode == 3
    assert "the lab's kube-apiserver ended" in done.stderr
    assert "no room for me" in done.stderr
    assert "Traceback" not in done.stderr
    assert set(labs.status(tmp_path / "chaos-runner" / "kubernetes" / "lab").values()) == {State.GONE}
