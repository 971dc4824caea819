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
from chaos_runner.targets.leftover import Leftover
from tests.cli.runner import Ran, chaos_runner
from tests.crash.cluster import make_workload, namespace, node
from tests.kubernetes.accounts import account

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("scan")]  # a scan sees the marks of tests beside it
CRD = Kind("crd", "apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False)
PODCHAOS = Kind("podchaos", "chaos-mesh.org/v1alpha1", "podchaos", "PodChaos")


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


def test_a_cordon_and_a_taint_are_told_with_who_wrote_them_and_the_way_back(at: Cluster) -> None:
    with node(at) as name:
        system = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
        at.patch(NODE.path("", name), {"spec": {"unschedulable": True, "taints": [
            system, {"key": "broken", "value": "yes", "effect": "NoExecute"}]}}, MERGE, {"fieldManager": "krkn-go"})
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
                 {"fieldManager": "kube-controller-manager"})
        assert found(at, name) == []


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


@pytest.fixture
def mesh(at: Cluster) -> Iterator[None]:
    """The cluster knows PodChaos. Others may have taught it."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    spec = {"group": "chaos-mesh.org", "scope": "Namespaced", "versions": [
                {"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
            "names": {"plural": "podchaos", "singular": "podchaos", "kind": "PodChaos", "listKind": "PodChaosList"}}
    with suppress(Conflict):
        at.create(CRD.path(""), body_of(CRD, metadata={"name": "podchaos.chaos-mesh.org"}, spec=spec))
    while not any(one.kind == PODCHAOS for one in tools(at)) or not serves(at, PODCHAOS):
        pass
    yield
    at.delete(CRD.path("", "podchaos.chaos-mesh.org"), {})


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
    assert list(chaos_runner("doctor", "--json").outcome["platforms"]) == ["kubernetes"]
    assert "kubernetes" in chaos_runner("doctor").out
    ran = chaos_runner("doctor", "moon")
    assert (ran.exit, "'moon' cannot be looked over" in ran.err) == (2, True)


def test_a_cluster_that_cannot_be_reached_is_an_error_of_its_own(tmp_path: Path) -> None:
    ran = chaos_runner("doctor", "kubernetes", KUBECONFIG=str(tmp_path / "none"))
    assert (ran.exit, "kubeconfig" in ran.err) == (2, True)
