"""An API server that is unwell keeps nobody from undoing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chaos_runner.targets.kubernetes.access import cluster
from chaos_runner.targets.kubernetes.kinds import DEPLOYMENT
from tests.crash.cluster import make_workload, namespace, normalised
from tests.kubernetes.unwell import unwell

pytestmark = pytest.mark.slow
SHARE = 0.2


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
        with unwell(Path(simulated), SHARE, seed, tmp_path / "kubeconfig") as troubles:
            told = run(tmp_path, experiment(space))
        assert len(troubles) > 3
        assert told["restored"] in ("restored", "nothing-to-restore")
        assert normalised(at.get(DEPLOYMENT.path(space, "web"), dict)) == before


def run(folder: Path, what: dict[str, Any]) -> dict[str, Any]:
    file = folder / "experiment.json"
    file.write_text(json.dumps(what))
    done = subprocess.run(
        [sys.executable, "-m", "chaos_runner", "run", str(file), "--json", "--reports", str(folder / "reports")],
        capture_output=True, text=True, check=False, timeout=200,
        env={**os.environ, "KUBECONFIG": str(folder / "kubeconfig"), "PYTHONPATH": os.pathsep.join(sys.path)})
    found: dict[str, Any] = json.loads(done.stdout)
    return found
