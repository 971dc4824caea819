"""Network faults with exactly the rights that `policy kubernetes` gives, and with less."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chaos_runner.targets.kubernetes.access import Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import POLICY, SERVICE, body_of
from chaos_runner.targets.kubernetes.services import ready_endpoints, wait_until
from tests.cli.runner import Ran, chaos_runner, write
from tests.crash.cluster import make_workload, namespace
from tests.kubernetes.accounts import account
from tests.kubernetes.detours import proxies_run
from tests.run.samples import single

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("simulated")]
WORKLOAD = {"workload": "deployment/web"}
ALL: dict[str, dict[str, Any]] = {
    "network_partition": {**WORKLOAD, "count": 1}, "dns_block": WORKLOAD, "service_cut": {"service": "web"},
    "service_latency": {"service": "web"},
}


@pytest.fixture
def at(simulated: str) -> Cluster:
    return cluster()


@pytest.fixture
def space(at: Cluster) -> Iterator[str]:
    with namespace(at) as name:
        make_workload(at, name)
        at.create(SERVICE.path(name), body_of(SERVICE, metadata={"name": "web"}, spec={
            "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}))
        assert wait_until(lambda: len(ready_endpoints(at, name, "web")) == 2, 20)
        yield name


def written(space: str, folder: Path, names: list[str]) -> Path:
    steps = [{"name": name, "fault": f"kubernetes.{name}", "target": {"namespace": space, **ALL[name]},
              "arguments": {"latency": "50ms"} if name == "service_latency" else {}, "duration": "300ms"}
             for name in names]
    hypothesis = {"title": "it is there", "probes": [single()]}
    return write({"title": f"Network of {space}", "description": "d", "steady-state-hypothesis": hypothesis,
                  "method": steps}, folder)


def policy(file: Path) -> list[dict[str, Any]]:
    ran = chaos_runner("policy", "kubernetes", str(file), KUBECONFIG="/there/is/none")
    assert ran.exit == 0, ran.err
    return list(yaml.safe_load_all(ran.out))


def run_as(kubeconfig: str, file: Path) -> Ran:
    return chaos_runner("run", str(file), "--json", "--reports", str(file.parent / "reports"), KUBECONFIG=kubeconfig)


def test_network_faults_run_with_exactly_the_rights_of_their_policy(at: Cluster, space: str, simulated: str,
                                                                    tmp_path: Path) -> None:
    file = written(space, tmp_path, list(ALL))
    with account(at, policy(file), simulated, tmp_path) as theirs, proxies_run(at, space, tmp_path):
        ran = run_as(theirs, file)
    assert (ran.outcome["verdict"], ran.outcome["restored"]) == ("passed", "restored"), ran.err
    assert [shot["grade"] for shot in ran.outcome["faults"]] == ["reported", "reported", "proven", "proven"]


def test_whole_workloads_are_cut_off_without_a_right_to_change_pods(space: str, tmp_path: Path) -> None:
    objects = policy(written(space, tmp_path, ["dns_block"]))
    assert not [rule for one in objects for rule in one.get("rules", []) if "patch" in rule["verbs"]]


@pytest.mark.parametrize(("name", "says"), [
    ("network_partition", "it could not be undone: no right to delete networkpolicies"),
    ("service_latency", "it could not be undone: no right to delete services"),
])
def test_who_may_not_delete_what_is_made_makes_nothing(name: str, says: str, at: Cluster, space: str, simulated: str,
                                                       tmp_path: Path) -> None:
    file = written(space, tmp_path, [name])
    objects = policy(file)
    for rule in (rule for one in objects for rule in one.get("rules", [])):
        rule["verbs"] = [each for each in rule["verbs"] if each != "delete"]
    with account(at, objects, simulated, tmp_path) as theirs:
        ran = run_as(theirs, file)
    assert (ran.outcome["verdict"], ran.exit) == ("not-started", 3)
    assert says in ran.err
    assert at.list(POLICY.path(space), dict).items == []
    assert [one["metadata"]["name"] for one in at.list(SERVICE.path(space), dict).items] == ["web"]


def test_a_plan_may_be_made_by_who_may_only_look(at: Cluster, space: str, simulated: str, tmp_path: Path) -> None:
    file = written(space, tmp_path, list(ALL))
    ran = chaos_runner("policy", "kubernetes", str(file), "--read-only", KUBECONFIG="/there/is/none")
    with account(at, list(yaml.safe_load_all(ran.out)), simulated, tmp_path) as theirs:
        planned = chaos_runner("plan", str(file), "--json", KUBECONFIG=theirs)
    assert planned.exit == 3
    assert all(fault["targets"] for fault in planned.outcome["faults"])
