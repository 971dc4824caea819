"""The lab's real node: processes that can be killed, a network that can be cut, and a shop that notices."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from chaos_runner.errors import Refused
from chaos_runner.lab.kubernetes import lab as labs
from chaos_runner.lab.kubernetes.api import Api
from chaos_runner.lab.kubernetes.lab import Wanted
from chaos_runner.lab.kubernetes.node import needs
from chaos_runner.lab.kubernetes.programs import TOXIPROXY
from chaos_runner.lab.kubernetes.state import Lab, Pods
from tests import turns

pytestmark = [pytest.mark.slow, turns.REAL_NODE]
SHOP = "/api/v1/namespaces/shop/pods"
POLICIES = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies"


def api_of(lab: Lab) -> Api:
    said = json.loads(Path(lab.kubeconfig).read_text())
    return Api(said["clusters"][0]["cluster"]["server"], Path(lab.folder) / "certificates" / "ca.crt",
               said["users"][0]["user"]["token"])


def ask(shop: str, timeout_s: float = 5) -> tuple[int, str]:
    """The status of the shop's answer, and the pod that gave it; 0 for none."""
    connection = http.client.HTTPConnection(urlsplit(shop).netloc, timeout=timeout_s)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        said = answer.read()
        return answer.status, json.loads(said)["pod"] if answer.status == 200 else ""
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def within(limit_s: float, holds: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.1)
    return True


def settles(shop: str, status: int) -> bool:
    """Whether the shop comes to answer so, and stays with it."""
    return within(30, lambda: [ask(shop)[0] for _ in range(2)] == [status, status])


def pods(api: Api, app: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(f"{SHOP}?labelSelector=app%3D{app}")["items"]
    return found


def ready(api: Api, app: str) -> int:
    return sum(bool(pod["status"].get("containerStatuses", [{}])[0].get("ready")) for pod in pods(api, app))


@contextmanager
def policy(api: Api, name: str, spec: dict[str, Any]) -> Iterator[None]:
    api.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
               "metadata": {"name": name, "namespace": "shop"}, "spec": spec})
    try:
        yield
    finally:
        api.delete(f"{POLICIES}/{name}")


def test_the_shop_answers_through_its_service_from_every_pod(real_node: Lab) -> None:
    assert within(60, lambda: ready(api_of(real_node), "checkout") == 3)
    answers = Counter(ask(real_node.shop) for _ in range(60))
    assert {status for status, _ in answers} == {200}
    assert len(answers) == 3


def test_a_killed_container_is_started_again_by_the_kubelet(real_node: Lab) -> None:
    api = api_of(real_node)
    victim = pods(api, "cart")[0]["metadata"]
    group = victim["uid"]
    processes = [pid for pid in needs.pod_pids() if group in Path(f"/proc/{pid}/cgroup").read_text()
                 and Path(f"/proc/{pid}/comm").read_text().strip() == "web"]
    for pid in set(processes):
        os.kill(pid, 9)
    assert processes
    assert within(60, lambda: pods(api, "cart")[0]["status"]["containerStatuses"][0]["restartCount"] > 0
                  and ready(api, "cart") == 1)
    assert pods(api, "cart")[0]["metadata"]["uid"] == group
    assert within(30, lambda: ask(real_node.shop)[0] == 200)


def test_a_deleted_pod_is_replaced_while_the_others_go_on_answering(real_node: Lab) -> None:
    api = api_of(real_node)
    assert within(60, lambda: ready(api, "checkout") == 3)
    victim = pods(api, "checkout")[0]["metadata"]["name"]
    api.delete(f"{SHOP}/{victim}")
    assert within(60, lambda: ready(api, "checkout") == 3
                  and victim not in {pod["metadata"]["name"] for pod in pods(api, "checkout")})
    now = {pod["metadata"]["name"] for pod in pods(api, "checkout")}
    assert within(60, lambda: {ask(real_node.shop)[1] for _ in range(30)} == now)


def test_a_policy_that_denies_cuts_the_shop_from_its_cart_and_its_end_brings_it_back(real_node: Lab) -> None:
    api = api_of(real_node)
    assert within(20, lambda: ask(real_node.shop)[0] == 200)
    with policy(api, "deny", {"podSelector": {"matchLabels": {"app": "cart"}}, "policyTypes": ["Ingress"]}):
        assert within(30, lambda: ask(real_node.shop)[0] == 502)
    assert within(30, lambda: ask(real_node.shop)[0] == 200)


def test_a_policy_lets_through_what_it_names(real_node: Lab) -> None:
    api = api_of(real_node)
    cart = {"podSelector": {"matchLabels": {"app": "cart"}}, "policyTypes": ["Ingress"]}
    checkouts = {"podSelector": {"matchLabels": {"app": "checkout"}}}
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}
    strangers = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    outside = {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.244.0.0/16"]}}
    for peer, port, status in (({**checkouts}, {"port": "http"}, 200), ({**checkouts, **here}, {"port": 8080}, 200),
                               (here, {"port": 8000, "endPort": 9000}, 200), (checkouts, {"port": 80}, 502),
                               (strangers, {"port": 8080}, 502), (outside, {"port": 8080}, 502)):
        with policy(api, "some", {**cart, "ingress": [{"from": [peer], "ports": [port]}]}):
            assert settles(real_node.shop, status), (peer, port)


def test_names_cannot_be_looked_up_where_a_policy_forbids_the_way_to_dns(real_node: Lab) -> None:
    api = api_of(real_node)
    ports = [{"port": 1, "endPort": 52}, {"port": 54, "endPort": 65535}]
    with policy(api, "mute", {"podSelector": {"matchLabels": {"app": "checkout"}}, "policyTypes": ["Egress"],
                              "egress": [{"ports": ports}]}):
        assert within(30, lambda: ask(real_node.shop)[0] == 502)
    assert within(30, lambda: ask(real_node.shop)[0] == 200)


def test_an_eviction_that_would_leave_too_few_is_refused(real_node: Lab) -> None:
    api = api_of(real_node)
    assert within(60, lambda: ready(api, "checkout") == 3)
    budget = "/apis/policy/v1/namespaces/shop/poddisruptionbudgets/checkout"
    assert within(20, lambda: api.get(budget)["status"]["disruptionsAllowed"] == 1)
    answers = []
    for pod in pods(api, "checkout")[:2]:
        name = pod["metadata"]["name"]
        try:
            api.create(f"{SHOP}/{name}/eviction", {"apiVersion": "policy/v1", "kind": "Eviction",
                                                   "metadata": {"name": name, "namespace": "shop"}})
            answers.append(201)
        except Refused as why:
            answers.append(getattr(why, "status", 0))
    assert answers == [201, 429]
    assert within(60, lambda: ready(api, "checkout") == 3)


def test_toxiproxy_runs_by_its_usual_image(real_node: Lab) -> None:
    api = api_of(real_node)
    container = {"name": "toxiproxy", "image": f"ghcr.io/shopify/toxiproxy:{TOXIPROXY}",
                 "readinessProbe": {"httpGet": {"path": "/version", "port": 8474}, "periodSeconds": 1}}
    api.apply({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [container]},
               "metadata": {"name": "toxiproxy", "namespace": "shop", "labels": {"app": "toxiproxy"}}})
    try:
        assert within(60, lambda: ready(api, "toxiproxy") == 1)
    finally:
        api.delete(f"{SHOP}/toxiproxy?gracePeriodSeconds=0")


def test_a_machine_has_one_real_node(real_node: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "second"
    with pytest.raises(Refused, match="one real node"):
        labs.up(folder, Wanted(Pods.REAL, 0), lambda _: None)
    assert labs.down(folder) == []
    assert within(30, lambda: ask(real_node.shop)[0] == 200)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can become somebody else")
def test_without_root_it_is_said_that_simulated_nodes_need_none() -> None:
    code = ("import os\nfrom chaos_runner.lab.kubernetes.node import needs\nos.seteuid(65534)\n"
            "try:\n    needs.check()\nexcept Exception as why:\n    print(type(why).__name__, why)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "Refused a real node needs root; `--simulated` does not\n"
