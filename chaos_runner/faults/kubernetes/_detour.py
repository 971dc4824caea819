"""The detour through a Toxiproxy, in the cluster: making its two parts, slowing it, and taking it away again."""

from typing import Final

from chaos_runner.contracts import Act
from chaos_runner.errors import ActFailed, Gone
from chaos_runner.faults.kubernetes._between import PROXY, Between, deployment_spec, labels_of, service_spec
from chaos_runner.faults.kubernetes._made import Made, body, is_ours, make, name_of, remove, tried
from chaos_runner.faults.kubernetes._pod_proxy import PodProxy
from chaos_runner.faults.proxy._toxic import in_ms, same
from chaos_runner.mark import Mark
from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.kinds import DEPLOYMENT, POD, SERVICE
from chaos_runner.targets.kubernetes.marks import annotations
from chaos_runner.targets.kubernetes.objects import Pod, Workload
from chaos_runner.targets.kubernetes.services import Service, read_service, ready_endpoints, wait_until
from chaos_runner.targets.proxy import Toxic

_READY_WITHIN_S: Final = 30.0
"""An image may have to be fetched, and `apply` has a minute."""
_LEADS_WITHIN_S: Final = 15.0
"""Busy controllers take their time to write where a Service leads."""
_NOWHERE: Final = "127.0.0.1"


class Detour:
    """Our second Service and our Deployment, both of one name and one mark. `fault` is whose they are."""

    def __init__(self, at: Cluster, namespace: str, mark: Mark, fault: str) -> None:
        self.name = name_of(mark)
        self.service = Made(at, SERVICE, namespace, self.name)
        self.deployment = Made(at, DEPLOYMENT, namespace, self.name)
        self.at, self._namespace, self._mark = at, namespace, mark
        self._signs = annotations(mark, fault, {}, {})

    def try_out(self, between: Between) -> None:
        """Has the API server check both, and makes neither. Raises Denied."""
        tried(self.service, body(self.service, self._mark, self._signs, service_spec(between)))
        tried(self.deployment, self._deployment(between, _NOWHERE))

    def open(self, between: Between) -> Pod:
        """Makes both, or finds that they are made, and gives our pod when traffic can go through it."""
        make(self.service, body(self.service, self._mark, self._signs, service_spec(between)))
        address = read_service(self.at, self._namespace, self.name).spec.cluster_ip
        make(self.deployment, self._deployment(between, address))
        if not wait_until(lambda: self.pod() is not None, _READY_WITHIN_S):
            raise ActFailed(f"{self.deployment.label} is not ready: {self._why_not()}")
        if not wait_until(lambda: bool(ready_endpoints(self.at, self._namespace, self.name)), _LEADS_WITHIN_S):
            raise ActFailed(f"{self.service.label} leads to no ready pod")
        pod = self.pod()
        if pod is None:
            raise ActFailed(f"the pod of {self.deployment.label} was ready, and is not any more")
        return pod

    def slow(self, pod: Pod, between: Between, toxic: Toxic) -> str:
        """Puts the toxic on every way through our pod, and tells what was read back."""
        proxies = PodProxy(self.at, self._namespace, pod.metadata.name, between.api_port)
        for way in between.ways:
            proxies.add(way.name, toxic)
            there = proxies.proxy(way.name).toxics
            if not any(one.name == toxic.name and same(one, toxic) for one in there):
                raise ActFailed(f"{way.name} of {pod.label} was to have {toxic.attributes}, and has {list(there)}")
        numbers = ", ".join(f"{key} {in_ms(value)}" for key, value in toxic.attributes.items()
                            if isinstance(value, int) and value)
        return f"{numbers} on port {', '.join(str(way.behind) for way in between.ways)}"

    def pod(self) -> Pod | None:
        """Our pod, if it is ready."""
        return next((pod for pod in self._pods() if pod.ready), None)

    def uids(self) -> set[str]:
        """Our pods, ready or not."""
        return {pod.metadata.uid for pod in self._pods()}

    def left(self) -> list[str]:
        """Which of both is there and ours."""
        return [made.label for made in (self.service, self.deployment) if is_ours(made, str(self._mark))]

    def close(self) -> None:
        """Takes both away. Raises ActFailed while a Service leads to our pod: its clients would find nobody."""
        self.check_bypassed()
        remove(self.deployment, str(self._mark))
        remove(self.service, str(self._mark))

    def check_bypassed(self) -> None:
        """Raises ActFailed while a Service leads to our pod."""
        leading = [one.metadata.name for one in self.at.list(SERVICE.path(self._namespace), Service).items
                   if one.spec.selector.get(PROXY) == self.name]
        if leading:
            raise ActFailed(f"service {', '.join(leading)} still leads to {self.deployment.label}: it must have "
                            "its own selector back first")

    def _deployment(self, between: Between, address: str) -> dict[str, object]:
        made = body(self.deployment, self._mark, self._signs, deployment_spec(between, self.name, self._mark, address))
        return {**made, "metadata": {**made["metadata"], "labels": labels_of(self.name, self._mark)}}

    def _pods(self) -> list[Pod]:
        return self.at.list(POD.path(self._namespace), Pod, {"labelSelector": f"{PROXY}={self.name}"}).items

    def _why_not(self) -> str:
        """What the cluster says of it."""
        for pod in self._pods():
            waits = [one.state["waiting"] for one in pod.status.container_statuses if "waiting" in one.state]
            said = [f"{one.get('reason', '')} {one.get('message', '')}".strip() for one in waits]
            said += [one.message for one in pod.status.conditions if one.status == "False" and one.message]
            if said:
                return said[0]
        return self._why_no_pod()

    def _why_no_pod(self) -> str:
        try:
            found = self.at.get(DEPLOYMENT.path(self._namespace, self.name), Workload)
        except Gone:
            return "it is gone"
        failed = [one.message for one in found.status.conditions if one.type == "ReplicaFailure"]
        return failed[0] if failed else "the cluster does not say why"


def toxic_of(act: Act) -> Toxic:
    """What slows the way."""
    slow = act.do["slow"]
    return Toxic(act.do["parts"], "latency", attributes={"latency": slow["latency_ms"], "jitter": slow["jitter_ms"]})
