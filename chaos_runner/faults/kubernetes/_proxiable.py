"""Whether a proxy can stand between a Service and its pods without breaking what it is to slow."""

from collections.abc import Iterator, Mapping

from chaos_runner.errors import Refused
from chaos_runner.faults.kubernetes._services import ChosenService
from chaos_runner.targets.kubernetes.kinds import POD
from chaos_runner.targets.kubernetes.objects import Selector, Whole
from chaos_runner.targets.kubernetes.policies import Way, policies_in


def check_proxiable(found: ChosenService, labels: Mapping[str, str]) -> None:
    """Raises Refused, with the reason. `labels` are those that our pod would have."""
    said = next(_against(found), "") or next(_closed(found, labels), "")
    if said:
        raise Refused(f"service {found.space}/{found.name} {said}")


def _against(found: ChosenService) -> Iterator[str]:
    spec = found.service.spec
    if spec.is_headless:
        yield "is headless: its name leads clients to the pods themselves, past any proxy"
    if not spec.ports:
        yield "has no ports"
    others = sorted({port.protocol for port in spec.ports} - {"TCP"})
    if others:
        yield f"has ports for {', '.join(others)}, and the proxy passes TCP alone: they would be cut"
    for which, policy in (("internal", spec.internal_traffic_policy), ("external", spec.external_traffic_policy)):
        if policy == "Local":
            yield f"has {which}TrafficPolicy Local: nodes without the proxy's pod would be cut off, not slowed"


def _closed(found: ChosenService, labels: Mapping[str, str]) -> Iterator[str]:
    """NetworkPolicies that may keep the proxy from the pods, or clients from the proxy."""
    policies = policies_in(found.at, found.space)
    query = {"labelSelector": Selector(match_labels=found.service.spec.selector).text}
    behind = [pod.metadata.labels for pod in found.at.list(POD.path(found.space), Whole, query).items]
    aims: list[tuple[Mapping[str, str], Way]] = [(labels, "Ingress"), (labels, "Egress")]
    aims += [(each, "Ingress") for each in behind]
    for each, way in aims:
        for policy in policies:
            if policy.isolates(each, way) and not policy.opens(way):
                whose = "the proxy's pod" if each is labels else "its pods"
                yield f"could be cut, not slowed: NetworkPolicy {policy.metadata.name} says what {whose} may do ({way})"
