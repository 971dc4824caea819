"""Signals to processes in containers: real ones, on the real node."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from chaos_runner import shelf
from chaos_runner.contracts import Act, Grade
from chaos_runner.errors import NoTarget, Refused
from chaos_runner.lab.kubernetes.state import Lab
from chaos_runner.targets.kubernetes.access import Cluster, Forbidden, cluster
from chaos_runner.targets.kubernetes.inside import run
from chaos_runner.targets.kubernetes.kinds import DEPLOYMENT, NAMESPACE, POD, body_of
from chaos_runner.targets.kubernetes.objects import Pod
from chaos_runner.targets.kubernetes.pods import ref_of
from tests import turns
from tests.kubernetes.ground import prepared, soon

pytestmark = [pytest.mark.slow, turns.REAL_NODE]
WEB = "chaos-runner.lab/web:1"
SHELL = ["usr/bin", "usr/lib", "lib", "lib64"]
"""What of this machine a container needs for a shell: the lab's own image has none."""
WAITS = "trap 'exit 7' TERM; while :; do sleep 300 & wait; done"
HANDLES_NOTHING = "sleep 300; exit 1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"


class Space:
    """A namespace on the real node, with workloads of one pod each."""

    def __init__(self, at: Cluster, name: str) -> None:
        self.at = at
        self.name = name

    def workload(self, name: str, *containers: dict[str, Any], **spec: Any) -> Pod:
        """A Deployment, once its one pod is ready."""
        labels = {"app": name}
        mounts = [{"name": path.replace("/", "-"), "hostPath": {"path": f"/{path}"}} for path in SHELL]
        pod = {"containers": containers, "volumes": mounts, "terminationGracePeriodSeconds": 0, **spec}
        self.at.create(DEPLOYMENT.path(self.name), body_of(DEPLOYMENT, metadata={"name": name}, spec={
            "replicas": 1, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod}}))
        return self.ready(name)

    def ready(self, name: str) -> Pod:
        soon(lambda: [pod.ready for pod in self.pods(name)] == [True], within_s=60)
        return self.pods(name)[0]

    def pods(self, name: str) -> list[Pod]:
        return self.at.list(POD.path(self.name), Pod, {"labelSelector": f"app={name}"}).items

    def aimed(self, name: str, **arguments: Any) -> Act:
        (act,) = prepared("container_kill", {"namespace": self.name, "workload": f"deployment/{name}"}, arguments)
        return act


@pytest.fixture
def space(real_node: Lab) -> Iterator[Space]:
    cluster.cache_clear()
    made = Space(cluster(), f"k-inside-{uuid4().hex[:6]}")
    made.at.create(NAMESPACE.path(""), body_of(NAMESPACE, metadata={"name": made.name}))
    try:
        yield made
    finally:
        made.at.delete(NAMESPACE.path("", made.name), {})
        cluster.cache_clear()


def shell(script: str, name: str = "web") -> dict[str, Any]:
    """A container that runs a script in this machine's own sh."""
    return {"name": name, "image": WEB, "command": ["/usr/bin/sh", "-c", script],
            "env": [{"name": "PATH", "value": "/usr/bin:/bin"}],
            "volumeMounts": [{"name": path.replace("/", "-"), "mountPath": f"/{path}", "readOnly": True}
                             for path in SHELL]}


def fault() -> Any:
    return shelf.fault("kubernetes.container_kill")


def test_the_first_process_ends_and_its_container_is_started_again(space: Space) -> None:
    space.workload("web", {"name": "web", "image": WEB})
    act = space.aimed("web")
    evidence = fault().apply(act)
    assert evidence.grade is Grade.PROVEN
    assert evidence.before == "running, restarts 0"
    assert "the container ended with exit code" in evidence.after
    soon(lambda: space.ready("web").status.container_statuses[0].restart_count == 1, within_s=60)
    assert space.ready("web").metadata.uid == act.target["uid"]
    assert fault().aftermath(act, space.ready("web").metadata.creation_timestamp)[0] == (
        "container web: running, restarts 1")


def test_a_handler_s_own_exit_code_is_told(space: Space) -> None:
    space.workload("web", shell(WAITS))
    evidence = fault().apply(space.aimed("web"))
    assert "the container ended with exit code 7 (Error)" in evidence.after


def test_another_process_than_the_first_can_be_killed_and_the_container_goes_on(space: Space) -> None:
    space.workload("web", shell(WAITS))
    act = space.aimed("web", process="^sleep 300", signal="KILL")
    evidence = fault().apply(act)
    assert evidence.grade is Grade.PROVEN
    assert evidence.after.endswith("(sleep 300) has ended; the container goes on")
    assert space.ready("web").status.container_statuses[0].restart_count == 0
    with pytest.raises(NoTarget, match="has ended by itself"):
        fault().apply(act)


def test_a_signal_that_the_kernel_would_keep_from_it_is_refused_before_anything_is_hit(space: Space) -> None:
    space.workload("web", shell(HANDLES_NOTHING))
    with pytest.raises(Refused, match="has no handler for TERM, and the kernel keeps from a first process"):
        space.aimed("web")
    with pytest.raises(Refused, match="cannot be hit by KILL from within"):
        space.aimed("web", signal="KILL")
    with pytest.raises(Refused, match=r"the first in container web .* has no handler for KILL"):
        space.aimed("web", signal="KILL", process="^/usr/bin/sh")


def test_a_signal_that_is_handled_and_ignored_is_no_effect(space: Space) -> None:
    space.workload("web", shell("trap : TERM; while :; do sleep 300 & wait; done"))
    evidence = fault().apply(space.aimed("web", within="2s"))
    assert evidence.grade is Grade.NONE
    assert evidence.after.startswith("TERM was sent to 1 (/usr/bin/sh -c trap")


def test_an_image_without_a_shell_and_a_kill_is_refused(space: Space) -> None:
    space.workload("web", {"name": "web", "image": "ghcr.io/shopify/toxiproxy:2.12.0"})
    with pytest.raises(Refused, match="has no sh or kill that could send a signal"):
        space.aimed("web")
    space.workload("cart", {"name": "web", "image": WEB})
    with pytest.raises(Refused, match="has no sh that could send a signal"):
        space.aimed("cart", process="web")


def test_what_would_not_be_started_again_or_may_hit_others_is_refused(space: Space) -> None:
    space.workload("shared", {"name": "web", "image": WEB}, shareProcessNamespace=True)
    with pytest.raises(Refused, match=r"see the processes of others \(shareProcessNamespace\)"):
        space.aimed("shared")
    space.workload("two", {"name": "web", "image": WEB, "env": [{"name": "PORT", "value": "81"}]},
                   {"name": "beside", "image": WEB})
    with pytest.raises(Refused, match="has several containers: name one with `container`; there are: web, beside"):
        space.aimed("two")
    with pytest.raises(Refused, match="has no container 'wed'; there are: web, beside"):
        space.aimed("two", container="wed")
    assert space.aimed("two", container="beside").do["container"] == "beside"
    once = {"containers": [{"name": "web", "image": WEB}], "restartPolicy": "Never"}
    space.at.create(POD.path(space.name), body_of(POD, metadata={"name": "once", "labels": {"app": "once"}}, spec=once))
    space.ready("once")
    with pytest.raises(Refused, match=r"would not be started again whatever happens \(restartPolicy Never\)"):
        prepared("container_kill", {"namespace": space.name, "names": ["once"]})


def test_a_container_that_was_started_again_meanwhile_is_not_hit(space: Space) -> None:
    space.workload("web", {"name": "web", "image": WEB})
    act = space.aimed("web")
    fault().apply(act)
    soon(lambda: space.ready("web").status.container_statuses[0].restart_count == 1, within_s=60)
    with pytest.raises(NoTarget, match="was started again, before it was hit"):
        fault().apply(act)


def test_who_may_not_exec_is_refused_and_impersonation_counts_there_too(space: Space, tmp_path: Path) -> None:
    pod = space.workload("web", {"name": "web", "image": WEB})
    with somebody(space, tmp_path, ["get", "list"]):
        with pytest.raises(Refused, match="no right to create pods/exec"):
            space.aimed("web")
        with pytest.raises(Forbidden, match="pods/exec"):
            run(cluster(), ref_of(cluster(), "pod", pod), "web", ["kill", "-0", "1"])


@contextmanager
def somebody(space: Space, folder: Path, verbs: list[str]) -> Iterator[None]:
    """While the block lasts we are a user who may do this to pods and workloads, and nothing else."""
    rules = [{"verbs": verbs, "apiGroups": ["", "apps"], "resources": ["pods", "deployments", "replicasets"]}]
    space.at.create(f"{RBAC}/namespaces/{space.name}/roles", {"metadata": {"name": "somebody"}, "rules": rules})
    space.at.create(f"{RBAC}/namespaces/{space.name}/rolebindings", {
        "metadata": {"name": "somebody"}, "subjects": [{"kind": "User", "name": "somebody"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "somebody"}})
    before = os.environ["KUBECONFIG"]
    said = yaml.safe_load(Path(before).read_text())
    said["users"][0]["user"]["as"] = "somebody"
    (folder / "somebody").write_text(json.dumps(said))
    os.environ["KUBECONFIG"] = str(folder / "somebody")
    cluster.cache_clear()
    try:
        yield
    finally:
        os.environ["KUBECONFIG"] = before
        cluster.cache_clear()
