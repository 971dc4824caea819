"""Faults that are a NetworkPolicy: whom it selects, what it allows, what is refused, and how it goes away again."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import convert as convert_seen

from chaos_runner import shelf
from chaos_runner.clock import SystemClock
from chaos_runner.contracts import Act, Answer, Grade, Setting
from chaos_runner.errors import NoEffect, NoTarget, Refused, UsageError
from chaos_runner.experiment.arguments import convert
from chaos_runner.laws import Trial, check_fault
from chaos_runner.mark import Key, Mark, moment
from chaos_runner.targets.kubernetes.access import MERGE, Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import POD, POLICY, body_of
from chaos_runner.targets.kubernetes.marks import RUN
from chaos_runner.targets.kubernetes.objects import Pod, Selector, Whole
from chaos_runner.targets.kubernetes.policies import ENFORCED, Seen, judged, selects
from chaos_runner.targets.kubernetes.services import wait_until
from tests.crash.cluster import make_workload, namespace, normalised

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("simulated")]


@pytest.fixture
def at() -> Cluster:
    return cluster()


@pytest.fixture
def space(at: Cluster) -> Iterator[str]:
    with namespace(at) as name:
        make_workload(at, name)
        assert wait_until(lambda: sum(pod.ready for pod in pods(at, name)) == 2, 20)
        yield name


def pods(at: Cluster, space: str) -> list[Pod]:
    return at.list(POD.path(space), Pod).items


def policies(at: Cluster, space: str) -> list[Any]:
    return at.list(POLICY.path(space), dict).items


def setting(number: int = 0, key: str = "") -> Setting:
    mark = Mark(run="01TEST", number=number, expires=moment(SystemClock().now()))
    return Setting(mark=mark, seed=7, configuration={}, key=Key(key))


def prepared(name: str, space: str, arguments: dict[str, Any] | None = None, *, within: Setting | None = None,
             **target: Any) -> list[Act]:
    fault = shelf.fault(f"kubernetes.{name}")
    aimed = convert(fault.target, {"namespace": space, "workload": "deployment/web", **target})
    acts: list[Act] = fault.prepare(aimed, convert(fault.arguments, arguments or {}), within or setting())
    return acts


def policy(at: Cluster, space: str, name: str, spec: dict[str, Any]) -> None:
    at.create(POLICY.path(space), body_of(POLICY, metadata={"name": name}, spec=spec))


def test_a_whole_workload_is_selected_as_it_selects_its_own_pods(at: Cluster, space: str) -> None:
    fault = shelf.fault("kubernetes.network_partition")
    (act,) = prepared("network_partition", space)
    evidence = fault.apply(act)
    assert evidence.grade is Grade.REPORTED
    (there,) = policies(at, space)
    assert there["spec"] == {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress", "Egress"]}
    assert there["metadata"]["labels"] == {RUN: "01TEST"}
    fault.undo(act)
    assert policies(at, space) == []
    assert fault.verify(act).answer is Answer.RESTORED


def test_all_of_a_workload_counts_as_all_of_its_group(space: str) -> None:
    (act,) = prepared("network_partition", space)
    assert act.group is not None
    assert (act.group.size, act.label) == (1, f"deployment {space}/web")


def test_one_pod_of_several_is_selected_by_a_label_that_no_other_has(at: Cluster, space: str) -> None:
    fault = shelf.fault("kubernetes.network_partition")
    (act,) = prepared("network_partition", space, {"direction": "ingress"}, count=1)
    fault.apply(act)
    (there,) = policies(at, space)
    selected = at.list(POD.path(space), Whole, {"labelSelector": Selector(
        match_labels=there["spec"]["podSelector"]["matchLabels"]).text}).items
    assert [one.metadata.uid for one in selected] == [act.target["uid"]]
    assert there["spec"]["policyTypes"] == ["Ingress"]


@pytest.mark.parametrize(("name", "target"), [("network_partition", {}), ("network_partition", {"count": 2}),
                                              ("dns_block", {}), ("dns_block", {"count": 1})])
def test_a_policy_keeps_the_laws(at: Cluster, space: str, name: str, target: dict[str, Any]) -> None:
    def picture() -> Any:
        each = [normalised(at.get(POD.path(space, pod.metadata.name), dict)) for pod in pods(at, space)]
        return policies(at, space), [(one["metadata"]["name"], one["metadata"]["labels"]) for one in each]

    check_fault(f"kubernetes.{name}", Trial(
        target={"namespace": space, "workload": "deployment/web", **target}, picture=picture))


def test_two_faults_on_one_pod_do_not_hide_each_other(at: Cluster, space: str) -> None:
    cut, block = shelf.fault("kubernetes.network_partition"), shelf.fault("kubernetes.dns_block")
    first = prepared("network_partition", space, {"direction": "ingress"}, count=2)
    second = prepared("dns_block", space, within=setting(1), count=2)
    for act in first:
        cut.apply(act)
    for act in second:
        block.apply(act)
    assert len(found(cut, at, space)) == len(found(block, at, space)) == 2
    for act in first:
        cut.undo(act)
    assert found(cut, at, space) == []
    assert [block.verify(act).answer for act in second] == [Answer.NOT_RESTORED] * 2
    for act in second:
        block.undo(act)
    assert all(label.startswith(("app", "pod-template")) for pod in pods(at, space) for label in pod.metadata.labels)


def found(fault: Any, at: Cluster, space: str) -> list[Any]:
    return [one for one in fault.marked(at.context) if one.act.target["namespace"] == space]


def test_what_a_scan_finds_leads_back_without_a_journal(at: Cluster, space: str) -> None:
    fault = shelf.fault("kubernetes.network_partition")
    (act,) = prepared("network_partition", space, within=setting(key="secret"), count=1)
    fault.apply(act)
    (one,) = found(fault, at, space)
    assert one.doubt == ""
    assert one.mark.is_signed_by(Key("secret"), one.fault, one.target)
    assert one.act.target == act.target
    fault.undo(one.act)
    assert fault.verify(act).answer is Answer.RESTORED


def test_a_policy_is_found_although_its_pod_is_gone(at: Cluster, space: str) -> None:
    fault = shelf.fault("kubernetes.dns_block")
    (act,) = prepared("dns_block", space, count=1)
    fault.apply(act)
    at.delete(POD.path(space, act.target["name"]), {"gracePeriodSeconds": 0})
    (one,) = found(fault, at, space)
    fault.undo(one.act)
    assert policies(at, space) == []
    assert fault.verify(act).answer is Answer.GONE


def test_a_policy_of_another_name_is_only_shown(at: Cluster, space: str) -> None:
    fault = shelf.fault("kubernetes.network_partition")
    (act,) = prepared("network_partition", space)
    fault.apply(act)
    (there,) = policies(at, space)
    meta = {key: there["metadata"][key] for key in ("labels", "annotations")}
    at.create(POLICY.path(space), {**there, "metadata": {**meta, "name": "allow-the-shop"}})
    doubts = {one.act.target["name"]: one.doubt for one in found(fault, at, space)}
    assert doubts == {"web": "", "allow-the-shop": "kubernetes.network_partition would have called it otherwise"}


def test_a_policy_that_somebody_made_their_own_is_left(at: Cluster, space: str) -> None:
    fault = shelf.fault("kubernetes.network_partition")
    (act,) = prepared("network_partition", space)
    fault.apply(act)
    (there,) = policies(at, space)
    at.patch(POLICY.path(space, there["metadata"]["name"]), {"metadata": {"annotations": {RUN: None}}}, MERGE)
    fault.undo(act)
    assert len(policies(at, space)) == 1
    assert fault.verify(act).answer is Answer.DRIFT


def test_a_pod_that_was_replaced_meanwhile_is_not_hit(at: Cluster, space: str) -> None:
    (act,) = prepared("network_partition", space, count=1)
    at.delete(POD.path(space, act.target["name"]), {"gracePeriodSeconds": 0})
    with pytest.raises(NoTarget):
        shelf.fault("kubernetes.network_partition").apply(act)
    assert policies(at, space) == []


def test_names_are_blocked_and_every_other_port_stays_open(space: str) -> None:
    (act,) = prepared("dns_block", space)
    (rule,) = act.do["spec"]["egress"]
    for protocol in ("TCP", "UDP"):
        closed = [port for port in range(1, 65536)
                  if not any(one["port"] <= port <= one["endPort"] for one in rule["ports"]
                             if one["protocol"] == protocol)]
        assert closed == [53]


# ── only from some ──────────────────────────────────────────────────────────────────────────────────────────────────

def allowed(space: str, peers: list[dict[str, Any]], at_home: dict[str, str], elsewhere: str = "shop-2") -> list[bool]:
    """Whether pods with these labels may pass: in the target's namespace, and in another."""
    name = "kubernetes.io/metadata.name"
    return [any(_means(peer, {name: where}, at_home) for peer in peers) for where in (space, elsewhere)]


def _means(peer: dict[str, Any], where: dict[str, str], labels: dict[str, str]) -> bool:
    def _selector(said: dict[str, Any]) -> Selector:
        return Selector(match_labels=said.get("matchLabels", {}), match_expressions=said.get("matchExpressions", []))

    return "namespaceSelector" in peer and selects(_selector(peer["namespaceSelector"]), where) and selects(
        _selector(peer.get("podSelector", {})), labels)


def test_cut_off_from_pods_with_all_of_some_labels_and_from_nobody_else(space: str) -> None:
    (act,) = prepared("network_partition", space, {"direction": "ingress", "labels": {"app": "web"}})
    (rule,) = act.do["spec"]["ingress"]
    assert allowed(space, rule["from"], {"app": "web"}) == [False, True]
    assert allowed(space, rule["from"], {"app": "cart"}) == [True, True]
    assert allowed(space, rule["from"], {}) == [True, True]


def test_cut_off_from_a_namespace_and_from_no_other(space: str) -> None:
    (act,) = prepared("network_partition", space, {"direction": "egress", "namespaces": [space]})
    (rule,) = act.do["spec"]["egress"]
    assert allowed(space, rule["to"], {"app": "web"}) == [False, True]


def test_a_block_of_addresses_does_not_let_in_whom_a_selector_leaves_out(at: Cluster, space: str) -> None:
    (act,) = prepared("network_partition", space, {"direction": "ingress", "labels": {"app": "web"}})
    (rule,) = act.do["spec"]["ingress"]
    blocks = {peer["ipBlock"]["cidr"]: peer["ipBlock"].get("except", []) for peer in rule["from"] if "ipBlock" in peer}
    assert set(blocks["0.0.0.0/0"]) >= {f"{pod.status.pod_ip}/32" for pod in pods(at, space)}


def test_cut_off_from_addresses_outside_and_from_no_pod(space: str) -> None:
    (act,) = prepared("network_partition", space, {"direction": "egress", "cidrs": ["203.0.113.0/24"]})
    assert act.do["spec"]["egress"] == [{"to": [
        {"namespaceSelector": {}}, {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["203.0.113.0/24"]}},
        {"ipBlock": {"cidr": "::/0"}}]}]


@pytest.mark.parametrize(("arguments", "error", "words"), [
    ({"labels": {"app": "nobody"}}, NoEffect, "no pod in .* bears app=nobody"),
    ({"namespaces": ["nowhere"]}, Refused, "there is no namespace 'nowhere'"),
    ({"cidrs": ["example.org"]}, UsageError, "a block is written as 203.0.113.0/24"),
    ({"cidrs": ["0.0.0.0/0"]}, Refused, "is everybody"),
])
def test_peers_that_mean_nobody_or_everybody_are_refused(space: str, arguments: dict[str, Any], error: type[Exception],
                                                         words: str) -> None:
    with pytest.raises(error, match=words):
        prepared("network_partition", space, arguments)


def test_a_block_that_holds_pods_is_refused(at: Cluster, space: str) -> None:
    address = pods(at, space)[0].status.pod_ip
    with pytest.raises(Refused, match="blocks are for what is outside the cluster"):
        prepared("network_partition", space, {"cidrs": [f"{address}/8"]})


# ── what is refused ─────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_policy_that_keeps_pods_open_makes_ours_useless(at: Cluster, space: str) -> None:
    policy(at, space, "allow-web", {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]})
    with pytest.raises(Refused, match=r"allow-web .* policies only add up"):
        prepared("network_partition", space)
    assert prepared("network_partition", space, {"direction": "egress"})


def test_pods_that_are_cut_off_already_prove_nothing(at: Cluster, space: str) -> None:
    policy(at, space, "deny-all", {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]})
    with pytest.raises(NoEffect, match="already cut off \\(ingress\\) by the NetworkPolicy deny-all"):
        prepared("network_partition", space, {"direction": "ingress"})


def test_a_selector_that_means_others_pods_too_is_refused(at: Cluster, space: str) -> None:
    at.create(POD.path(space), body_of(POD, metadata={"name": "lonely", "labels": {"app": "web"}},
                                       spec={"containers": [{"name": "web", "image": "web"}]}))
    with pytest.raises(Refused, match="means other pods as well: lonely; with `percent: 100%`"):
        prepared("network_partition", space)
    assert len(prepared("network_partition", space, percent="100%")) == 2


def test_pods_on_their_nodes_network_are_refused(at: Cluster, space: str) -> None:
    at.create(POD.path(space), body_of(POD, metadata={"name": "host"}, spec={
        "hostNetwork": True, "containers": [{"name": "web", "image": "web"}]}))
    with pytest.raises(Refused, match="no NetworkPolicy reaches them"):
        prepared("network_partition", space, workload="", names=["host"])


def test_one_who_has_opted_out_is_not_hit_with_the_others(at: Cluster, space: str) -> None:
    spared = pods(at, space)[0].metadata.name
    at.patch(POD.path(space, spared), {"metadata": {"labels": {"chaos-runner.io/exclude": "true"}}}, MERGE)
    acts = prepared("network_partition", space)
    assert [act.target["kind"] for act in acts] == ["pod"]
    assert acts[0].target["name"] != spared


# ── does anything enforce it? ───────────────────────────────────────────────────────────────────────────────────────

def seen(*daemons: str, args: list[str] | None = None, node: dict[str, Any] | None = None) -> Seen:
    agent = {"name": "aws-eks-nodeagent", "args": args or []}
    return convert_seen({"nodes": [{"metadata": {"name": "node-1"}, **(node or {})}], "daemons": [
        {"metadata": {"name": name}, "status": {"desiredNumberScheduled": 1},
         "spec": {"template": {"spec": {"containers": [agent]}}}} for name in daemons]}, Seen)


@pytest.mark.parametrize(("found", "by"), [
    (seen("calico-node"), "calico-node"), (seen("kube-flannel-ds", "canal"), "canal"),
    (seen("aws-node", args=["--enable-network-policy=true"]), "aws-node with its network policy agent"),
    (seen(node={"status": {"nodeInfo": {"kubeletVersion": "v1.34.4+k3s1"}}}), "k3s"),
    (seen("kube-flannel-ds", node={"metadata": {"name": "node-1", "labels": {ENFORCED: "enforced"}}}),
     f"what the nodes' label {ENFORCED} speaks of"),
])
def test_what_enforces_policies_is_known_by_what_runs_in_the_cluster(found: Seen, by: str) -> None:
    assert str(judged(found)) == f"NetworkPolicies are enforced by {by}"


@pytest.mark.parametrize("found", [seen(), seen("aws-node"), seen("kindnet")])
def test_where_nothing_known_enforces_policies_that_is_said(found: Seen) -> None:
    assert str(judged(found)) == "nothing was seen that is known to enforce NetworkPolicies"


def test_a_network_that_is_known_not_to_enforce_policies_is_refused() -> None:
    with pytest.raises(Refused, match="is kube-flannel-ds, which does not enforce NetworkPolicies"):
        judged(seen("kube-flannel-ds"))


def test_the_plan_says_whether_policies_are_enforced(space: str) -> None:
    (act,) = prepared("network_partition", space)
    first = shelf.fault("kubernetes.network_partition").rights(act)[0]
    assert (first.verb, first.lacks) == ("do", "")
    assert "NetworkPolicies" in first.needs


def test_the_annotation_is_small_and_holds_no_secrets(at: Cluster, space: str) -> None:
    fault = shelf.fault("kubernetes.network_partition")
    (act,) = prepared("network_partition", space)
    fault.apply(act)
    (there,) = policies(at, space)
    said = json.loads(there["metadata"]["annotations"]["chaos-runner.io/undo"])
    assert said == {"fault": "kubernetes.network_partition", "was": {},
                    "do": {"of": {"kind": "deployment", "name": "web", "uid": act.target["uid"]}}}
