"""Services: what they say, and to whom they send traffic at this moment."""

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from msgspec import Struct, field

from chaos_runner.errors import Gone, NoTarget
from chaos_runner.targets.choosing import meant
from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.kinds import SERVICE, SLICE
from chaos_runner.targets.kubernetes.objects import Meta, Whole

HEADLESS: Final = "None"
_KEEPER: Final = "endpointslice.kubernetes.io/managed-by"
_OF_SELECTORS: Final = "endpointslice-controller.k8s.io"
_LOOK_AGAIN_S: Final = 0.2


class ServicePort(Struct, frozen=True, kw_only=True, rename="camel"):
    """A port of a Service, and the pods' port behind it: a number, or the name that they give it. 0 is the same one."""

    port: int
    name: str = ""
    protocol: str = "TCP"
    target_port: int | str = 0

    @property
    def behind(self) -> int | str:
        """The pods' port."""
        return self.target_port or self.port


class ServiceSpec(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a Service was asked to be."""

    type: str = "ClusterIP"
    cluster_ip: str = field(default="", name="clusterIP")
    selector: dict[str, str] = {}
    ports: list[ServicePort] = []
    publish_not_ready_addresses: bool = False
    internal_traffic_policy: str = ""
    external_traffic_policy: str = ""

    @property
    def is_headless(self) -> bool:
        """Whether its name leads to the pods themselves, and not to an address of its own."""
        return self.cluster_ip == HEADLESS


class Service(Struct, frozen=True, kw_only=True):
    """A Service."""

    metadata: Meta
    spec: ServiceSpec = ServiceSpec()


class Endpoint(NamedTuple):
    """One pod, or other address, that a Service sends traffic to, and who keeps it in the Service's EndpointSlices."""

    uid: str
    address: str
    keeper: str

    @property
    def by_selector(self) -> bool:
        """Whether it comes and goes with the Service's selector."""
        return self.keeper == _OF_SELECTORS


class _Conditions(Struct, frozen=True):
    ready: bool | None = None


class _Endpoint(Struct, frozen=True, rename="camel"):
    addresses: list[str] = []
    conditions: _Conditions = _Conditions()
    target_ref: dict[str, Any] | None = None


class _Slice(Struct, frozen=True):
    metadata: Meta
    endpoints: list[_Endpoint] | None = None


def read_service(at: Cluster, namespace: str, name: str) -> Service:
    """The Service of that name. Raises NoTarget, and says which there are."""
    try:
        return at.get(SERVICE.path(namespace, name), Service)
    except Gone as gone:
        known = [one.metadata.name for one in at.list(SERVICE.path(namespace), Whole).items]
        raise NoTarget(f"there is no Service {name!r} in namespace {namespace!r} of {at.context}"
                       f"{meant(name, known)}") from gone


def ready_endpoints(at: Cluster, namespace: str, name: str) -> list[Endpoint]:
    """Whom a Service sends traffic to. Ready is also what does not say that it is not."""
    slices = at.list(SLICE.path(namespace), _Slice, {"labelSelector": f"kubernetes.io/service-name={name}"}).items
    return [Endpoint(str((one.target_ref or {}).get("uid", "")), one.addresses[0] if one.addresses else "",
                     each.metadata.labels.get(_KEEPER, ""))
            for each in slices for one in each.endpoints or [] if one.conditions.ready is not False]


def wait_until(holds: Callable[[], bool], within_s: float) -> bool:
    """Looks again and again, until it holds or time is up. Says whether it held."""
    deadline_s = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(_LOOK_AGAIN_S)
    return True
