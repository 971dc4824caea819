"""An API server that is unwell keeps nobody from undoing."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from chaos_runner.lab.kubernetes import lab as labs
from chaos_runner.lab.kubernetes import servers
from chaos_runner.lab.kubernetes.lab import Wanted
from chaos_runner.lab.kubernetes.state import Pods, read
from chaos_runner.targets.kubernetes import access
from chaos_runner.targets.kubernetes.access import Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import DEPLOYMENT
from chaos_runner.targets.kubernetes.objects import Workload
from tests.crash.cluster import make_workload, namespace, normalised
from tests.kubernetes.unwell import unwell
from tests.unwell import often

pytestmark = pytest.mark.slow
SHARE = 0.2
AWAY_S = 4.0


def experiment(space: str) -> dict[str, Any]:
    target = {"namespace": space, "workload": "deployment/web"}
    holds = {"type": "probe", "name": "root is there", "tolerance": True,
             "provider": {"type": "python", "module": "os.path", "func": "exists", "arguments": {"path": "/"}}}
    return {"title": "unwell", "description": "the API server is", "method": [
        {"name": "scaled", "fault": "kubernetes.scale", "target": target, "arguments": {"replicas": 0},
         "duration": "300ms"},
        {"name": "paused", "fault": "kubernetes.rollout_pause", "target": target, "duration": "300ms"},
        {"name": "misled", "fault": "kubernetes.env_change", "target": target, "duration": "300ms",
         "arguments": {"variables": {"MODE": "x"}}},
    ], "steady-state-hypothesis": {"title": "x", "probes": [holds]}}


@pytest.mark.parametrize("seed", range(3))
def test_with_a_fifth_of_the_calls_failing_no_fault_is_left(simulated: str, seed: int, tmp_path: Path) -> None:
    at = cluster()
    with namespace(at) as space:
        make_workload(at, space)
        before = normalised(at.get(DEPLOYMENT.path(space, "web"), dict))
        with unwell(Path(simulated), often(SHARE, seed), tmp_path / "kubeconfig") as troubles:
            told = run(tmp_path, experiment(space))
        assert len(troubles) > 3
        assert told["restored"] in ("restored", "nothing-to-restore")
        assert normalised(at.get(DEPLOYMENT.path(space, "web"), dict)) == before


def test_an_api_server_that_is_killed_while_a_fault_acts_finds_it_undone_when_it_is_back(tmp_path: Path) -> None:
    lab = labs.up(tmp_path / "lab", Wanted(Pods.SIMULATED, 1), lambda _: None)
    try:
        shutil.copy(lab.kubeconfig, tmp_path / "kubeconfig")
        told, before, after = _with_a_restart(Path(lab.folder), tmp_path)
    finally:
        labs.down(tmp_path / "lab")
    assert (told["verdict"], told["restored"], told["exit"]) == ("passed", "restored", 0)
    assert after == before


def _with_a_restart(lab: Path, folder: Path) -> tuple[dict[str, Any], Any, Any]:
    """A run during which the API server is away for some seconds, from while its fault acts until after its end."""
    api = cluster_of(folder)
    with namespace(api) as space:
        make_workload(api, space)
        before = normalised(api.get(DEPLOYMENT.path(space, "web"), dict))
        scaled = {"name": "scaled", "fault": "kubernetes.scale", "duration": "2s", "arguments": {"replicas": 0},
                  "target": {"namespace": space, "workload": "deployment/web"}}
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(run, folder, {**experiment(space), "method": [scaled]})
            while api.get(DEPLOYMENT.path(space, "web"), Workload).spec.replicas:
                time.sleep(0.05)
            _kill(lab, servers.API_SERVER)
            time.sleep(AWAY_S)
            labs.start_again(lab, servers.API_SERVER)
            told = running.result()
        return told, before, normalised(api.get(DEPLOYMENT.path(space, "web"), dict))


def cluster_of(folder: Path) -> Cluster:
    """The cluster of this folder's kubeconfig, whichever others name."""
    access.cluster.cache_clear()
    before = os.environ.get("KUBECONFIG", "")
    os.environ["KUBECONFIG"] = str(folder / "kubeconfig")
    try:
        return access.cluster()
    finally:
        os.environ["KUBECONFIG"] = before
        access.cluster.cache_clear()


def _kill(lab: Path, part: str) -> None:
    found = read(lab)
    assert found
    os.kill(next(one.pid for one in found.parts if one.name == part), signal.SIGKILL)


def run(folder: Path, what: dict[str, Any]) -> dict[str, Any]:
    file = folder / "experiment.json"
    file.write_text(json.dumps(what))
    done = subprocess.run(
        [sys.executable, "-m", "chaos_runner", "run", str(file), "--json", "--reports", str(folder / "reports")],
        capture_output=True, text=True, check=False, timeout=200,
        env={**os.environ, "KUBECONFIG": str(folder / "kubeconfig"), "PYTHONPATH": os.pathsep.join(sys.path)})
    found: dict[str, Any] = json.loads(done.stdout)
    return found
