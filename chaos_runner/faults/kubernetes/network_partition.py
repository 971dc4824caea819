"""kubernetes.network_partition: cuts pods off, from all or from some; undo lets the traffic through again."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final, Literal

from msgspec import Struct

from chaos_runner.contracts import Band, Example
from chaos_runner.errors import NoEffect, Refused, UsageError
from chaos_runner.faults.kubernetes._policy import PolicyFault, Rules
from chaos_runner.targets.kubernetes.objects import Pod
from chaos_runner.targets.kubernetes.pods import Chosen
from chaos_runner.targets.kubernetes.policies import NAME_OF_NAMESPACE, Way, networks_of_pods, peers_there

_WAYS: Final[Mapping[str, list[Way]]] = {"ingress": ["Ingress"], "egress": ["Egress"], "both": ["Ingress", "Egress"]}
_ALL_PODS: Final[dict[str, Any]] = {"namespaceSelector": {}}
_EVERYWHERE: Final = ("0.0.0.0/0", "::/0")
Network = IPv4Network | IPv6Network


class NetworkPartitionArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In which direction, and from whom. Without `labels`, `namespaces` and `cidrs` from everybody.

    `labels`: pods that bear all of these, in `namespaces`, or in the target's own where none is named. `namespaces`
    alone: all pods in them. `cidrs`: addresses outside the cluster.
    """

    direction: Literal["ingress", "egress", "both"] = "both"
    labels: dict[str, str] = {}
    namespaces: list[str] = []
    cidrs: list[str] = []


class NetworkPartition(PolicyFault[NetworkPartitionArguments]):
    """Cuts pods off by a NetworkPolicy. Connections that stand are cut or not as the cluster's network pleases; a
    node always reaches its own pods, so probes of the kubelet still pass.
    """

    arguments = NetworkPartitionArguments
    band = Band(word="cut off")
    example = Example(target={"namespace": "shop", "workload": "deployment/checkout"},
                      arguments={"direction": "ingress"})

    def rules(self, chosen: Chosen, arguments: NetworkPartitionArguments) -> Rules:
        ways = _WAYS[arguments.direction]
        allowed = _allowed(chosen, arguments)
        return Rules(policy_types=ways, ingress=[{"from": allowed}] if allowed and "Ingress" in ways else [],
                     egress=[{"to": allowed}] if allowed and "Egress" in ways else [])


def _allowed(chosen: Chosen, given: NetworkPartitionArguments) -> list[dict[str, Any]]:
    """With whom the pods may still speak. A policy can only allow: whoever is to be cut off is left out."""
    if not (given.labels or given.namespaces or given.cidrs):
        return []
    cut_off = [_network(text) for text in given.cidrs]
    _check_outside(chosen.pods, cut_off)
    if not (given.labels or given.namespaces):
        return [_ALL_PODS, *_outside_but(cut_off)]
    namespaces = given.namespaces or [chosen.pods[0].metadata.namespace]
    peers = peers_there(chosen.cluster, namespaces, given.labels)
    if peers == []:
        raise NoEffect(f"no pod in {', '.join(namespaces)} {_spoken(given.labels)}: nobody would be cut off")
    inside = networks_of_pods(chosen.cluster) or [str(ip_network(ip)) for ip in peers or []]
    return [*_pods_but(namespaces, given.labels), *_outside_but([*cut_off, *map(ip_network, inside)])]


def _pods_but(namespaces: list[str], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Selectors of all other pods: in other namespaces, and in these, whoever lacks one of the labels."""
    elsewhere = {"namespaceSelector": _where(NAME_OF_NAMESPACE, "NotIn", namespaces)}
    here = _where(NAME_OF_NAMESPACE, "In", namespaces)
    return [elsewhere, *({"namespaceSelector": here, "podSelector": _where(key, "NotIn", [value])}
                         for key, value in labels.items())]


def _where(key: str, operator: str, values: list[str]) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": values}]}


def _outside_but(networks: Iterable[Network]) -> list[dict[str, Any]]:
    """All addresses but these, in both families. The pods' own are among these where pods are allowed by selectors: on
    some networks a block means pods as well.
    """
    kept = sorted({str(network) for network in networks})
    return [_all_but(every, [one for one in kept if (":" in one) == (":" in every)]) for every in _EVERYWHERE]


def _all_but(every: str, some: list[str]) -> dict[str, Any]:
    return {"ipBlock": {"cidr": every, **({"except": some} if some else {})}}


def _network(text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise UsageError(f"`cidrs`: {error}; a block is written as 203.0.113.0/24") from error


def _check_outside(pods: Iterable[Pod], networks: Iterable[Network]) -> None:
    """Selectors and blocks mean each other's addresses on one network and not on the next."""
    for network in networks:
        if network.prefixlen == 0:
            raise Refused(f"`cidrs`: {network} is everybody: leave `cidrs` out for that")
        inside = next((pod for pod in pods if pod.status.pod_ip and ip_address(pod.status.pod_ip) in network), None)
        if inside:
            raise Refused(f"`cidrs`: {network} holds pods ({inside.label} is {inside.status.pod_ip}), and blocks are "
                          "for what is outside the cluster: give pods by `labels` or `namespaces`")


def _spoken(labels: Mapping[str, str]) -> str:
    return f"bears {', '.join(f'{key}={value}' for key, value in labels.items())}" if labels else "is there"
