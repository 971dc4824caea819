"""Figures on a cluster of 10,000 pods, whichever KUBECONFIG names: a simulated one does.

    KUBECONFIG=… python -m benchmarks.kubernetes [--seconds 300]

It fills a namespace of its own, measures, and deletes it.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from statistics import median
from subprocess import DEVNULL, PIPE, Popen, run
from typing import Any, Final

from benchmarks.figures import OURS, Figure
from chaos_runner.errors import Gone
from chaos_runner.targets.kubernetes.access import Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import DEPLOYMENT, NAMESPACE, POD, body_of
from chaos_runner.targets.kubernetes.objects import Pod, Workload

SPACE: Final = "chaos-runner-bench"
WORKLOADS: Final = 20
REPLICAS: Final = 500
_PATIENCE_S: Final = 1200.0
_CONTAINER: Final = {"name": "web", "image": "registry.example.org/web:1", "env": [{"name": "MODE", "value": "fast"}],
                     "ports": [{"containerPort": 8080}], "resources": {"requests": {"cpu": "1m"}}}

_TIMED: Final = """
import json, resource, time
def peak_kib(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before_kib, began_s = peak_kib(), time.perf_counter()
found = resolve()
print(json.dumps([time.perf_counter() - began_s, (peak_kib() - before_kib) / 1024, len(found)]))
"""
_RESOLVED: Final = f"""
from chaos_runner.targets.kubernetes.access import cluster
from chaos_runner.targets.kubernetes.kinds import NAMESPACE
from chaos_runner.targets.kubernetes.objects import Whole
from chaos_runner.targets.kubernetes.pods import PodTarget, find
cluster().get(NAMESPACE.path("", "default"), Whole)
def resolve():
    return find(PodTarget(namespace="{SPACE}", workload="deployment/web-0"), seed=1).pods
""" + _TIMED
_LISTED: Final = f"""
from kubernetes import client, config
config.load_kube_config()
core = client.CoreV1Api()
core.read_namespace("default")
def resolve():
    return core.list_namespaced_pod("{SPACE}").items
""" + _TIMED


def resolving(runs: int) -> Iterator[Figure]:
    """The pods of one Deployment, beside the client's list of all; each in a process of its own, in turn."""
    ours, theirs = zip(*((_child(_RESOLVED), _child(_LISTED)) for _ in range(runs)), strict=True)
    assert all(one[2] == REPLICAS for one in ours)
    what = (f"one Deployment's {REPLICAS} pods among {WORKLOADS * REPLICAS:,}, beside the kubernetes client's list "
            "of all")
    for number, unit, limit, bounded_by in (
            (0, "s", 0.02, "the API server: three small answers and one of 500 pods"),
            (1, "MiB", 0.05, "the answer's text and a few fields of each pod")):
        a, b = median(one[number] for one in ours), median(one[number] for one in theirs)
        yield Figure(what=f"{what}: {'time' if unit == 's' else 'growth of the peak memory'}", ours=f"{a:.2f} {unit}",
                     theirs=f"{b:.2f} {unit}", found=f"{a / b:.4f}x", limit=f"≤ {limit}x", held=a / b <= limit,
                     bounded_by=bounded_by)


def sampling(at: Cluster, seconds: int) -> Figure:
    """Twenty probes on pods once a second, in a run of its own, while a pod is killed each second."""
    with tempfile.TemporaryDirectory() as name:
        cpu_s, wall_s, watches, samples = _sampled(at, Path(name), seconds)
    share = cpu_s / wall_s
    return Figure(
        what=f"{len(_probes())} pod probes at 1 Hz for {seconds} s on {WORKLOADS * REPLICAS:,} pods, of which one is "
             f"replaced each second: the whole run ({samples} samples)",
        ours=f"{cpu_s:.1f} s of {wall_s:.0f} s, {watches} watch of pods", theirs="has no watch",
        found=f"{share:.1%} of a core", limit="≤ 10 %, one watch", held=share <= 0.1 and watches == 1,
        bounded_by="the first list of 10,000 pods, and counting anew after each change")


def _child(program: str) -> tuple[float, float, int]:
    done = run([sys.executable, "-c", program], stdout=PIPE, check=True)
    took_s, grew_mib, found = json.loads(done.stdout)
    return took_s, grew_mib, found


def _probes() -> list[dict[str, Any]]:
    """Different questions, about different pods."""
    def one(number: int, probe: str, more: dict[str, Any], **limit: Any) -> dict[str, Any]:
        arguments = {"namespace": SPACE, "workload": f"deployment/web-{number}", **more}
        return {"name": f"{probe} {number}", "probe": f"kubernetes.{probe}", "every": "1s", "arguments": arguments,
                **limit}

    return [*(one(number, "ready_share", {}, **{"at-least": "90%"}) for number in range(8)),
            *(one(number, "pod_phase", {"phase": "Pending"}, **{"at-most": 50}) for number in range(8, 14)),
            *(one(number, "restarts", {}, **{"at-most": 0}) for number in range(14, 20))]


def _sampled(at: Cluster, folder: Path, seconds: int) -> tuple[float, float, int, int]:
    """Seconds of CPU, of the clock, watches of pods that were added, and samples."""
    file = folder / "experiment.json"
    file.write_text(json.dumps({
        "title": "twenty probes", "description": "a benchmark", "method": [],
        "steady-state-hypothesis": {"title": "pods are well", "baseline": f"{seconds}s", "probes": _probes()}}))
    watched_before = _watches(at)
    command = [OURS, "run", str(file), "--hypothesis-only", "--quiet", "--json", "--reports", str(folder / "reports")]
    began_s = time.perf_counter()
    with _churn(at), Popen(command, stdout=(folder / "out").open("wb"), stderr=DEVNULL) as process:
        time.sleep(seconds / 2)
        watches = _watches(at) - watched_before
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    told = json.loads((folder / "out").read_text())
    samples = sum(one["samples"] - one["missing"] for one in told["probes"])
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - began_s, watches, samples


def _watches(at: Cluster) -> int:
    """How many watches of pods the API server has under way."""
    lines = at.text("/metrics").splitlines()
    return round(sum(float(line.rpartition(" ")[2]) for line in lines
                     if line.startswith("apiserver_longrunning_requests{") and 'resource="pods"' in line
                     and 'verb="WATCH"' in line))


@contextmanager
def _churn(at: Cluster) -> Iterator[None]:
    """A pod is killed each second."""
    over = threading.Event()
    names = [pod.metadata.name for pod in at.list(POD.path(SPACE), Pod).items]
    random.Random(7).shuffle(names)  # noqa: S311 (chance, no secret)

    def kill() -> None:
        while names and not over.wait(1.0):
            with suppress(Gone):
                at.delete(POD.path(SPACE, names.pop()), {"gracePeriodSeconds": 0})

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    try:
        yield
    finally:
        over.set()
        killer.join()


@contextmanager
def _filled(at: Cluster) -> Iterator[None]:
    """A namespace with all the pods, ready."""
    at.create(NAMESPACE.path(""), body_of(NAMESPACE, metadata={"name": SPACE}))
    try:
        for number in range(WORKLOADS):
            labels = {"app": f"web-{number}"}
            template = {"metadata": {"labels": labels},
                        "spec": {"containers": [_CONTAINER], "terminationGracePeriodSeconds": 0}}
            at.create(DEPLOYMENT.path(SPACE), body_of(
                DEPLOYMENT, metadata={"name": f"web-{number}"},
                spec={"replicas": REPLICAS, "selector": {"matchLabels": labels}, "template": template}))
        _wait_until_ready(at)
        yield
    finally:
        at.delete(NAMESPACE.path("", SPACE), {})


def _wait_until_ready(at: Cluster) -> None:
    until_s = time.monotonic() + _PATIENCE_S
    while (ready := _ready(at)) < WORKLOADS * REPLICAS:
        if time.monotonic() > until_s:
            raise TimeoutError(f"{ready} of {WORKLOADS * REPLICAS} pods are ready")
        print(f"{ready} of {WORKLOADS * REPLICAS} pods are ready", file=sys.stderr)
        time.sleep(5)


def _ready(at: Cluster) -> int:
    return sum(one.status.ready_replicas for one in at.list(DEPLOYMENT.path(SPACE), Workload).items)


def main() -> int:
    """Exit code 1 when a limit does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kubernetes", description=__doc__)
    parser.add_argument("--seconds", type=int, default=300, help="how long the probes are sampled")
    parser.add_argument("--runs", type=int, default=3, help="how often pods are looked for")
    options = parser.parse_args()
    at = cluster()
    held = True
    with _filled(at):
        for figure in chain(resolving(options.runs), (sampling(at, one) for one in [options.seconds])):
            print(f"{'held' if figure.held else 'NOT HELD':<9} {figure.found:>9} ({figure.limit})  {figure.what}: "
                  f"{figure.ours}; {figure.theirs}", flush=True)
            held = held and figure.held
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
