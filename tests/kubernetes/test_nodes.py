"""Nodes that are cordoned, tainted and drained, zones that are lost: whom that hits, and that it comes back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chaos_runner import shelf
from chaos_runner.clock import SystemClock
from chaos_runner.contracts import Act, Answer, Evidence, Grade, Marked, Scannable
from chaos_runner.errors import NoEffect, NoTarget, Refused
from chaos_runner.recovery.scan import Rules, scan
from chaos_runner.targets.kubernetes.kinds import NODE
from chaos_runner.targets.kubernetes.marks import EXPIRES, RUN, UNDO
from chaos_runner.testing import Trial, check_fault
from tests.cli.runner import chaos_runner, journal, run, running, wait_for, write
from tests.kubernetes.accounts import account
from tests.kubernetes.ground import DAEMONSET, Ground, ground, prepared, soon

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("simulated")]
SLOW = {"deadline": "30s"}
HASTY = {"deadline": "2s"}


@pytest.fixture
def mine() -> Iterator[Ground]:
    with ground() as made:
        yield made


def applied(name: str, acts: list[Act]) -> list[Evidence]:
    return [shelf.fault(f"kubernetes.{name}").apply(act) for act in acts]


def undone(name: str, acts: list[Act]) -> list[Answer]:
    fault = shelf.fault(f"kubernetes.{name}")
    for act in reversed(acts):
        fault.undo(act)
    return [fault.verify(act).answer for act in acts]


def marked(name: str, node: str) -> Marked:
    fault = shelf.fault(f"kubernetes.{name}")
    assert isinstance(fault, Scannable)
    (found,) = [one for one in fault.marked("") if one.act.label == f"node {node}"]
    return found


# ── the laws ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_cordon_keeps_the_laws(mine: Ground) -> None:
    picture = lambda: [mine.look(node) for node in mine.nodes]  # noqa: E731
    check_fault("kubernetes.node_cordon", Trial(target={"names": mine.nodes[:1]}, picture=picture))


def test_a_taint_keeps_the_laws(mine: Ground) -> None:
    mine.workload(3)
    arguments = {"key": "example.org/broken", "value": "disk", "effect": "NoExecute"}
    check_fault("kubernetes.node_taint", Trial(target={"names": mine.nodes[:1]}, arguments=arguments,
                                               picture=lambda: mine.look(mine.nodes[0])))


def test_a_lost_zone_keeps_the_laws(mine: Ground) -> None:
    picture = lambda: [mine.look(node) for node in mine.nodes]  # noqa: E731
    check_fault("kubernetes.zone_loss", Trial(target={"zone": mine.zones["a"]}, arguments={"by": "taint"},
                                              picture=picture))


# ── cordon and taint ────────────────────────────────────────────────────────────────────────────────────────────────


def test_of_several_nodes_those_that_are_cordoned_already_are_left_out(mine: Ground) -> None:
    mine.change(mine.nodes[0], {"spec": {"unschedulable": True}})
    acts = prepared("node_cordon", {"names": mine.nodes[:2]})
    assert [act.label for act in acts] == [f"node {mine.nodes[1]}"]
    with pytest.raises(NoEffect, match="already has"):
        prepared("node_cordon", {"names": mine.nodes[:1]})


def test_a_node_that_is_not_there_is_told_although_another_is(mine: Ground) -> None:
    with pytest.raises(NoTarget, match="is named nowhere"):
        prepared("node_cordon", {"names": [mine.nodes[0], "nowhere"]})


def test_a_node_that_somebody_uncordons_meanwhile_is_as_it_was(mine: Ground) -> None:
    acts = prepared("node_cordon", {"names": mine.nodes[:1]})
    applied("node_cordon", acts)
    mine.change(mine.nodes[0], {"spec": {"unschedulable": None}})
    assert undone("node_cordon", acts) == [Answer.RESTORED]
    assert mine.look(mine.nodes[0])[1:] == (False, mine.look(mine.nodes[1])[2], {})


def test_the_taints_of_others_stay_whatever_comes_meanwhile(mine: Ground) -> None:
    node = mine.nodes[0]
    acts = prepared("node_taint", {"names": [node]}, {"key": "example.org/broken"})
    applied("node_taint", acts)
    others = [{"key": "example.org/theirs", "effect": "NoSchedule"}]
    mine.change(node, {"spec": {"taints": [*others, {"key": "example.org/broken", "effect": "NoSchedule"}]}})
    assert undone("node_taint", acts) == [Answer.RESTORED]
    assert mine.look(node)[2] == others


def test_a_taint_that_somebody_gave_another_value_is_drift_and_stays(mine: Ground) -> None:
    node = mine.nodes[0]
    acts = prepared("node_taint", {"names": [node]}, {"key": "example.org/broken"})
    applied("node_taint", acts)
    theirs = [{"key": "example.org/broken", "value": "theirs", "effect": "NoSchedule"}]
    mine.change(node, {"spec": {"taints": theirs}})
    assert undone("node_taint", acts) == [Answer.DRIFT]
    assert mine.look(node)[2:] == (theirs, {})


def test_a_taint_that_is_there_with_another_value_gets_it_back(mine: Ground) -> None:
    node = mine.nodes[0]
    theirs = [{"key": "example.org/broken", "value": "theirs", "effect": "NoSchedule"}]
    mine.change(node, {"spec": {"taints": theirs}})
    acts = prepared("node_taint", {"names": [node]}, {"key": "example.org/broken", "value": "ours"})
    applied("node_taint", acts)
    assert mine.look(node)[2][0]["value"] == "ours"
    assert undone("node_taint", acts) == [Answer.RESTORED]
    assert mine.look(node)[2] == theirs


@pytest.mark.parametrize("key", ["node.kubernetes.io/unreachable", "kubernetes.io/x", "x.k8s.io/y"])
def test_a_taint_that_kubernetes_keeps_itself_is_refused(mine: Ground, key: str) -> None:
    with pytest.raises(Refused, match="kept by Kubernetes itself"):
        prepared("node_taint", {"names": mine.nodes[:1]}, {"key": key})


def test_a_taint_drives_pods_away_and_says_how_many(mine: Ground) -> None:
    mine.workload(6)
    node = mine.busiest()
    there = len(mine.on(node))
    acts = prepared("node_taint", {"names": [node]}, {"key": "example.org/broken", "effect": "NoExecute"})
    (evidence,) = applied("node_taint", acts)
    assert evidence.grade is Grade.PROVEN
    assert f"{there} of them have left or are ending" in evidence.after
    assert mine.on(node) == []
    assert undone("node_taint", acts) == [Answer.RESTORED]


def test_a_taint_that_would_kill_a_pod_for_good_is_refused(mine: Ground) -> None:
    mine.alone(mine.nodes[0])
    with pytest.raises(Refused, match=f"without a workload that would make it anew .{mine.space}/alone"):
        prepared("node_taint", {"names": mine.nodes[:1]}, {"key": "example.org/broken", "effect": "NoExecute"})
    assert prepared("node_taint", {"names": mine.nodes[:1]}, {"key": "example.org/broken"})


def test_a_replaced_node_of_that_name_is_not_hit(mine: Ground) -> None:
    node = mine.nodes[2]
    (act,) = prepared("node_cordon", {"names": [node]})
    mine.at.delete(NODE.path("", node), {})
    mine.at.create(NODE.path(""), {"apiVersion": "v1", "kind": "Node", "metadata": {
        "name": node, "annotations": {"kwok.x-k8s.io/node": "fake"}}})
    with pytest.raises(NoTarget, match="another of that name"):
        shelf.fault("kubernetes.node_cordon").apply(act)
    assert undone("node_cordon", [act]) == [Answer.GONE]
    assert mine.look(node)[1:] == (False, [], {})


# ── drain ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_drain_waits_for_the_budget_and_leaves_what_belongs_to_the_node(mine: Ground) -> None:
    mine.workload(6)
    mine.workload(3, "agent", DAEMONSET)
    mine.budget(5)
    node = mine.busiest()
    mine.alone(node)
    moving = len(mine.on(node)) - 2
    acts = prepared("node_drain", {"names": [node]}, SLOW)
    (evidence,) = applied("node_drain", acts)
    assert evidence.grade is Grade.PROVEN
    assert f"{moving} of {moving} pods have left; left there" in evidence.after
    assert "1 of a DaemonSet" in evidence.after
    assert f"1 without a workload that would make it anew ({mine.space}/alone)" in evidence.after
    assert len(mine.on(node)) == 2
    assert acts[0].where.namespaces == [mine.space]
    assert undone("node_drain", acts) == [Answer.RESTORED]
    assert mine.look(node) == (acts[0].target["uid"], False, mine.look(mine.nodes[0])[2], {})


def test_a_drain_that_a_budget_forbids_has_no_effect_and_names_the_budget(mine: Ground) -> None:
    mine.workload(3)
    mine.budget(3)
    node = mine.busiest()
    acts = prepared("node_drain", {"names": [node]}, HASTY)
    (evidence,) = applied("node_drain", acts)
    assert evidence.grade is Grade.NONE
    assert "The disruption budget web-budget needs 3 healthy pods and has 3 currently" in evidence.after
    assert mine.node(node).spec.unschedulable
    assert undone("node_drain", acts) == [Answer.RESTORED]
    assert not mine.node(node).spec.unschedulable


def test_a_drain_that_a_budget_forbids_in_part_is_reported_and_not_proven(mine: Ground) -> None:
    mine.workload(3)
    mine.workload(3, "other")
    mine.budget(3)
    acts = prepared("node_drain", {"names": mine.nodes}, HASTY)
    evidence = applied("node_drain", acts)
    assert [one.grade for one in evidence] == [Grade.PROVEN, Grade.PROVEN, Grade.REPORTED]
    assert "3 of 6 pods have left; not evicted: " in evidence[-1].after
    assert undone("node_drain", acts) == [Answer.RESTORED] * 3


def test_a_drain_cordons_every_node_before_the_first_pod_has_to_leave(mine: Ground) -> None:
    mine.workload(6)
    acts = prepared("node_drain", {"names": mine.nodes[:2]}, SLOW)
    fault = shelf.fault("kubernetes.node_drain")
    fault.apply(acts[0])
    before = {pod.metadata.uid for pod in mine.on(*mine.nodes)}
    assert len(before) == 6
    fault.apply(acts[1])
    assert mine.on(*mine.nodes[:2]) == []
    assert undone("node_drain", acts) == [Answer.RESTORED] * 2


def test_a_node_that_was_cordoned_before_the_drain_stays_so_afterwards(mine: Ground) -> None:
    mine.workload(6)
    node = mine.busiest()
    mine.change(node, {"spec": {"unschedulable": True}})
    acts = prepared("node_drain", {"names": [node]}, SLOW)
    assert applied("node_drain", acts)[0].grade is Grade.PROVEN
    assert undone("node_drain", acts) == [Answer.RESTORED]
    assert mine.look(node)[1] is True
    assert mine.look(node)[3] == {}


def test_a_drain_of_a_node_without_pods_would_prove_nothing(mine: Ground) -> None:
    mine.alone(mine.nodes[0])
    with pytest.raises(NoEffect, match="no pod that could be evicted runs on"):
        prepared("node_drain", {"names": mine.nodes[:1]})


def test_a_deadline_that_no_apply_can_have_is_refused(mine: Ground) -> None:
    with pytest.raises(Refused, match="a deadline of 120 s: from 1 s to 50 s is possible"):
        prepared("node_drain", {"names": mine.nodes}, {"deadline": "2m"})


def test_pods_that_have_opted_out_stay_and_a_namespace_can(mine: Ground) -> None:
    mine.workload(3)
    mine.at.patch(f"/api/v1/namespaces/{mine.space}", {"metadata": {"labels": {"chaos-runner.io/exclude": "yes"}}})
    with pytest.raises(NoEffect, match="opted out"):
        prepared("node_drain", {"names": mine.nodes})


# ── zones ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lost_zone_is_empty_and_its_share_is_of_the_whole_cluster(mine: Ground) -> None:
    mine.workload(6)
    acts = prepared("zone_loss", {"zone": mine.zones["a"]})
    assert {act.target["name"] for act in acts} == set(mine.nodes[:2])
    assert acts[0].group is not None
    assert acts[0].group.size >= 3
    assert [one.grade for one in applied("zone_loss", acts)] == [Grade.PROVEN] * 2
    assert mine.on(*mine.nodes[:2]) == []
    mine.ready(6)
    assert len(mine.on(mine.nodes[2])) == 6
    assert undone("zone_loss", acts) == [Answer.RESTORED] * 2


def test_a_zone_that_is_lost_at_once_asks_no_budget(mine: Ground) -> None:
    mine.workload(6)
    mine.budget(6)
    acts = prepared("zone_loss", {"zone": mine.zones["a"]}, {"by": "taint"})
    assert [one.grade for one in applied("zone_loss", acts)] == [Grade.PROVEN] * 2
    assert mine.on(*mine.nodes[:2]) == []
    assert undone("zone_loss", acts) == [Answer.RESTORED] * 2


def test_a_zone_that_is_not_there_is_told_with_one_that_is(mine: Ground) -> None:
    with pytest.raises(NoTarget, match=f"did you mean '{mine.zones['b']}'"):
        prepared("zone_loss", {"zone": f"{mine.zones['b']}x"})


# ── a runner that dies, and one that knows nothing ──────────────────────────────────────────────────────────────────


def experiment(name: str, target: dict[str, Any], **more: Any) -> dict[str, Any]:
    probe = {"name": "p", "type": "probe", "tolerance": 0, "provider": {"type": "process", "path": "true"}}
    return {"title": "t", "description": "d", "steady-state-hypothesis": {"title": "h", "probes": [probe]},
            "method": [{"name": "f", "fault": f"kubernetes.{name}", "target": target, **more}]}


def test_a_runner_that_is_killed_during_a_drain_leaves_nothing_cordoned(mine: Ground, tmp_path: Path) -> None:
    mine.workload(3)
    mine.budget(3)
    node = mine.busiest()
    before = mine.look(node)
    data = experiment("node_drain", {"names": [node]}, arguments=SLOW, duration="5s")
    with running(data, tmp_path) as process:
        soon(lambda: mine.node(node).spec.unschedulable)
        process.kill()
        process.wait()
        soon(lambda: mine.look(node) == before)
    wait_for(tmp_path, "RunEnded")
    assert [event for event in journal(tmp_path) if event["type"] == "Applied"] == []
    told = chaos_runner("recover", "latest", "--json", "--reports", str(tmp_path / "reports"))
    assert told.exit == 0, told.err
    assert len(mine.on(node)) > 0


def test_a_drained_node_is_found_and_uncordoned_without_a_journal(mine: Ground, tmp_path: Path) -> None:
    mine.workload(6)
    node = mine.busiest()
    before = mine.look(node)
    applied("node_drain", prepared("node_drain", {"names": [node]}, SLOW))
    fault, found = shelf.fault("kubernetes.node_drain"), marked("node_drain", node)
    assert (found.doubt, found.mark.run) == ("", "01NODES")
    shown = scan("kubernetes", [""], Rules(now=SystemClock().now(), reports=tmp_path, show_only=True))
    assert f"node {node}" in {one.target for row in shown.runs for one in row.shown}
    fault.undo(found.act)
    assert fault.verify(found.act).answer is Answer.RESTORED
    assert mine.look(node) == before


def test_a_made_up_mark_takes_no_taint_off_that_kubernetes_keeps(mine: Ground) -> None:
    node = mine.nodes[0]
    (act,) = prepared("node_taint", {"names": [node]}, {"key": "example.org/broken"})
    shelf.fault("kubernetes.node_taint").apply(act)
    signs = mine.look(node)[3]
    forged = signs[UNDO].replace("example.org/broken", "node.kubernetes.io/unschedulable")
    mine.change(node, {"metadata": {"annotations": {UNDO: forged}}})
    assert "never changes" in marked("node_taint", node).doubt
    assert {RUN, EXPIRES} < set(signs)


# ── whole runs ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_limits_on_namespaces_hold_for_those_that_a_drain_would_reach(mine: Ground, tmp_path: Path) -> None:
    mine.workload(3)
    data = {**experiment("node_drain", {"names": [mine.busiest()]}, duration="1s"),
            "limits": {"namespaces": ["shop"]}}
    ran = run(data, tmp_path)
    assert (ran.exit, ran.outcome["verdict"]) == (3, "not-started")
    assert f"reaches into the namespace {mine.space}" in ran.outcome["sentence"]


@pytest.mark.parametrize(("name", "arguments"), [
    ("node_drain", {"deadline": "10s"}), ("node_cordon", {}), ("node_taint", {"key": "a.b", "effect": "NoExecute"}),
    ("zone_loss", {"by": "taint"}), ("zone_loss", {"deadline": "10s"}),
])
def test_each_fault_runs_with_exactly_the_rights_of_its_policy(
    mine: Ground, simulated: str, tmp_path: Path, name: str, arguments: dict[str, Any],
) -> None:
    mine.workload(6)
    target = {"zone": mine.zones["a"]} if name == "zone_loss" else {"names": [mine.busiest()]}
    data = experiment(name, target, arguments=arguments, duration="1s")
    written = chaos_runner("policy", "kubernetes", str(write(data, tmp_path)), "--name", mine.space, "--namespace",
                           mine.space)
    with account(mine.at, list(yaml.safe_load_all(written.out)), simulated, tmp_path) as theirs:
        planned = chaos_runner("plan", str(tmp_path / "experiment.json"), "--json", KUBECONFIG=theirs)
        ran = run(data, tmp_path, KUBECONFIG=theirs)
    assert not [note for fault in planned.outcome["faults"] for note in fault["notes"] if "could not" in note]
    assert (ran.outcome["verdict"], ran.outcome["restored"]) == ("passed", "restored"), ran.err


def test_a_cordon_has_no_notes_on_pods_that_stay_and_a_drain_has(mine: Ground) -> None:
    mine.workload(3)
    mine.budget(3)
    node = mine.busiest()
    assert shelf.fault("kubernetes.node_cordon").notes(prepared("node_cordon", {"names": [node]})) == []
    (told, *_) = shelf.fault("kubernetes.node_drain").notes(prepared("node_drain", {"names": [node]}))
    assert f"pdb {mine.space}/web-budget allows no disruptions now, and 1 of its pods would be hit" in told


def test_who_may_not_evict_cordons_nothing(mine: Ground, tmp_path: Path) -> None:
    mine.workload(3)
    node = mine.busiest()
    ran = run(experiment("node_drain", {"names": [node]}, duration="1s"), tmp_path,
              KUBECONFIG=mine.as_somebody(tmp_path, [(["list", "get", "patch"], "", ["nodes"]),
                                                   (["list", "get"], "", ["pods", "namespaces"])]))
    assert (ran.exit, ran.outcome["verdict"]) == (3, "not-started")
    assert "no right to create pods/eviction" in ran.outcome["sentence"]
    assert not mine.node(node).spec.unschedulable
