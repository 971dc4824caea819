"""What faults on Services share: which Service is meant, and whether its selector decides who gets its traffic."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from chaos_runner.contracts import Candidate
from chaos_runner.errors import NoEffect, Refused
from chaos_runner.targets.kubernetes.access import Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import SERVICE, SLICE, Ref
from chaos_runner.targets.kubernetes.rights import Demand, Hit, look, look_at_namespace
from chaos_runner.targets.kubernetes.services import Endpoint, Service, read_service, ready_endpoints
from chaos_runner.targets.kubernetes.spared import OPT_OUT, check_namespace, spared

_EXTERNAL = "ExternalName"
_SOON_S = 2.0
"""Whoever waits for what could be hit waits at a prompt."""


class ServiceTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """One Service by its name. `namespace` is the context's own where nothing is said."""

    service: str
    context: str = ""
    namespace: str = ""
    even_protected: bool = False

    def hits(self, space: str) -> Hit:
        """The Service, by its name."""
        return Hit(SERVICE, self.namespace or space, (self.service,))

    def looks(self, space: str) -> list[Demand]:
        """What finding it takes."""
        here = self.namespace or space
        return [look_at_namespace(here), look("get", SERVICE, here, self.service), look("list", SLICE, here)]


class ChosenService(NamedTuple):
    """The Service, and whom it sends traffic to now."""

    at: Cluster
    service: Service
    endpoints: list[Endpoint]

    @property
    def space(self) -> str:
        """Its namespace."""
        return self.service.metadata.namespace

    @property
    def name(self) -> str:
        """Its name."""
        return self.service.metadata.name

    @property
    def ref(self) -> Ref:
        """What an act keeps of it."""
        return Ref(context=self.at.context, server=self.at.server, kind=SERVICE.name, namespace=self.space,
                   name=self.name, uid=self.service.metadata.uid)


def chosen_service(target: ServiceTarget) -> ChosenService:
    """The Service. Raises NoTarget, NoEffect for one that leads nowhere already, Refused for one that has opted out or
    whose traffic does not go by a selector, UsageError.
    """
    at = cluster(target.context)
    space = target.namespace or at.namespace
    check_namespace(at, space, even_protected=target.even_protected)
    found = read_service(at, space, target.service)
    label = f"service {space}/{target.service}"
    if spared(found.metadata):
        raise Refused(f"{label} has opted out: it bears the label {OPT_OUT}")
    _check_selector(label, found)
    endpoints = ready_endpoints(at, space, target.service)
    _check_endpoints(label, endpoints)
    return ChosenService(at, found, endpoints)


def services_there(given: Mapping[str, Any]) -> list[Candidate]:
    """The Services with selectors that agree with what is given. Raises ActFailed, UsageError."""
    at = cluster(str(given.get("context", ""))).within(_SOON_S)
    space = str(given.get("namespace") or at.namespace)
    return [Candidate(target={"namespace": space, "service": one.metadata.name},
                      label=f"service {space}/{one.metadata.name}")
            for one in at.list(SERVICE.path(space), Service).items
            if one.spec.selector and not spared(one.metadata)
            and given.get("service", one.metadata.name) == one.metadata.name]


def _check_selector(label: str, found: Service) -> None:
    if found.spec.type == _EXTERNAL:
        raise Refused(f"{label} is an ExternalName: a name in DNS, behind which there are no pods")
    if not found.spec.selector:
        raise Refused(f"{label} has no selector: somebody else keeps its endpoints, and would bring them back")


def _check_endpoints(label: str, endpoints: list[Endpoint]) -> None:
    if not endpoints:
        raise NoEffect(f"{label} has no ready endpoint: it leads nowhere already")
    others = {one.keeper or "nobody known" for one in endpoints if not one.by_selector}
    if others:
        raise Refused(f"{label} has endpoints that its selector does not decide; they are kept by "
                      f"{', '.join(sorted(others))}")
