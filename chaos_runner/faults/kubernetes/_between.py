"""A Toxiproxy between a Service and its pods: what is made for it, as data.

    clients ─▶ the Service ─▶ (selector swapped) our pod ─▶ our second Service ─▶ (original selector) the pods

Our pod listens on the very ports that the Service expects of its pods, under the names that it knows them by. Where it
leads is in an annotation, which the pod reads as a file: a container that is restarted still leads there.
"""

from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

from chaos_runner.mark import Mark
from chaos_runner.targets.kubernetes.access import compact
from chaos_runner.targets.kubernetes.marks import RUN
from chaos_runner.targets.kubernetes.services import ServiceSpec

PROXY: Final = "chaos-runner.io/proxy"
"""The label that our pod bears, and that the Service's selector is swapped to."""
WAYS: Final = "chaos-runner.io/ways"
_API_PORT: Final = 8474
_FIRST_FOR_NAMES: Final = 20000
_PRIVILEGED: Final = 1024
_FOLDER: Final = "/chaos-runner"
_FILE: Final = "toxiproxy.json"
_NOBODY: Final = 65534
_ANY_PORT: Final = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
"""Lets who is not root listen on low ports of the pod's own network. Kubernetes counts it among the safe ones."""


class Way(Struct, frozen=True, kw_only=True):
    """One port: where our pod listens, and the pods' own port, a number or the name that they give it."""

    listen: int
    behind: int | str

    @property
    def name(self) -> str:
        """What its proxy and its port of our Service are called."""
        return f"way-{self.listen}"


class Between(Struct, frozen=True, kw_only=True):
    """What is put between."""

    image: str
    api_port: int
    ways: list[Way]
    selector: dict[str, str]
    not_ready_too: bool = False


def between(spec: ServiceSpec, image: str) -> Between:
    """What has to be put between such a Service and its pods."""
    behind = list(dict.fromkeys(port.behind for port in spec.ports))
    taken = {each for each in behind if isinstance(each, int)}
    free = (port for port in range(_FIRST_FOR_NAMES, _FIRST_FOR_NAMES + 2 * len(behind) + 1) if port not in taken)
    ways = [Way(listen=each if isinstance(each, int) else next(free), behind=each) for each in behind]
    listens = {way.listen for way in ways}
    api_port = next(port for port in range(_API_PORT, _API_PORT + len(ways) + 1) if port not in listens)
    return Between(image=image, api_port=api_port, ways=ways, selector=spec.selector,
                   not_ready_too=spec.publish_not_ready_addresses)


def labels_of(name: str, mark: Mark) -> dict[str, str]:
    """The labels of our pod."""
    return {PROXY: name, RUN: mark.run}


def service_spec(wanted: Between) -> dict[str, Any]:
    """Our second Service, which leads to the pods as the first did."""
    ports = [{"name": way.name, "port": way.listen, "targetPort": way.behind} for way in wanted.ways]
    return {"selector": wanted.selector, "ports": ports, "publishNotReadyAddresses": wanted.not_ready_too}


def deployment_spec(wanted: Between, name: str, mark: Mark, address: str) -> dict[str, Any]:
    """Our pod, and who keeps it there. `address` is that of our second Service."""
    labels = labels_of(name, mark)
    template = {"metadata": {"labels": labels, "annotations": {WAYS: _config(wanted.ways, address)}},
                "spec": _pod(wanted)}
    return {"replicas": 1, "selector": {"matchLabels": {PROXY: name}}, "template": template}


def _config(ways: Iterable[Way], address: str) -> str:
    """Toxiproxy's own file."""
    host = f"[{address}]" if ":" in address else address
    return compact([{"name": way.name, "listen": f":{way.listen}", "upstream": f"{host}:{way.listen}", "enabled": True}
                    for way in ways])


def _pod(wanted: Between) -> dict[str, Any]:
    """As little as a restricted namespace asks for."""
    low = any(way.listen < _PRIVILEGED for way in wanted.ways)
    file = {"path": _FILE, "fieldRef": {"fieldPath": f"metadata.annotations['{WAYS}']"}}
    return {
        "automountServiceAccountToken": False, "enableServiceLinks": False, "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "runAsUser": _NOBODY, "seccompProfile": {"type": "RuntimeDefault"},
                            **({"sysctls": [_ANY_PORT]} if low else {})},
        "containers": [_container(wanted)],
        "volumes": [{"name": "ways", "downwardAPI": {"items": [file]}}],
    }


def _container(wanted: Between) -> dict[str, Any]:
    ports = [{"containerPort": way.listen, **({"name": way.behind} if isinstance(way.behind, str) else {})}
             for way in wanted.ways]
    return {
        "name": "toxiproxy", "image": wanted.image,
        "args": ["-host=", f"-port={wanted.api_port}", f"-config={_FOLDER}/{_FILE}"],
        "ports": [*ports, {"containerPort": wanted.api_port}],
        "readinessProbe": {"httpGet": {"path": "/version", "port": wanted.api_port}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "ways", "mountPath": _FOLDER, "readOnly": True}],
    }
