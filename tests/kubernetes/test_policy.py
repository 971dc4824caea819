"""`policy kubernetes`: the least rights are enough, and without those to undo nothing is injected."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chaos_runner.targets.kubernetes.access import Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import DEPLOYMENT, EVENT, POD, SERVICE, body_of
from chaos_runner.targets.kubernetes.objects import Pod
from tests.cli.runner import Ran, chaos_runner, write
from tests.crash.cluster import make_workload, namespace, node
from tests.kubernetes.accounts import account
from tests.run.samples import single

pytestmark = pytest.mark.slow
Shots = list[dict[str, Any]]


@pytest.fixture
def at(simulated: str) -> Cluster:
    return cluster()


@pytest.fixture
def space(at: Cluster) -> Iterator[str]:
    with namespace(at) as name:
        make_workload(at, name)
        while sum(pod.ready for pod in at.list(POD.path(name), Pod).items) < 2:
            pass
        yield name


def written(space: str, folder: Path) -> Path:
    """An experiment that scales and kills."""
    target = {"namespace": space, "workload": "deployment/web"}
    hypothesis = {"title": "it is there", "probes": [single()]}
    return write({"title": f"Web of {space}", "description": "d", "steady-state-hypothesis": hypothesis, "method": [
        {"name": "scale", "fault": "kubernetes.scale", "target": target, "arguments": {"replicas": 1},
         "duration": "1s"},
        {"name": "kill", "fault": "kubernetes.pod_kill", "target": {**target, "count": 1}}]}, folder)


def policy(file: Path, *words: str) -> list[dict[str, Any]]:
    ran = chaos_runner("policy", "kubernetes", str(file), *words, KUBECONFIG="/there/is/none")
    assert ran.exit == 0, ran.err
    return list(yaml.safe_load_all(ran.out))


def run_as(kubeconfig: str, file: Path) -> Ran:
    return chaos_runner("run", str(file), "--json", "--reports", str(file.parent / "reports"), KUBECONFIG=kubeconfig)


def plan_as(kubeconfig: str, file: Path) -> Ran:
    return chaos_runner("plan", str(file), "--json", KUBECONFIG=kubeconfig)


def without(objects: list[dict[str, Any]], verb: str) -> list[dict[str, Any]]:
    for rule in (rule for one in objects for rule in one.get("rules", [])):
        rule["verbs"] = [each for each in rule["verbs"] if each != verb]
    return objects


def test_an_experiment_runs_with_exactly_the_rights_of_its_policy(
    at: Cluster, space: str, simulated: str, tmp_path: Path,
) -> None:
    file = written(space, tmp_path)
    with account(at, policy(file), simulated, tmp_path) as theirs:
        planned = plan_as(theirs, file)
        assert planned.exit == 0, planned.err
        assert not [note for fault in planned.outcome["faults"] for note in fault["notes"] if "could not" in note]
        ran = run_as(theirs, file)
    assert (ran.outcome["verdict"], ran.outcome["restored"]) == ("passed", "restored"), ran.err
    assert {shot["grade"] for shot in ran.outcome["faults"]} == {"proven"}
    reasons = [one["reason"] for one in at.list(EVENT.path(space), dict).items]
    assert reasons.count("FaultInjected") == 2
    assert reasons.count("FaultUndone") == 1


def test_the_read_only_policy_is_enough_to_plan_and_to_nothing_else(
    at: Cluster, space: str, simulated: str, tmp_path: Path,
) -> None:
    file = written(space, tmp_path)
    objects = policy(file, "--read-only")
    assert {verb for one in objects for rule in one.get("rules", []) for verb in rule["verbs"]} == {"get", "list"}
    with account(at, objects, simulated, tmp_path) as theirs:
        planned = plan_as(theirs, file)
        assert planned.exit == 3
        scale, kill = planned.outcome["faults"]
        assert [one["label"] for one in scale["targets"]] == [f"deployment {space}/web"]
        assert len(kill["targets"]) == 1
        assert any("no right to patch deployments web" in right["lacks"] for right in scale["rights"])
        ran = run_as(theirs, file)
    assert (ran.outcome["verdict"], ran.outcome["restored"]) == ("not-started", "nothing-to-restore")


@pytest.mark.parametrize(("verb", "says"), [
    ("patch", "it could not be undone: no right to patch deployments web"), ("delete", "no right to delete pods"),
])
def test_without_a_right_nothing_is_injected(
    verb: str, says: str, at: Cluster, space: str, simulated: str, tmp_path: Path,
) -> None:
    file = written(space, tmp_path)
    before = at.get(DEPLOYMENT.path(space, "web"), dict)["metadata"]["generation"]
    with account(at, without(policy(file), verb), simulated, tmp_path) as theirs:
        ran = run_as(theirs, file)
    assert (ran.outcome["verdict"], ran.exit) == ("not-started", 3)
    assert says in ran.err
    assert at.get(DEPLOYMENT.path(space, "web"), dict)["metadata"]["generation"] == before


def test_only_what_the_experiment_names_is_allowed(tmp_path: Path) -> None:
    target = {"namespace": "shop", "workload": "deployment/checkout"}
    step = {"name": "s", "fault": "kubernetes.scale", "target": target, "arguments": {"replicas": 1}, "duration": "1s"}
    file = write({"title": "Small: # rights\n", "description": "d", "method": [step]}, tmp_path)
    objects = policy(file, "--name", "mine", "--namespace", "chaos")
    assert objects[0]["metadata"] == {"name": "mine", "namespace": "chaos"}
    patches = [rule for one in objects for rule in one.get("rules", []) if "patch" in rule["verbs"]]
    assert patches == [{"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["checkout"],
                        "verbs": ["get", "patch"]}]
    assert not [one for one in objects if "Cluster" in one["kind"]
                and any(rule["resources"] != ["namespaces"] for rule in one.get("rules", []))]


@pytest.mark.parametrize(("method", "words", "says"), [
    ([], (), "nothing in this experiment reaches for Kubernetes"),
    (["a", "b"], (), "several contexts ('a', 'b')"),
    (["a", "b"], ("--context", "c"), "reaches for the context 'c'"),
])
def test_what_has_no_policy_is_refused(method: list[str], words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    steps: Shots = [{"name": one, "fault": "kubernetes.scale", "arguments": {"replicas": 1}, "duration": "1s",
                     "target": {"context": one, "namespace": "shop", "workload": "deployment/web"}} for one in method]
    file = write({"title": "t", "description": "d", "method": steps}, tmp_path)
    ran = chaos_runner("policy", "kubernetes", str(file), *words)
    assert ran.exit == 2
    assert says in ran.err


def step(fault: str, target: dict[str, Any], duration: str = "200ms", **arguments: Any) -> dict[str, Any]:
    return {"name": fault, "fault": f"kubernetes.{fault}", "target": target, "arguments": arguments,
            **({"duration": duration} if duration else {})}


def test_what_each_fault_says_that_it_needs_is_enough_for_it(
    at: Cluster, space: str, simulated: str, tmp_path: Path,
) -> None:
    at.create(SERVICE.path(space), body_of(SERVICE, metadata={"name": "web"}, spec={
        "selector": {"app": "web"}, "ports": [{"port": 80}]}))
    whole = {"namespace": space, "workload": "deployment/web"}
    service = {"namespace": space, "service": "web"}
    with node(at) as name:
        probe = {"name": "pods", "probe": "kubernetes.ready_share", "arguments": whole, "at-least": "0%", "every": "1s"}
        file = write({"title": f"All of {space}", "description": "d", "baseline": "1s", "steady-state-hypothesis": {
            "title": "x", "probes": [probe]}, "method": [
            step("service_cut", service), step("network_partition", whole, direction="ingress"),
            step("dns_block", {**whole, "count": 1}), step("pod_failure", {**whole, "count": 1}),
            step("env_change", whole, variables={"MODE": "slow"}), step("rollout_pause", whole),
            step("node_cordon", {"names": [name]}), step("node_taint", {"names": [name]}, key="broken"),
            step("pod_evict", {**whole, "count": 1}, ""), step("rollout_restart", whole, "")]}, tmp_path)
        with account(at, policy(file), simulated, tmp_path) as theirs:
            planned = plan_as(theirs, file)
            assert planned.outcome["refusals"] == []
            assert not [note for fault in planned.outcome["faults"] for note in fault["notes"] if "could not" in note]
            ran = run_as(theirs, file)
        assert ran.outcome["restored"] == "restored", ran.err
        assert not [shot["name"] for shot in ran.outcome["faults"] if shot["grade"] == "none"], ran.err
