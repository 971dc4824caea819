"""`recover --scan kubernetes`: from a machine without a journal, by annotations alone, which anyone may have made."""

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from msgspec import structs

from chaos_runner import shelf
from chaos_runner.contracts import Act, Answer, Mark, Setting
from chaos_runner.experiment.arguments import convert
from chaos_runner.mark import Key
from chaos_runner.recovery.scan import Row, Rules, Scanned, scan
from chaos_runner.targets.kubernetes.access import MERGE, Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import DEPLOYMENT, WORKLOADS
from chaos_runner.targets.kubernetes.marks import EXPIRES, RUN, UNDO
from tests import turns
from tests.cli.runner import chaos_runner
from tests.crash.cluster import make_workload, namespace, normalised
from tests.kubernetes.accounts import account
from tests.kubernetes.test_policy import policy
from tests.kubernetes.test_policy import written as experiment_of

pytestmark = [pytest.mark.slow, turns.SCAN]
NOW = datetime(2020, 11, 20, 10, 0, tzinfo=UTC)
LATER = datetime(2020, 11, 20, 12, 0, tzinfo=UTC)
KEY = Key("a long secret")
_RUNS = iter(range(10**6))


@pytest.fixture
def at(simulated: str) -> Cluster:
    return cluster()


@pytest.fixture
def space(at: Cluster) -> Iterator[str]:
    with namespace(at) as name:
        make_workload(at, name)
        yield name


@pytest.fixture
def rules(tmp_path: Path) -> Rules:
    return Rules(now=NOW, reports=tmp_path)


@pytest.fixture
def setting() -> Setting:
    """Of a run of its own: others use the cluster too."""
    run = f"01GUARD{datetime.now(UTC):%H%M%S%f}{next(_RUNS)}"
    return Setting(mark=Mark(run=run, number=2, expires="20201120T110000Z"), seed=7, configuration={})


def prepared(space: str, setting: Setting, name: str = "web") -> Act:
    fault = shelf.fault("kubernetes.scale")
    target = convert(fault.target, {"namespace": space, "workload": f"deployment/{name}"})
    (act,) = fault.prepare(target, convert(fault.arguments, {"replicas": 0}), setting)
    return act


def applied(space: str, setting: Setting) -> Act:
    act = prepared(space, setting)
    shelf.fault("kubernetes.scale").apply(act)
    return act


def web(at: Cluster, space: str) -> Any:
    return at.get(DEPLOYMENT.path(space, "web"), dict)


def sign(at: Cluster, space: str, setting: Setting, undo: str, **spec: Any) -> None:
    """Somebody writes annotations like ours."""
    uid = web(at, space)["metadata"]["uid"]
    signs = {RUN: str(setting.mark), EXPIRES: setting.mark.expires, UNDO: undo.replace("UID", uid)}
    at.patch(DEPLOYMENT.path(space, "web"), {"metadata": {"annotations": signs}, "spec": spec}, MERGE)


def of_run(found: Scanned, setting: Setting) -> Row:
    assert not found.unread
    return next(row for row in found.runs if row.run == setting.mark.run)


def scanned(at: Cluster, setting: Setting, rules: Rules) -> Row:
    """What becomes of this test's own run; those of others are only shown, whatever the rules say."""
    careful = structs.replace(rules, expired_only=True)
    return of_run(scan("kubernetes", [at.context], careful), setting)


def test_what_a_run_left_is_undone_by_its_annotations_alone(
    at: Cluster, space: str, setting: Setting, rules: Rules,
) -> None:
    before = normalised(web(at, space))
    applied(space, setting)
    row = scanned(at, setting, rules)
    assert (row.restored, row.shown[0].why) == ("shown", "its run may live until 20201120T110000Z")
    assert "patch deployments/web --type=merge -p '{" in row.shown[0].by_hand
    assert web(at, space)["spec"]["replicas"] == 0
    row = scanned(at, setting, structs.replace(rules, now=LATER))
    assert (row.undone, row.restored) == ([f"deployment {space}/web"], "restored")
    assert normalised(web(at, space)) == before


def test_what_somebody_changed_meanwhile_stays(at: Cluster, space: str, setting: Setting, rules: Rules) -> None:
    applied(space, setting)
    at.patch(DEPLOYMENT.path(space, "web"), {"spec": {"replicas": 7}}, MERGE)
    row = scanned(at, setting, structs.replace(rules, now=LATER))
    assert (row.drift, row.undone, row.restored) == ([f"deployment {space}/web"], [], "restored")
    assert web(at, space)["spec"]["replicas"] == 7
    assert RUN not in web(at, space)["metadata"].get("annotations", {})


def undo_of(do: list[dict[str, Any]], was: list[dict[str, Any]], fault: str = "kubernetes.scale") -> str:
    return json.dumps({"fault": fault, "do": {"fields": do}, "was": {"fields": was}, "uid": "UID"})


IMAGE = ["spec", "template", "spec", "containers", {"name": "web"}, "image"]
REPLICAS = ["spec", "replicas"]


@pytest.mark.parametrize("undo", [
    undo_of([{"path": IMAGE, "value": "registry.example.org/web:1"}], [{"path": IMAGE, "value": "evil"}]),
    undo_of([{"path": REPLICAS, "value": 2}], [{"path": REPLICAS, "value": 2}, {"path": IMAGE, "value": "evil"}]),
    undo_of([{"path": REPLICAS, "value": 2}], [{"path": ["metadata", "labels"], "value": {"evil": "yes"}}]),
    undo_of([], [{"path": REPLICAS, "value": 0}]),
    json.dumps({"fault": "kubernetes.scale", "do": {}, "was": {}, "uid": "UID"}),
    json.dumps({"fault": "kubernetes.scale", "do": {"fields": "x"}, "was": {"fields": 7}, "uid": "UID"}),
], ids=["other field", "one field more", "labels", "unlike", "empty", "nonsense"])
def test_a_mark_that_the_fault_never_makes_is_only_shown(
    undo: str, at: Cluster, space: str, setting: Setting, rules: Rules,
) -> None:
    sign(at, space, setting, undo)
    before = normalised(web(at, space))
    row = scanned(at, setting, structs.replace(rules, now=LATER))
    assert (row.undone, row.restored, row.shown[0].by_hand) == ([], "shown", "")
    assert "kubernetes.scale never" in row.shown[0].why
    assert normalised(web(at, space)) == before


@pytest.mark.parametrize("undo", ["", "{", "[]", '{"fault": "kubernetes.scale"}', undo_of([], [], "kubernetes.moon"),
                                  undo_of([], [], "host.process_pause")])
def test_what_names_no_fault_that_marks_such_an_object_is_not_touched(
    undo: str, at: Cluster, space: str, setting: Setting, rules: Rules,
) -> None:
    sign(at, space, setting, undo)
    before = normalised(web(at, space))
    found = scan("kubernetes", [at.context], structs.replace(rules, now=LATER, expired_only=True))
    assert setting.mark.run not in [row.run for row in found.runs]
    assert normalised(web(at, space)) == before


def test_the_copies_that_a_deployment_gives_its_replica_sets_are_nobodys_mark(
    at: Cluster, space: str, setting: Setting, rules: Rules,
) -> None:
    applied(space, setting)
    sets = WORKLOADS["replicaset"].path(space)
    while not any(RUN in one["metadata"]["annotations"] for one in at.list(sets, dict).items):
        pass
    row = scanned(at, setting, rules)
    assert [one.target for one in row.shown] == [f"deployment {space}/web"]


def test_a_mark_moves_nothing_but_the_fields_of_the_object_that_bears_it(
    at: Cluster, space: str, setting: Setting, rules: Rules,
) -> None:
    with namespace(at) as other:
        make_workload(at, other)
        sign(at, space, setting, undo_of([{"path": REPLICAS, "value": 5}], [{"path": REPLICAS, "value": 0}]))
        there = web(at, other)
        row = scanned(at, setting, structs.replace(rules, now=LATER))
        assert row.drift == [f"deployment {space}/web"]
        assert web(at, space)["spec"]["replicas"] == 2
        assert web(at, other)["metadata"]["generation"] == there["metadata"]["generation"]


def test_with_a_key_only_what_is_signed_for_this_very_object_is_undone(
    at: Cluster, space: str, setting: Setting, rules: Rules,
) -> None:
    signing, late = structs.replace(setting, key=KEY), structs.replace(rules, key=KEY, now=LATER)
    applied(space, setting)
    assert scanned(at, setting, late).shown[0].why == "not signed with our key for this fault on this target"
    scanned(at, setting, structs.replace(rules, now=LATER))
    act = applied(space, signing)
    with namespace(at) as other:
        make_workload(at, other)
        there = web(at, other)["metadata"]["uid"]
        copied = {key: value.replace(act.target["uid"], there)
                  for key, value in web(at, space)["metadata"]["annotations"].items() if "chaos-" in key}
        at.patch(DEPLOYMENT.path(other, "web"), {"metadata": {"annotations": copied}, "spec": {"replicas": 0}}, MERGE)
        row = scanned(at, setting, late)
        assert (row.undone, [one.target for one in row.shown]) == ([act.label], [f"deployment {other}/web"])
        assert web(at, other)["spec"]["replicas"] == 0
    assert web(at, space)["spec"]["replicas"] == 2


def test_what_may_not_be_looked_at_is_said_and_the_rest_is_undone(
    at: Cluster, space: str, setting: Setting, simulated: str, tmp_path: Path,
) -> None:
    objects = [*policy(experiment_of(space, tmp_path), "--name", f"scan-{space}")]
    (role,) = [one for one in objects if one["kind"] == "ClusterRole"]
    role["rules"].append({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list"]})
    applied(space, setting)
    with account(at, objects, simulated, tmp_path) as theirs:
        ran = chaos_runner("recover", "--scan", "kubernetes", "--expired", "--json", "--reports", str(tmp_path),
                           KUBECONFIG=theirs)
    assert ran.exit == 6, "what other tests left may not be touched, and what may not be looked at counts as left"
    assert any("statefulsets" in one["error"] and "forbidden" in one["error"] for one in ran.outcome["unread"])
    [row] = [row for row in ran.outcome["runs"] if row["run"] == setting.mark.run]
    assert (row["undone"], row["restored"]) == ([f"deployment {space}/web"], "restored")
    assert web(at, space)["spec"]["replicas"] == 2


def test_contexts_are_named_and_by_default_it_is_the_current_one(
    at: Cluster, space: str, setting: Setting, simulated: str, tmp_path: Path,
) -> None:
    applied(space, setting)
    words = ("recover", "--scan", "kubernetes", "--show", "--json", "--reports", str(tmp_path))
    for more in ((), ("--context", at.context)):
        ran = chaos_runner(*words, *more, KUBECONFIG=simulated)
        [row] = [row for row in ran.outcome["runs"] if row["run"] == setting.mark.run]
        assert row["shown"][0]["where"] == at.context
    ran = chaos_runner(*words, "--context", "moon", KUBECONFIG=simulated)
    assert (ran.exit, "no context 'moon'" in ran.err) == (2, True)
    ran = chaos_runner(*words, KUBECONFIG="/there/is/none")
    assert (ran.exit, "kubeconfig" in ran.err) == (2, True)
    shelf.fault("kubernetes.scale").undo(prepared_again(at, space))


def prepared_again(at: Cluster, space: str) -> Act:
    """The act, from its mark."""
    fault: Any = shelf.fault("kubernetes.scale")
    found: Act = next(one.act for one in fault.marked(at.context) if one.act.target["namespace"] == space)
    return found


@pytest.mark.skipif(which("kubectl") is None, reason="kubectl is not there")
@pytest.mark.parametrize(("fault", "arguments"), [
    ("scale", {"replicas": 0}), ("resources_limit", {"cpu": "0.1"}), ("env_change", {"variables": {"MODE": "slow"}}),
    ("readiness_fail", {}), ("rollout_pause", {}),
])
def test_the_command_for_a_person_brings_it_back(
    fault: str, arguments: dict[str, Any], at: Cluster, space: str, setting: Setting, simulated: str,
) -> None:
    found, before = shelf.fault(f"kubernetes.{fault}"), normalised(web(at, space))
    target = convert(found.target, {"namespace": space, "workload": "deployment/web"})
    (act,) = found.prepare(target, convert(found.arguments, arguments), setting)
    found.apply(act)
    assert normalised(web(at, space)) != before
    subprocess.run(found.by_hand(act), shell=True, check=True, stdout=-1, env={**os.environ, "KUBECONFIG": simulated})  # noqa: S602
    assert found.verify(act).answer is Answer.RESTORED
    assert normalised(web(at, space)) == before
