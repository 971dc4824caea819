"""What chaostoolkit-kubernetes did is brought back, though its author wrote no way back."""

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from chaos_runner.contracts import Act, Answer
from chaos_runner.errors import ActFailed, Gone, NoTarget, Refused
from chaos_runner.experiment.model import KnownUndo
from chaos_runner.inverses import Asked, Call, Looking, looking
from chaos_runner.inverses.chaosk8s import INVERSES
from chaos_runner.mark import Mark
from chaos_runner.targets.kubernetes.access import JSON_PATCH, MERGE, Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import (
    DEPLOYMENT,
    INGRESS,
    NODE,
    POLICY,
    REPLICASET,
    SECRET,
    SERVICE,
    WORKLOADS,
    Kind,
    body_of,
)
from tests.cli.runner import all_files, chaos_runner, journal, run, running
from tests.crash.cluster import make_workload, namespace
from tests.inverses.servers import eventually, plan_of
from tests.run.samples import action, experiment, single

pytestmark = [
    pytest.mark.slow, pytest.mark.usefixtures("simulated"),
    pytest.mark.skipif(find_spec("chaosk8s") is None, reason="chaostoolkit-kubernetes is not installed"),
]
MARK = Mark(run="01TEST", number=0, expires="20991121T000000Z")
HIDDEN = "c2VzYW1lLW9wZW4="
UNTRACKED = {"chaosk8s.namespace.actions.create_namespace", "chaosk8s.namespace.actions.delete_namespace",
             "chaosk8s.pod.actions.exec_in_pods"}


@pytest.fixture
def at() -> Cluster:
    return cluster()


@pytest.fixture
def space(at: Cluster) -> Iterator[str]:
    with namespace(at) as name:
        make_workload(at, name)
        yield name


@pytest.fixture
def node(at: Cluster) -> Iterator[str]:
    """A simulated node of its own, with a label of its own, on which no pod comes."""
    name = f"inverses-{uuid4().hex[:8]}"
    at.create(NODE.path(""), body_of(
        NODE, spec={"taints": [{"key": "inverses.example.org/node", "effect": "NoSchedule"}]},
        metadata={"name": name, "labels": {"inverses": name}, "annotations": {"kwok.x-k8s.io/node": "fake"}}))
    yield name
    with suppress(Gone):
        at.delete(NODE.path("", name), {})


def known(path: str) -> Looking:
    return looking(KnownUndo(action=f"chaosk8s.{path}"))


def seen(path: str, *, earlier: list[Act] | None = None, **arguments: Any) -> list[Act]:
    call = Call(arguments=arguments, access={})
    return known(path).look(Asked(call=call, mark=MARK, earlier=earlier or []))


def call(path: str, **arguments: Any) -> Any:
    module, _, func = path.rpartition(".")
    return getattr(import_module(f"chaosk8s.{module}"), func)(**arguments)


def undo(path: str, acts: list[Act]) -> set[Answer]:
    """Undone twice, newest first, as a run does that dies in between."""
    for _ in range(2):
        for act in reversed(acts):
            known(path).undo(act, {})
    return verify(path, acts)


def verify(path: str, acts: list[Act]) -> set[Answer]:
    return {known(path).verify(act, {}).answer for act in acts}


def there(at: Cluster, kind: Kind, space: str, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = at.get(kind.path(space, name), dict)
    except Gone:
        return None
    return found


def make(at: Cluster, kind: Kind, space: str, name: str, **fields: Any) -> None:
    at.create(kind.path(space), body_of(kind, metadata={"name": name}, **fields))


def service(at: Cluster, space: str) -> None:
    make(at, SERVICE, space, "web", spec={"selector": {"app": "web"}, "ports": [{"port": 80}]})


def stateful(at: Cluster, space: str) -> None:
    make(at, WORKLOADS["statefulset"], space, "db", spec=_of_pods("db", replicas=2, serviceName="db"))


def _of_pods(name: str, **more: Any) -> dict[str, Any]:
    labels = {"app": name}
    pod = {"containers": [{"name": name, "image": "registry.example.org/x:1"}]}
    return {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}, **more}


def ingress(at: Cluster, space: str) -> None:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    make(at, INGRESS, space, "web", spec={"defaultBackend": backend})


def daemon(at: Cluster, space: str) -> None:
    make(at, WORKLOADS["daemonset"], space, "agent", spec=_of_pods("agent"))


def secret(at: Cluster, space: str) -> None:
    make(at, SECRET, space, "password", data={"word": HIDDEN}, type="Opaque")


# ── the table ───────────────────────────────────────────────────────────────────────────────────────────────────────

def test_every_action_of_the_package_is_in_the_table_or_known_to_have_no_way_back() -> None:
    discovered = import_module("chaosk8s").load_exported_activities()
    actions = {f"{each['mod']}.{each['name']}" for each in discovered if each["type"] == "action"}
    shown = {path for path in actions if ".probes." not in path}
    assert shown - set(INVERSES) == UNTRACKED
    module_of = {path: path.rpartition(".") for path in INVERSES}
    assert all(callable(getattr(import_module(module), func)) for module, _, func in module_of.values())


def test_pods_are_healed_by_their_workload_and_not_untracked() -> None:
    step = action(module="chaosk8s.pod.actions", func="terminate_pods", arguments={"ns": "shop"})
    found = plan_of(experiment(step, probes=[single()])).experiment.method[0].known
    assert found == KnownUndo(action="chaosk8s.pod.actions.terminate_pods",
                              healed_by="their workload, which makes new pods")


# ── fields ──────────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize(("path", "kind", "name", "setup"), [
    ("deployment.actions.scale_deployment", DEPLOYMENT, "web", None),
    ("actions.scale_microservice", DEPLOYMENT, "web", None),
    ("statefulset.actions.scale_statefulset", WORKLOADS["statefulset"], "db", stateful),
])
def test_a_scaled_workload_gets_its_replicas_back(
        at: Cluster, space: str, path: str, kind: Kind, name: str, setup: Callable[..., None] | None) -> None:
    if setup:
        setup(at, space)
    acts = seen(path, name=name, ns=space, replicas=0)
    call(path, name=name, ns=space, replicas=0)
    assert verify(path, acts) == {Answer.NOT_RESTORED}
    assert undo(path, acts) == {Answer.RESTORED}
    assert at.get(kind.path(space, name), dict)["spec"]["replicas"] == 2


def test_what_somebody_else_scaled_meanwhile_is_left_as_it_is(at: Cluster, space: str) -> None:
    path = "deployment.actions.scale_deployment"
    acts = seen(path, name="web", ns=space, replicas=0)
    call(path, name="web", ns=space, replicas=0)
    at.patch(DEPLOYMENT.path(space, "web"), {"spec": {"replicas": 5}}, MERGE)
    assert undo(path, acts) == {Answer.DRIFT}
    assert at.get(DEPLOYMENT.path(space, "web"), dict)["spec"]["replicas"] == 5


def test_nothing_is_undone_on_another_object_of_the_same_name(at: Cluster, space: str) -> None:
    path = "deployment.actions.scale_deployment"
    acts = seen(path, name="web", ns=space, replicas=0)
    at.delete(DEPLOYMENT.path(space, "web"), {})
    make_workload(at, space, replicas=0)
    assert undo(path, acts) == {Answer.GONE}
    assert at.get(DEPLOYMENT.path(space, "web"), dict)["spec"]["replicas"] == 0


def test_an_action_on_what_is_not_there_is_left_to_fail_by_itself(space: str) -> None:
    with pytest.raises(NoTarget, match="no deployment"):
        seen("deployment.actions.scale_deployment", name="other", ns=space, replicas=0)
    with pytest.raises(NoTarget, match="its arguments"):
        seen("deployment.actions.scale_deployment", ns=space)


@pytest.mark.parametrize("path", ["node.actions.cordon_node", "node.actions.drain_nodes"])
def test_a_cordoned_node_can_be_scheduled_on_again(at: Cluster, node: str, path: str) -> None:
    acts = seen(path, label_selector=f"inverses={node}")
    call(path, label_selector=f"inverses={node}")
    assert verify(path, acts) == {Answer.NOT_RESTORED}
    assert undo(path, acts) == {Answer.RESTORED}
    assert "unschedulable" not in at.get(NODE.path("", node), dict)["spec"]


def test_a_node_that_was_cordoned_before_stays_so(at: Cluster, node: str) -> None:
    at.patch(NODE.path("", node), {"spec": {"unschedulable": True}}, MERGE)
    assert not seen("node.actions.drain_nodes", name=node)
    acts = seen("node.actions.uncordon_node", name=node)
    call("node.actions.uncordon_node", name=node)
    assert undo("node.actions.uncordon_node", acts) == {Answer.RESTORED}
    assert at.get(NODE.path("", node), dict)["spec"]["unschedulable"] is True


def test_what_a_run_takes_back_itself_is_not_done_once_more(node: str) -> None:
    cordoned = seen("node.actions.cordon_node", name=node)
    call("node.actions.cordon_node", name=node)
    assert not seen("node.actions.uncordon_node", name=node, earlier=cordoned)


def test_of_two_changes_of_one_field_each_goes_back_to_the_beginning(at: Cluster, space: str) -> None:
    path = "deployment.actions.scale_deployment"
    first = seen(path, name="web", ns=space, replicas=0)
    call(path, name="web", ns=space, replicas=0)
    second = seen(path, name="web", ns=space, replicas=7, earlier=first)
    call(path, name="web", ns=space, replicas=7)
    assert undo(path, second) == {Answer.RESTORED}
    assert verify(path, first) == {Answer.RESTORED}
    assert at.get(DEPLOYMENT.path(space, "web"), dict)["spec"]["replicas"] == 2


@pytest.mark.parametrize(("path", "kind", "name", "setup", "spec"), [
    ("daemonset.actions.update_daemon_set", WORKLOADS["daemonset"], "agent", daemon,
     {"metadata": {"labels": {"team": "red"}}, "spec": {"template": {"spec": {"nodeSelector": {"no": "where"}}}}}),
    ("networking.actions.update_ingress", INGRESS, "web", ingress,
     {"metadata": {"annotations": {"colour": "red"}}, "spec": {"ingressClassName": "none"}}),
])
def test_a_patched_object_gets_its_fields_back(
        at: Cluster, space: str, path: str, kind: Kind, name: str, setup: Callable[..., None],
        spec: dict[str, Any]) -> None:
    setup(at, space)
    before = at.get(kind.path(space, name), dict)
    acts = seen(path, name=name, ns=space, spec=spec)
    call(path, name=name, ns=space, spec=spec)
    assert undo(path, acts) == {Answer.RESTORED}
    after = at.get(kind.path(space, name), dict)
    assert after["spec"] == before["spec"]
    assert not ({"team", "colour"} & {*after["metadata"].get("labels", {}), *after["metadata"].get("annotations", {})})


def test_a_variable_named_like_a_secret_is_not_recorded(at: Cluster, space: str) -> None:
    daemon(at, space)
    spec = {"spec": {"template": {"spec": {"containers": [
        {"name": "agent", "env": [{"name": "DB_PASSWORD", "value": "sesame"}]}]}}}}
    with pytest.raises(Refused, match="valueFrom"):
        seen("daemonset.actions.update_daemon_set", name="agent", ns=space, spec=spec)


# ── making and deleting ─────────────────────────────────────────────────────────────────────────────────────────────

POLICIES = [("deny_all_ingress", "chaostoolkit-deny-all-ingress"), ("deny_all_egress", "chaostoolkit-deny-all-egress"),
            ("allow_dns_access", "chaostoolkit-allow-dns")]


@pytest.mark.parametrize(("func", "name"), POLICIES)
def test_a_network_policy_goes_away(at: Cluster, space: str, func: str, name: str) -> None:
    path = f"networking.actions.{func}"
    given: dict[str, Any] = {"ns": space, "label_selectors": {"app": "web"}}
    acts = seen(path, **given)
    call(path, **given)
    assert there(at, POLICY, space, name)
    assert not seen(f"networking.actions.remove_{func}", ns=space, earlier=acts)
    assert verify(path, acts) == {Answer.NOT_RESTORED}
    assert undo(path, acts) == {Answer.RESTORED}
    assert there(at, POLICY, space, name) is None


def test_a_policy_that_was_there_before_the_run_is_not_its_own(at: Cluster, space: str) -> None:
    call("networking.actions.deny_all_ingress", ns=space)
    assert not seen("networking.actions.deny_all_ingress", ns=space)
    path = "networking.actions.remove_deny_all_ingress"
    acts = seen(path, ns=space)
    call(path, ns=space)
    assert undo(path, acts) == {Answer.RESTORED}
    assert there(at, POLICY, space, "chaostoolkit-deny-all-ingress")


def test_a_policy_of_that_name_that_somebody_else_made_stays(at: Cluster, space: str) -> None:
    path = "networking.actions.deny_all_ingress"
    acts = seen(path, ns=space)
    make(at, POLICY, space, "chaostoolkit-deny-all-ingress",
         spec={"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Egress"]})
    assert undo(path, acts) == {Answer.DRIFT}
    assert there(at, POLICY, space, "chaostoolkit-deny-all-ingress")


FILES: Mapping[str, tuple[Kind, dict[str, Any]]] = {
    "deployment.actions.create_deployment": (DEPLOYMENT, {"spec": _of_pods("new")}),
    "statefulset.actions.create_statefulset": (WORKLOADS["statefulset"], {"spec": _of_pods("new", serviceName="new")}),
    "daemonset.actions.create_daemon_set": (WORKLOADS["daemonset"], {"spec": _of_pods("new")}),
    "service.actions.create_service_endpoint": (SERVICE, {"spec": {"ports": [{"port": 80}]}}),
    "secret.actions.create_secret": (SECRET, {"data": {"word": HIDDEN}}),
    "networking.actions.create_ingress": (
        INGRESS, {"spec": {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}}),
    "networking.actions.create_network_policy": (POLICY, {"spec": {"podSelector": {}}}),
    "actions.start_microservice": (DEPLOYMENT, {"spec": _of_pods("new")}),
}


@pytest.mark.parametrize("path", FILES)
def test_what_was_made_from_a_file_goes_away(at: Cluster, space: str, tmp_path: Path, path: str) -> None:
    kind, fields = FILES[path]
    file = tmp_path / "new.json"
    file.write_text(json.dumps(body_of(kind, metadata={"name": "new"}, **fields)))
    acts = seen(path, spec_path=str(file), ns=space)
    assert HIDDEN not in str(acts)
    call(path, spec_path=str(file), ns=space)
    assert undo(path, acts) == {Answer.RESTORED}
    assert there(at, kind, space, "new") is None


DELETED: Mapping[str, tuple[Kind, str, Callable[..., None] | None]] = {
    "deployment.actions.delete_deployment": (DEPLOYMENT, "web", None),
    "actions.kill_microservice": (DEPLOYMENT, "web", None),
    "statefulset.actions.remove_statefulset": (WORKLOADS["statefulset"], "db", stateful),
    "daemonset.actions.delete_daemon_set": (WORKLOADS["daemonset"], "agent", daemon),
    "service.actions.delete_service": (SERVICE, "web", service),
    "actions.remove_service_endpoint": (SERVICE, "web", service),
    "secret.actions.delete_secret": (SECRET, "password", secret),
    "networking.actions.delete_ingress": (INGRESS, "web", ingress),
}


@pytest.mark.parametrize("path", DELETED)
def test_what_was_deleted_is_made_anew(at: Cluster, space: str, path: str) -> None:
    from kubernetes.client.exceptions import NotFoundException

    kind, name, setup = DELETED[path]
    if setup:
        setup(at, space)
    before = at.get(kind.path(space, name), dict)
    acts = seen(path, name=name, ns=space)
    for act in acts:
        known(path).keep(act, {})
        known(path).keep(act, {})
    with suppress(NotFoundException):  # kill_microservice deletes pods that the cluster is collecting already
        call(path, name=name, ns=space, **({"label_selector": "app=web"} if "kill" in path else {}))
    assert eventually(lambda: there(at, kind, space, name) is None)
    assert undo(path, acts) == {Answer.RESTORED}
    after = at.get(kind.path(space, name), dict)
    assert [after.get(key) for key in ("spec", "data", "type")] == [before.get(key) for key in ("spec", "data", "type")]
    assert after["metadata"].get("labels") == before["metadata"].get("labels")
    assert not [one for one in at.list(SECRET.path(space), dict).items if "kept" in str(one)]


def test_what_a_journal_must_not_hold_is_kept_in_a_secret_beside_it(at: Cluster, space: str) -> None:
    secret(at, space)
    path = "secret.actions.delete_secret"
    [act] = seen(path, name="password", ns=space)
    assert HIDDEN not in str(act)
    known(path).keep(act, {})
    [copy] = at.list(SECRET.path(space), dict, {"labelSelector": "chaos-runner.io/run=01TEST"}).items
    assert (copy["metadata"]["name"], copy["immutable"]) == (act.was["kept"], True)
    assert copy["metadata"]["annotations"]["chaos-runner.io/expires"] == MARK.expires


def test_without_its_copy_nothing_is_called_restored(at: Cluster, space: str) -> None:
    secret(at, space)
    path = "secret.actions.delete_secret"
    [act] = seen(path, name="password", ns=space)
    call(path, name="password", ns=space)
    with pytest.raises(ActFailed, match="and so is its copy"):
        known(path).undo(act, {})
    assert verify(path, [act]) == {Answer.NOT_RESTORED}


def test_what_a_controller_makes_anew_is_left_to_it(at: Cluster, space: str) -> None:
    assert eventually(lambda: at.list(REPLICASET.path(space), dict).items)
    assert not seen("replicaset.actions.delete_replica_set", ns=space)


def test_a_deleted_node_is_made_anew(at: Cluster, node: str) -> None:
    path = "node.actions.delete_nodes"
    acts = seen(path, label_selector=f"inverses={node}")
    with suppress(AttributeError):  # the package stumbles over the API's answer
        call(path, label_selector=f"inverses={node}")
    assert verify(path, acts) == {Answer.NOT_RESTORED}
    assert undo(path, acts) == {Answer.RESTORED}
    assert at.get(NODE.path("", node), dict)["metadata"]["labels"]["inverses"] == node


def test_custom_objects_come_and_go_and_change(at: Cluster, space: str) -> None:
    """Policies stand for them: the package only wants a group, and to it all are alike."""
    where: dict[str, Any] = {"group": "networking.k8s.io", "version": "v1", "plural": "networkpolicies", "ns": space}
    body = body_of(POLICY, metadata={"name": "mine"}, spec={"podSelector": {}})
    made = seen("crd.actions.create_custom_object", resource=body, **where)
    call("crd.actions.create_custom_object", resource=body, **where)
    patch = [{"op": "add", "path": "/metadata/labels", "value": {"team": "red"}}]
    patched = seen("crd.actions.patch_custom_object", name="mine", resource=patch, **where)
    at.patch(POLICY.path(space, "mine"), patch, JSON_PATCH)
    assert undo("crd.actions.patch_custom_object", patched) == {Answer.RESTORED}
    assert "labels" not in at.get(POLICY.path(space, "mine"), dict)["metadata"]
    assert not seen("crd.actions.delete_custom_object", name="mine", earlier=made, **where)
    assert undo("crd.actions.create_custom_object", made) == {Answer.RESTORED}
    assert there(at, POLICY, space, "mine") is None


# ── runs ────────────────────────────────────────────────────────────────────────────────────────────────────────────

def step(path: str, **arguments: Any) -> dict[str, Any]:
    module, _, func = path.rpartition(".")
    return action(func, module=f"chaosk8s.{module}", func=func, arguments=arguments)


def test_a_run_brings_all_of_it_back_and_its_author_s_rollbacks_find_nothing_left(
        at: Cluster, space: str, node: str, tmp_path: Path) -> None:
    method = [step("deployment.actions.scale_deployment", name="web", ns=space, replicas=1),
              step("node.actions.cordon_node", name=node),
              step("networking.actions.deny_all_ingress", ns=space),
              step("pod.actions.terminate_pods", ns=space, all=True)]
    rollbacks = [step("networking.actions.remove_deny_all_ingress", ns=space),
                 step("node.actions.uncordon_node", name=node)]
    ran = run(experiment(*method, probes=[single()], rollbacks=rollbacks), tmp_path)
    told = {fault["name"]: fault for fault in ran.outcome["faults"]}
    assert (ran.exit, ran.outcome["verdict"], ran.outcome["restored"]) == (0, "passed", "reported")
    assert told["scale_deployment"]["targets"] == [f"deployment {space}/web"]
    assert {fault["restored"] for fault in told.values()} == {"restored", None}
    assert not any(fault["untracked"] for fault in told.values())
    assert told["terminate_pods"]["irreversible"] == "their workload, which makes new pods"
    assert at.get(DEPLOYMENT.path(space, "web"), dict)["spec"]["replicas"] == 2
    assert "unschedulable" not in at.get(NODE.path("", node), dict)["spec"]


def test_pods_that_nobody_had_prove_nothing(space: str, tmp_path: Path) -> None:
    kill = step("pod.actions.terminate_pods", ns=space, label_selector="app=other")
    ran = run(experiment(kill, probes=[single()]), tmp_path)
    assert (ran.exit, ran.outcome["verdict"]) == (5, "inconclusive")
    assert "hit nobody" in ran.outcome["sentence"]


def test_a_rollback_that_fails_for_another_reason_has_failed(space: str, tmp_path: Path) -> None:
    rollbacks = [step("deployment.actions.scale_deployment", name="other", ns=space, replicas=1)]
    ran = run(experiment(step("networking.actions.deny_all_egress", ns=space), probes=[single()], rollbacks=rollbacks),
              tmp_path)
    assert (ran.exit, ran.outcome["verdict"]) == (6, "error")


def test_the_watchdog_brings_a_killed_run_s_workload_and_secret_back(
        at: Cluster, space: str, tmp_path: Path) -> None:
    secret(at, space)
    wait = {"type": "action", "name": "wait", "provider": {"type": "process", "path": "sleep", "arguments": "60"}}
    method = [step("deployment.actions.delete_deployment", name="web", ns=space),
              step("secret.actions.delete_secret", name="password", ns=space), wait]
    with running(experiment(*method, probes=[single()]), tmp_path) as process:
        assert eventually(lambda: len([one for one in journal(tmp_path) if one["type"] == "StepBegan"]) == 3, 20)
        assert there(at, SECRET, space, "password") is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert eventually(lambda: there(at, SECRET, space, "password"))
    assert eventually((tmp_path / "reports" / "latest" / "outcome.json").exists)
    told = json.loads((tmp_path / "reports" / "latest" / "outcome.json").read_text())
    assert (told["exit"], told["restored"]) == (137, "restored")
    assert at.get(DEPLOYMENT.path(space, "web"), dict)["spec"]["replicas"] == 2
    assert at.get(SECRET.path(space, "password"), dict)["data"] == {"word": HIDDEN}
    assert [one["metadata"]["name"] for one in at.list(SECRET.path(space), dict).items] == ["password"]
    assert HIDDEN not in all_files(tmp_path)


def test_what_was_seen_is_on_disk_before_the_action_is_called(space: str, tmp_path: Path) -> None:
    run(experiment(step("deployment.actions.scale_deployment", name="web", ns=space, replicas=0), probes=[single()]),
        tmp_path)
    types = [event["type"] for event in journal(tmp_path) if event.get("step") == "m0"]
    assert types == ["Looked", "StepBegan", "StepEnded"]
    [event] = [event for event in journal(tmp_path) if event["type"] == "Looked"]
    assert event["acts"][0]["was"] == {"fields": [{"path": ["spec", "replicas"], "value": 2}]}


def test_a_plan_says_whom_it_hits_and_how_that_comes_back(space: str, tmp_path: Path) -> None:
    file = tmp_path / "experiment.json"
    file.write_text(json.dumps(experiment(step("service.actions.delete_service", name="none", ns=space),
                                          step("deployment.actions.delete_deployment", ns=space),
                                          step("pod.actions.terminate_pods", ns=space), probes=[single()])))
    told = json.loads(chaos_runner("plan", str(file), "--json").out)["faults"]
    assert [fault["way_back"] for fault in told] == ["verified", "verified", "irreversible"]
    assert [[target["label"] for target in fault["targets"]] for fault in told] == [[], [f"deployment {space}/web"], []]
    assert told[1]["undo"] == "what it deleted is made anew under the same name"


def _limited(at: Cluster, space: str, folder: Path) -> Path:
    """The kubeconfig of somebody who may delete Deployments there and not make any."""
    role, binding = (Kind("", "rbac.authorization.k8s.io/v1", plural, camel) for plural, camel in (
        ("roles", "Role"), ("rolebindings", "RoleBinding")))
    make(at, role, space, "deleter", rules=[
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "delete"]}])
    group = "rbac.authorization.k8s.io"
    make(at, binding, space, "deleter", roleRef={"apiGroup": group, "kind": "Role", "name": "deleter"},
         subjects=[{"apiGroup": group, "kind": "User", "name": "deleter"}])
    config = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    for user in config["users"]:
        user["user"]["as"] = "deleter"
    written = folder / "kubeconfig"
    written.write_text(json.dumps(config))
    return written


def test_where_undo_is_not_allowed_the_action_is_not_called(at: Cluster, space: str, tmp_path: Path) -> None:
    ran = run(experiment(step("deployment.actions.delete_deployment", name="web", ns=space), probes=[single()]),
              tmp_path, KUBECONFIG=str(_limited(at, space, tmp_path)))
    assert (ran.exit, ran.outcome["verdict"]) == (5, "error")
    assert "it could not be undone: no right to create deployments" in ran.outcome["sentence"]
    assert there(at, DEPLOYMENT, space, "web")
