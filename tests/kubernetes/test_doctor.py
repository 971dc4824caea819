"""`doctor kubernetes`: finds what was left, by us and by others, and only looks."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Mark, Setting
from chaos_runner.errors import Gone
from chaos_runner.experiment.arguments import convert
from chaos_runner.mark import moment
from chaos_runner.targets.kubernetes.access import JSON_PATCH, MERGE, Cluster, Conflict, cluster
from chaos_runner.targets.kubernetes.kinds import DEPLOYMENT, NODE, POD, POLICY, SERVICE, Kind, body_of
from chaos_runner.targets.kubernetes.left.everything import leftovers
from chaos_runner.targets.kubernetes.left.services import APPLIED
from chaos_runner.targets.kubernetes.marks import EXPIRES, RUN, UNDO
from chaos_runner.targets.kubernetes.objects import Pod
from chaos_runner.targets.kubernetes.others import running, tools
from chaos_runner.targets.leftover import NOBODY, Leftover
from tests import turns
from tests.cli.runner import Ran, chaos_runner
from tests.crash.cluster import make_workload, namespace, node
from tests.inverses.servers import eventually
from tests.kubernetes.accounts import account

pytestmark = [pytest.mark.slow, turns.SCAN]
CRD = Kind("crd", "apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False)
PODCHAOS = Kind("podchaos", "chaos-mesh.org/v1alpha1", "podchaos", "PodChaos")
ENGINE = Kind("chaosengine", "litmuschaos.io/v1alpha1", "chaosengines", "ChaosEngine")
BLADE = Kind("chaosblade", "chaosblade.io/v1alpha1", "chaosblades", "ChaosBlade", namespaced=False)
WORKFLOW = Kind("workflow", "argoproj.io/v1alpha1", "workflows", "Workflow")


@pytest.fixture
def at(simulated: str) -> Cluster:
    return cluster()


@pytest.fixture
def space(at: Cluster) -> Iterator[str]:
    with namespace(at) as name:
        make_workload(at, name)
        yield name


def found(at: Cluster, where: str, later_s: float = 0.0) -> list[Leftover]:
    """What is left in a namespace, or on a node."""
    left, unread = leftovers(at, datetime.now(UTC) + timedelta(seconds=later_s))
    assert not unread
    return [one for one in left if f" {where}/" in f" {one.what}" or one.what == f"node {where}"]


def system_taints(at: Cluster, name: str) -> list[dict[str, Any]]:
    """Those that follow from what a node is like."""
    return [taint for taint in at.get(NODE.path("", name), dict)["spec"].get("taints", [])
            if taint["key"].startswith("node.kubernetes.io/")]


def test_a_cordon_and_a_taint_are_told_with_who_wrote_them_and_the_way_back(at: Cluster) -> None:
    with node(at) as name:
        krkn = {"fieldManager": "krkn-go"}
        at.patch(NODE.path("", name), {"spec": {"unschedulable": True}}, MERGE, krkn)
        assert eventually(lambda: bool(system_taints(at, name)))  # a controller's, which would write last
        at.patch(NODE.path("", name), {"spec": {"taints": [
            *system_taints(at, name), {"key": "broken", "value": "yes", "effect": "NoExecute"}]}}, MERGE, krkn)
        cordon, taint = found(at, name)
    assert (cordon.code, cordon.whose, cordon.by) == ("cordon", "krkn", "krkn-go")
    assert cordon.undo == f"kubectl --context {at.context} uncordon {name}"
    assert cordon.since is not None
    assert abs((datetime.now(UTC) - cordon.since).total_seconds()) < 60
    assert (taint.code, taint.says) == ("taint", "taint broken=yes:NoExecute")
    assert taint.undo.endswith(f"taint node {name} broken:NoExecute-")


def test_what_a_controller_tainted_is_its_business(at: Cluster) -> None:
    with node(at) as name:
        at.patch(NODE.path("", name), {"spec": {"taints": [{"key": "x", "effect": "NoSchedule"}]}}, MERGE,
                 {"fieldManager": "karpenter"})
        assert found(at, name) == []


def test_a_taint_that_stands_among_a_controllers_own_is_somebody_elses(at: Cluster) -> None:
    """A list of taints has one writer, the last; that of nodes writes it anew whenever a node gets sick or well."""
    with node(at) as name:
        at.patch(NODE.path("", name), {"spec": {"taints": [
            {"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"},
            {"key": "broken", "value": "yes", "effect": "NoExecute"}]}}, MERGE,
            {"fieldManager": "kube-controller-manager"})
        [taint] = found(at, name)
    assert (taint.says, taint.by, taint.whose) == ("taint broken=yes:NoExecute", "", NOBODY)


def test_policies_of_chaos_tools_are_found_and_those_of_others_are_not(at: Cluster, space: str) -> None:
    for name, labels in {"krkn-deny-abcde": {}, "part-np-x": {"app.kubernetes.io/part-of": "litmus"},
                         "chaostoolkit-deny-all-ingress": {}, "default-deny": {}}.items():
        at.create(POLICY.path(space), body_of(POLICY, metadata={"name": name, "labels": labels},
                                              spec={"podSelector": {}, "policyTypes": ["Ingress"]}))
    left = found(at, space)
    assert {(one.what.partition("/")[2], one.whose) for one in left} == {
        ("krkn-deny-abcde", "krkn"), ("part-np-x", "LitmusChaos"), ("chaostoolkit-deny-all-ingress", "Chaos Toolkit")}
    assert all(f"-n {space} delete networkpolicies/" in one.undo for one in left)


def service(at: Cluster, space: str, name: str, selector: dict[str, str], applied: dict[str, str]) -> None:
    annotations = {APPLIED: json.dumps({"spec": {"selector": applied}})} if applied else {}
    at.create(SERVICE.path(space), body_of(SERVICE, metadata={"name": name, "annotations": annotations},
                                           spec={"selector": selector, "ports": [{"port": 80}]}))


def test_a_selector_that_is_not_the_applied_one_is_told_with_the_one_to_go_back_to(at: Cluster, space: str) -> None:
    service(at, space, "swapped", {"app": "hijack"}, {"app": "web"})
    service(at, space, "nowhere", {"app": "nobody"}, {})
    service(at, space, "fine", {"app": "web"}, {"app": "web"})
    at.patch(DEPLOYMENT.path(space, "web"), {"spec": {"replicas": 0}}, MERGE)
    while at.list(POD.path(space), Pod).items:
        pass
    left = {one.what.partition("/")[2]: one for one in found(at, space)}
    assert left.keys() == {"swapped", "nowhere"}, "a workload without replicas is no reason to change a selector"
    assert left["swapped"].says == "selects app=hijack, and was applied with app=web"
    assert '"value":{"app":"web"}' in left["swapped"].undo
    assert "no workload would make" in left["nowhere"].says


def test_pause_images_are_found_in_pods_that_were_made_with_others(at: Cluster, space: str) -> None:
    def image(pod: str, **annotations: str) -> None:
        at.patch(POD.path(space, pod), {"metadata": {"annotations": annotations}}, MERGE)
        swap = [{"op": "replace", "path": "/spec/containers/0/image", "value": "gcr.io/google-containers/pause:latest"}]
        at.patch(POD.path(space, pod), swap, JSON_PATCH)

    while len(pods := at.list(POD.path(space), Pod).items) < 2:
        pass
    mesh, other = (pod.metadata.name for pod in pods)
    image(mesh, **{"chaos-mesh-fails-pod-failure-web-normal-image": "registry.example.org/web:1"})
    image(other)
    pausing = {"metadata": {"labels": {"app": "room"}},
               "spec": {"containers": [{"name": "room", "image": "registry.k8s.io/pause:3.10"}]}}
    at.create(DEPLOYMENT.path(space), body_of(DEPLOYMENT, metadata={"name": "room"}, spec={
        "replicas": 1, "selector": {"matchLabels": {"app": "room"}}, "template": pausing}))
    while len(at.list(POD.path(space), Pod).items) < 3:
        pass
    left = {one.what: one for one in found(at, space)}
    assert left.keys() == {f"{space}/{mesh}", f"{space}/{other}"}
    assert left[f"{space}/{mesh}"].whose == "Chaos Mesh"
    assert left[f"{space}/{mesh}"].undo.endswith(f"set image pods/{mesh} web=registry.example.org/web:1")
    assert left[f"{space}/{other}"].undo.endswith(f"delete pods/{other}")


def serves(at: Cluster, kind: Kind) -> bool:
    try:
        return at.list(kind.path(""), dict).items is not None
    except Gone:
        return False


def there(at: Cluster, name: str) -> bool:
    return name in [crd["metadata"]["name"] for crd in at.list(CRD.path(""), dict).items]


def known(at: Cluster, kind: Kind, scope: str = "Namespaced") -> Iterator[None]:
    """The cluster knows a kind of another tool. Others may have taught it."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    group, _, version = kind.api.partition("/")
    spec = {"group": group, "scope": scope, "versions": [
                {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
            "names": {"plural": kind.plural, "singular": kind.name, "kind": kind.camel,
                      "listKind": f"{kind.camel}List"}}
    with suppress(Conflict):
        at.create(CRD.path(""), body_of(CRD, metadata={"name": f"{kind.plural}.{group}"}, spec=spec))
    while not any(one.kind == kind for one in tools(at)) or not serves(at, kind):
        pass
    yield
    at.delete(CRD.path("", f"{kind.plural}.{group}"), {})
    assert eventually(lambda: not serves(at, kind) and not there(at, f"{kind.plural}.{group}"))


@pytest.fixture
def mesh(at: Cluster) -> Iterator[None]:
    yield from known(at, PODCHAOS)


@pytest.fixture
def litmus(at: Cluster) -> Iterator[None]:
    yield from known(at, ENGINE)


@pytest.fixture
def blade(at: Cluster) -> Iterator[None]:
    yield from known(at, BLADE, "Cluster")


@pytest.fixture
def argo(at: Cluster) -> Iterator[None]:
    yield from known(at, WORKFLOW)


def controller(at: Cluster, space: str, name: str, labels: dict[str, str], inside: dict[str, str]) -> None:
    """The Deployment of a tool's controller, with no pods."""
    template = {"metadata": {"labels": inside}, "spec": {"containers": [{"name": "c", "image": "example.org/c:1"}]}}
    at.create(DEPLOYMENT.path(space), body_of(DEPLOYMENT, metadata={"name": name, "labels": labels}, spec={
        "replicas": 0, "selector": {"matchLabels": {"name": inside["name"]}}, "template": template}))


def stuck(at: Cluster, where: str, path: str) -> Leftover:
    """What is told of an object that was deleted two minutes ago, and waits; afterwards it waits no longer."""
    at.delete(path, {})
    (left,) = [one for one in found(at, where, later_s=120) if one.code == "finalizer"]
    at.patch(path, {"metadata": {"finalizers": None}}, MERGE)
    assert left.code == "finalizer"
    return left


def test_a_chaos_engine_is_at_work_until_it_is_stopped_and_its_operator_takes_off_its_finalizer(
    at: Cluster, space: str, litmus: None,
) -> None:
    parts = {"app.kubernetes.io/part-of": "litmus", "app.kubernetes.io/component": "operator"}
    controller(at, space, "chaos-operator-ce", {**parts, "name": "litmus"}, {**parts, "name": "chaos-operator"})
    controller(at, space, "frontend", {"app.kubernetes.io/part-of": "litmus"}, {"name": "frontend"})
    path = ENGINE.path(space, "nginx-chaos")
    at.create(ENGINE.path(space), body_of(
        ENGINE, metadata={"name": "nginx-chaos", "finalizers": ["chaosengine.litmuschaos.io/finalizer"]},
        spec={"engineState": "active", "appinfo": {"appns": space, "applabel": "app=web", "appkind": "deployment"},
              "experiments": [{"name": "pod-network-loss"}]}, status={"engineStatus": "initialized"}))
    assert running(at, space) == [f"LitmusChaos is at work: chaosengine {space}/nginx-chaos"]
    at.patch(path, {"spec": {"engineState": "stop"}}, MERGE)
    assert running(at, space) == []
    left = stuck(at, space, path)
    assert (left.whose, "chaosengine.litmuschaos.io/finalizer" in left.says) == ("LitmusChaos", True)
    assert left.undo.endswith(f"-n {space} rollout restart deployment/chaos-operator-ce")


def test_a_helper_of_litmus_whose_engine_is_gone_is_told(at: Cluster, space: str, litmus: None) -> None:
    at.create(ENGINE.path(space), body_of(ENGINE, metadata={"name": "alive"}, spec={"engineState": "active"}))
    alive = str(at.get(ENGINE.path(space, "alive"), dict)["metadata"]["uid"])
    for name, engine in (("pod-network-loss-helper-abcdef", alive), ("pod-network-loss-helper-orphan", str(uuid4()))):
        labels = {"app": name, "chaosUID": engine, "app.kubernetes.io/part-of": "litmus", "name": "pod-network-loss"}
        at.create(POD.path(space), body_of(POD, metadata={"name": name, "labels": labels}, spec={
            "restartPolicy": "Never", "hostPID": True, "containers": [{"name": "h", "image": "example.org/h:1"}]}))
    (left,) = found(at, space)
    assert (left.what, left.code, left.whose) == (f"{space}/pod-network-loss-helper-orphan", "helper", "LitmusChaos")
    assert left.undo.endswith(f"-n {space} delete pods/pod-network-loss-helper-orphan")


def test_a_chaosblade_stands_in_no_namespace_and_is_at_work_until_it_is_destroyed(
    at: Cluster, space: str, blade: None,
) -> None:
    controller(at, space, "chaosblade-operator", {}, {"name": "chaosblade-operator", "part-of": "chaosblade"})
    name = f"delay-{uuid4().hex[:6]}"
    path = BLADE.path("", name)
    at.create(BLADE.path(""), body_of(
        BLADE, metadata={"name": name, "finalizers": ["finalizer.chaosblade.io"]}, status={"phase": "Running"},
        spec={"experiments": [{"scope": "pod", "target": "network", "action": "delay", "matchers": [
            {"name": "namespace", "value": [space]}]}]}))
    assert running(at, space) == [f"ChaosBlade is at work: chaosblade {name}"]
    left = stuck_blade(at, name, path)
    assert (left.whose, "finalizer.chaosblade.io" in left.says) == ("ChaosBlade", True)
    assert left.undo.endswith(f"-n {space} rollout restart deployment/chaosblade-operator")


def stuck_blade(at: Cluster, name: str, path: str) -> Leftover:
    at.patch(path, {"status": {"phase": "Destroyed"}}, MERGE)
    assert running(at, "") == []
    at.delete(path, {})
    left, unread = leftovers(at, datetime.now(UTC) + timedelta(seconds=120))
    at.patch(path, {"metadata": {"finalizers": None}}, MERGE)
    assert not unread
    return next(one for one in left if one.what == f"chaosblade {name}")


def test_an_argo_workflow_of_chaoscenter_is_litmus_at_work_and_any_other_is_not(
    at: Cluster, space: str, argo: None,
) -> None:
    for name, labels in {"argowf-chaos-hello-171": {"workflow_id": "w", "infra_id": "i", "revision_id": "r",
                                                     "workflows.argoproj.io/controller-instanceid": "i"},
                         "build": {}}.items():
        at.create(WORKFLOW.path(space), body_of(WORKFLOW, metadata={"name": name, "labels": labels},
                                                spec={"entrypoint": "x"}, status={"phase": "Running"}))
    assert running(at, space) == [f"LitmusChaos is at work: workflow {space}/argowf-chaos-hello-171"]
    at.patch(WORKFLOW.path(space, "argowf-chaos-hello-171"), {"status": {"phase": "Succeeded"}}, MERGE)
    assert running(at, space) == []


def test_what_waits_for_a_finalizer_is_told_and_how_its_controller_takes_it_back(
    at: Cluster, space: str, mesh: None,
) -> None:
    name = f"kill-{uuid4().hex[:6]}"
    metadata = {"name": name, "finalizers": ["chaos-mesh/records"]}
    at.create(PODCHAOS.path(space), body_of(PODCHAOS, metadata=metadata, spec={"action": "pod-kill"}))
    path = PODCHAOS.path(space, name)
    assert running(at, space) == [f"Chaos Mesh is at work: podchaos {space}/{name}"]
    assert found(at, space, later_s=3600) == []
    at.delete(path, {})
    assert found(at, space) == [], "it may take a minute"
    (left,) = found(at, space, later_s=120)
    at.patch(path, {"metadata": {"finalizers": None}}, MERGE)
    assert (left.code, left.whose) == ("finalizer", "Chaos Mesh")
    assert "waits for chaos-mesh/records" in left.says
    assert "app.kubernetes.io/part-of=chaos-mesh" in left.undo
    assert "finalizers" not in left.undo


# ── ours ────────────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.fixture
def careful(at: Cluster, space: str, simulated: str, tmp_path: Path) -> Iterator[Callable[..., Ran]]:
    """The command, as somebody who may look at everything and change only this test's own namespace."""
    name = f"doctor-{space}"
    reader: dict[str, Any] = {"metadata": {"name": name}, "apiVersion": "rbac.authorization.k8s.io/v1"}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": space}
    here = {"metadata": {"name": name, "namespace": space}}
    rules = {verb: [{"apiGroups": ["*"], "resources": ["*"], "verbs": [verb]}] for verb in ("list", "patch")}
    rules["list"][0]["verbs"].append("get")
    role = {"apiGroup": "rbac.authorization.k8s.io", "name": name}
    objects = [{**here, "kind": "ServiceAccount"},
               {**reader, "kind": "ClusterRole", "rules": rules["list"]},
               {**reader, "kind": "ClusterRoleBinding", "subjects": [subject],
                "roleRef": {**role, "kind": "ClusterRole"}},
               {**reader, **here, "kind": "Role", "rules": rules["patch"]},
               {**reader, **here, "kind": "RoleBinding", "subjects": [subject], "roleRef": {**role, "kind": "Role"}}]
    with account(at, objects, simulated, tmp_path) as theirs:
        yield lambda *words: chaos_runner("doctor", "kubernetes", "--reports", str(tmp_path), *words, KUBECONFIG=theirs)


def scaled(space: str, expires: datetime) -> None:
    fault = shelf.fault("kubernetes.scale")
    target = convert(fault.target, {"namespace": space, "workload": "deployment/web"})
    mark = Mark(run=f"01DOCTOR{uuid4().hex[:10].upper()}", number=0, expires=moment(expires))
    (act,) = fault.prepare(target, convert(fault.arguments, {"replicas": 0}),
                           Setting(mark=mark, seed=7, configuration={}))
    fault.apply(act)


def ours(ran: Ran, space: str) -> list[dict[str, Any]]:
    assert ran.err == ""
    (checkup,) = ran.outcome["checkups"]
    return [one for one in checkup["ours"] if f" {space}/" in one["what"]]


def test_what_we_left_is_told_and_undone_only_when_asked(
    at: Cluster, space: str, careful: Callable[..., Ran],
) -> None:
    scaled(space, datetime(2020, 1, 1, tzinfo=UTC))
    ran = careful("--json")
    (left,) = ours(ran, space)
    assert (ran.exit, left["fault"], left["held"], left["undone"]) == (6, "kubernetes.scale", False, False)
    assert left["undo"] == f"chaos-runner recover --scan kubernetes --expired --context {at.context}"
    told = careful()
    assert f"left      deployment {space}/web: is as a run left it that can no longer live" in told.out
    assert at.get(DEPLOYMENT.path(space, "web"), dict)["spec"]["replicas"] == 0
    (undone,) = ours(careful("--fix", "--json"), space)
    assert undone["undone"]
    assert at.get(DEPLOYMENT.path(space, "web"), dict)["spec"]["replicas"] == 2
    assert ours(careful("--json"), space) == []


def test_what_a_living_run_may_hold_is_held_and_no_fix_touches_it(
    at: Cluster, space: str, careful: Callable[..., Ran],
) -> None:
    scaled(space, datetime.now(UTC) + timedelta(hours=1))
    (held,) = ours(careful("--fix", "--json"), space)
    assert (held["held"], held["undone"]) == (True, False)
    assert at.get(DEPLOYMENT.path(space, "web"), dict)["spec"]["replicas"] == 0


@pytest.mark.parametrize(("undo", "says"), [
    ("{", "says nothing that can be read"),
    (json.dumps({"fault": "kubernetes.moon", "do": {}, "was": {}}), "which this version does not have"),
    (json.dumps({"fault": "proxy.cut", "do": {}, "was": {}}), "which marks no such object"),
])
def test_a_mark_that_no_fault_claims_is_told_too(
    undo: str, says: str, at: Cluster, space: str, careful: Callable[..., Ran],
) -> None:
    signs = {RUN: "chaos-runner-01STRANGE-0-20200101T000000Z", EXPIRES: "", UNDO: undo}
    at.patch(DEPLOYMENT.path(space, "web"), {"metadata": {"annotations": signs}}, MERGE)
    ran = careful("--fix", "--json")
    (strange,) = ours(ran, space)
    assert (ran.exit, says in strange["says"], strange["undone"]) == (6, True, False)


def test_without_a_platform_it_lists_what_it_can_look_over() -> None:
    assert list(chaos_runner("doctor", "--json").outcome["platforms"]) == ["kubernetes", "aws"]
    assert "kubernetes" in chaos_runner("doctor").out
    ran = chaos_runner("doctor", "moon")
    assert (ran.exit, "'moon' cannot be looked over" in ran.err) == (2, True)


def test_a_cluster_that_cannot_be_reached_is_an_error_of_its_own(tmp_path: Path) -> None:
    ran = chaos_runner("doctor", "kubernetes", KUBECONFIG=str(tmp_path / "none"))
    assert (ran.exit, "kubeconfig" in ran.err) == (2, True)
