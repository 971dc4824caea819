"""Faults on Services: cut off by their selector, or slowed by a proxy between them and their pods."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos_runner import shelf
from chaos_runner.clock import SystemClock
from chaos_runner.contracts import Act, Answer, Setting
from chaos_runner.errors import ActFailed, NoEffect, NoTarget, Refused
from chaos_runner.experiment.arguments import convert
from chaos_runner.faults.kubernetes._between import between
from chaos_runner.laws import Trial, check_fault
from chaos_runner.mark import Key, Mark, moment
from chaos_runner.targets.kubernetes.access import MERGE, Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import DEPLOYMENT, POD, POLICY, SERVICE, SLICE, body_of
from chaos_runner.targets.kubernetes.marks import RUN
from chaos_runner.targets.kubernetes.objects import Pod
from chaos_runner.targets.kubernetes.services import ServicePort, ServiceSpec, ready_endpoints, wait_until
from tests.crash.cluster import make_workload, namespace, normalised
from tests.kubernetes.detours import proxies_run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("simulated")]


@pytest.fixture
def at() -> Cluster:
    return cluster()


@pytest.fixture
def space(at: Cluster) -> Iterator[str]:
    with namespace(at) as name:
        make_workload(at, name)
        service(at, name, "web", {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]})
        assert wait_until(lambda: len(ready_endpoints(at, name, "web")) == 2, 20)
        yield name


def service(at: Cluster, space: str, name: str, spec: dict[str, Any]) -> None:
    at.create(SERVICE.path(space), body_of(SERVICE, metadata={"name": name}, spec=spec))


def web(at: Cluster, space: str) -> Any:
    return at.get(SERVICE.path(space, "web"), dict)


def setting(key: str = "", number: int = 0) -> Setting:
    mark = Mark(run="01TEST", number=number, expires=moment(SystemClock().now()))
    return Setting(mark=mark, seed=7, configuration={}, key=Key(key))


def prepared(name: str, space: str, arguments: dict[str, Any] | None = None, *, within: Setting | None = None,
             service: str = "web") -> Act:
    fault = shelf.fault(f"kubernetes.{name}")
    aimed = convert(fault.target, {"namespace": space, "service": service})
    acts: list[Act] = fault.prepare(aimed, convert(fault.arguments, arguments or {}), within or setting())
    (act,) = acts
    return act


def slowed(space: str, *, within: Setting | None = None, **arguments: Any) -> Act:
    return prepared("service_latency", space, {"latency": "200ms", **arguments}, within=within)


def everything(at: Cluster, space: str) -> Any:
    """What both faults could leave behind."""
    return [normalised(one) for kind in (SERVICE, DEPLOYMENT) for one in at.list(kind.path(space), dict).items]


# ── service_cut ─────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_cut_service_has_no_endpoints_and_gets_them_back(at: Cluster, space: str) -> None:
    fault, before = shelf.fault("kubernetes.service_cut"), normalised(web(at, space))
    act = prepared("service_cut", space)
    evidence = fault.apply(act)
    assert evidence.before == "ready endpoints: 2"
    assert evidence.after.startswith("no ready endpoint; read back: spec.selector.chaos-runner.io/cut")
    fault.undo(act)
    assert fault.verify(act).answer is Answer.RESTORED
    assert normalised(web(at, space)) == before
    assert wait_until(lambda: len(ready_endpoints(at, space, "web")) == 2, 10)


def test_a_cut_service_keeps_the_laws(at: Cluster, space: str) -> None:
    def picture() -> Any:
        wait_until(lambda: bool(ready_endpoints(at, space, "web")), 1)
        return normalised(web(at, space))

    check_fault("kubernetes.service_cut", Trial(target={"namespace": space, "service": "web"}, picture=picture))


def test_a_headless_service_is_cut_as_well(at: Cluster, space: str) -> None:
    service(at, space, "peers", {"selector": {"app": "web"}, "clusterIP": "None", "ports": [{"port": 80}]})
    assert wait_until(lambda: bool(ready_endpoints(at, space, "peers")), 10)
    fault, act = shelf.fault("kubernetes.service_cut"), prepared("service_cut", space, service="peers")
    fault.apply(act)
    assert ready_endpoints(at, space, "peers") == []
    fault.undo(act)


@pytest.mark.parametrize("fault", ["service_cut", "service_latency"])
@pytest.mark.parametrize(("spec", "error", "words"), [
    ({"type": "ExternalName", "externalName": "example.org"}, Refused, "is an ExternalName"),
    ({"ports": [{"port": 80}]}, Refused, "has no selector"),
    ({"selector": {"app": "nobody"}, "ports": [{"port": 80}]}, NoEffect, "leads nowhere already"),
])
def test_services_whose_traffic_does_not_go_by_a_selector_are_refused(
        at: Cluster, space: str, fault: str, spec: dict[str, Any], error: type[Exception], words: str) -> None:
    service(at, space, "other", spec)
    with pytest.raises(error, match=words):
        prepared(fault, space, {"latency": "1s"} if fault == "service_latency" else None, service="other")


def test_endpoints_that_somebody_else_keeps_are_refused(at: Cluster, space: str) -> None:
    at.create(SLICE.path(space), body_of(
        SLICE, metadata={"name": "by-hand", "labels": {"kubernetes.io/service-name": "web"}}, addressType="IPv4",
        ports=[{"port": 80}], endpoints=[{"addresses": ["203.0.113.7"]}]))
    with pytest.raises(Refused, match="has endpoints that its selector does not decide; they are kept by nobody known"):
        prepared("service_cut", space)


def test_a_service_of_another_name_is_suggested(space: str) -> None:
    with pytest.raises(NoTarget, match=r"there is no Service 'wep' .*; did you mean 'web'"):
        prepared("service_cut", space, service="wep")


def test_one_service_bears_one_fault_at_a_time(space: str) -> None:
    fault, act = shelf.fault("kubernetes.service_cut"), prepared("service_cut", space)
    later = slowed(space, within=setting(number=1))
    fault.apply(act)
    with pytest.raises(Refused, match="one fault at a time on one object"):
        shelf.fault("kubernetes.service_latency").apply(later)
    fault.undo(act)


# ── service_latency ─────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_slow_service_leads_to_the_proxy_alone_and_back_to_its_pods(at: Cluster, space: str, tmp_path: Path) -> None:
    fault, before = shelf.fault("kubernetes.service_latency"), everything(at, space)
    with proxies_run(at, space, tmp_path):
        act = slowed(space, jitter="20ms")
        assert everything(at, space) == before
        evidence = fault.apply(act)
        assert evidence.before == "ready endpoints: 2"
        assert evidence.after.startswith("read back: latency 200 ms, jitter 20 ms on port 8080; the only endpoint is")
        (endpoint,) = ready_endpoints(at, space, "web")
        (pod,) = at.list(POD.path(space), Pod, {"labelSelector": "chaos-runner.io/proxy"}).items
        assert endpoint.uid == pod.metadata.uid
        assert len(ready_endpoints(at, space, act.do["fields"][0]["value"]["chaos-runner.io/proxy"])) == 2
        assert fault.verify(act).answer is Answer.NOT_RESTORED
        fault.undo(act)
    assert fault.verify(act).answer is Answer.RESTORED
    assert everything(at, space) == before
    assert len(ready_endpoints(at, space, "web")) == 2


def test_a_slow_service_keeps_the_laws(at: Cluster, space: str, tmp_path: Path) -> None:
    with proxies_run(at, space, tmp_path):
        check_fault("kubernetes.service_latency", Trial(
            target={"namespace": space, "service": "web"}, arguments={"latency": "200ms"},
            picture=lambda: everything(at, space)))


def test_a_proxy_that_does_not_get_ready_leaves_the_service_alone_and_nothing_behind(at: Cluster, space: str) -> None:
    """Nobody answers for the pod here."""
    fault, before = shelf.fault("kubernetes.service_latency"), everything(at, space)
    act = slowed(space)
    with pytest.raises(ActFailed):
        fault.apply(act)
    assert web(at, space)["spec"]["selector"] == {"app": "web"}
    assert fault.verify(act).answer is Answer.NOT_RESTORED
    fault.undo(act)
    assert fault.verify(act).answer is Answer.RESTORED
    assert everything(at, space) == before


def found(at: Cluster, space: str) -> list[Any]:
    fault: Any = shelf.fault("kubernetes.service_latency")
    return [one for one in fault.marked(at.context) if one.act.target["namespace"] == space]


def test_a_scan_finds_the_service_and_both_parts_each_signed(at: Cluster, space: str, tmp_path: Path) -> None:
    fault, before = shelf.fault("kubernetes.service_latency"), everything(at, space)
    with proxies_run(at, space, tmp_path):
        act = slowed(space, within=setting("secret"))
        fault.apply(act)
    there = found(at, space)
    assert [(one.act.target["kind"], one.doubt) for one in there] == [("service", ""), ("service", ""),
                                                                      ("deployment", "")]
    assert all(one.mark.is_signed_by(Key("secret"), one.fault, one.target) for one in there)
    fault.undo(there[0].act)
    assert everything(at, space) == before
    for one in there[1:]:
        fault.undo(one.act)
        assert fault.verify(one.act).answer is Answer.RESTORED


@pytest.mark.skipif(not shutil.which("kubectl"), reason="there is no kubectl")
def test_the_command_for_people_brings_all_of_it_back(at: Cluster, space: str, tmp_path: Path) -> None:
    fault, before = shelf.fault("kubernetes.service_latency"), everything(at, space)
    with proxies_run(at, space, tmp_path):
        act = slowed(space)
        fault.apply(act)
    subprocess.run(["bash", "-c", fault.by_hand(act)], check=True, capture_output=True)
    assert everything(at, space) == before


def test_parts_alone_are_found_and_deleted(at: Cluster, space: str) -> None:
    fault, before = shelf.fault("kubernetes.service_latency"), everything(at, space)
    with pytest.raises(ActFailed):
        fault.apply(slowed(space))
    for one in found(at, space):
        fault.undo(one.act)
    assert everything(at, space) == before


def test_the_proxy_stays_while_a_service_leads_to_it(at: Cluster, space: str, tmp_path: Path) -> None:
    """Somebody's tool took our mark off the Service, and left the selector."""
    fault = shelf.fault("kubernetes.service_latency")
    with proxies_run(at, space, tmp_path):
        act = slowed(space)
        fault.apply(act)
    at.patch(SERVICE.path(space, "web"), {"metadata": {"annotations": {RUN: None}}}, MERGE)
    _, deployment = found(at, space)
    with pytest.raises(ActFailed, match="service web still leads to"):
        fault.undo(deployment.act)
    fault.undo(act)
    assert fault.verify(act).answer is Answer.RESTORED


def test_a_selector_that_somebody_else_gave_meanwhile_is_left(at: Cluster, space: str, tmp_path: Path) -> None:
    fault = shelf.fault("kubernetes.service_latency")
    with proxies_run(at, space, tmp_path):
        act = slowed(space)
        fault.apply(act)
    at.patch(SERVICE.path(space, "web"), {"spec": {"selector": {"chaos-runner.io/proxy": None, "app": "green"}}}, MERGE)
    fault.undo(act)
    assert fault.verify(act).answer is Answer.DRIFT
    assert web(at, space)["spec"]["selector"] == {"app": "green"}
    assert found(at, space) == []


@pytest.mark.parametrize(("spec", "words"), [
    ({"clusterIP": "None"}, "is headless"),
    ({"ports": [{"port": 53, "protocol": "UDP"}]}, "has ports for UDP"),
    ({"internalTrafficPolicy": "Local"}, "internalTrafficPolicy Local"),
])
def test_services_that_a_proxy_would_break_are_refused(at: Cluster, space: str, spec: dict[str, Any],
                                                       words: str) -> None:
    service(at, space, "other", {"selector": {"app": "web"}, "ports": [{"port": 80}], **spec})
    assert wait_until(lambda: bool(ready_endpoints(at, space, "other")), 10)
    with pytest.raises(Refused, match=words):
        prepared("service_latency", space, {"latency": "1s"}, service="other")


def test_a_policy_that_may_keep_the_proxy_out_is_refused(at: Cluster, space: str) -> None:
    at.create(POLICY.path(space), body_of(POLICY, metadata={"name": "only-front"}, spec={
        "podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "front"}}}]}]}))
    with pytest.raises(Refused, match="NetworkPolicy only-front says what its pods may do"):
        slowed(space)


def test_no_delay_is_refused(space: str) -> None:
    with pytest.raises(Refused, match="0 would delay nothing"):
        slowed(space, latency="0s")


def test_the_proxy_listens_where_the_service_looks_for_its_pods() -> None:
    ports = [ServicePort(port=80, target_port="http"), ServicePort(port=443, target_port="http"),
             ServicePort(port=8474), ServicePort(port=9000, target_port=20000)]
    put = between(ServiceSpec(selector={"app": "web"}, ports=ports), "image")
    assert [(way.listen, way.behind) for way in put.ways] == [(20001, "http"), (8474, 8474), (20000, 20000)]
    assert put.api_port == 8475
