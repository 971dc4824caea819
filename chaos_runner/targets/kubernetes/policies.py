"""NetworkPolicies: which there are, whom they select, and whether anything in the cluster enforces them.

Policies only add up: a pod that one policy isolates in a direction may still do what any policy allows it there. So a
policy of ours has no effect on a pod that another isolates already, in that direction.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

from msgspec import Struct, field

from chaos_runner.errors import Gone, Refused
from chaos_runner.targets.kubernetes.access import Cluster, Denied
from chaos_runner.targets.kubernetes.kinds import NAMESPACE, NODE, POD, POLICY, WORKLOADS
from chaos_runner.targets.kubernetes.objects import Meta, Pod, Selector, Whole
from chaos_runner.targets.kubernetes.rights import look

Way = Literal["Ingress", "Egress"]
NAME_OF_NAMESPACE: Final = "kubernetes.io/metadata.name"
"""The label that the API server gives each namespace."""
ENFORCED: Final = "chaos-runner.io/network-policies"
"""A label that owners may put on nodes, with the value "enforced", where we do not know what enforces policies."""
_ENFORCERS: Final = ("calico-node", "canal", "cilium", "anetd", "antrea-agent", "weave-net", "kube-router",
                     "ovnkube-node", "ovs-ovn", "kube-ovn-cni", "azure-npm", "kube-network-policies", "romana-agent")
_ONLY_CONNECT: Final = ("kube-flannel-ds", "kube-flannel")
_AWS: Final = "aws-node"
_AWS_AGENT: Final = "aws-eks-nodeagent"
_DAEMONS: Final = WORKLOADS["daemonset"]


ENFORCEMENT_LOOKS: Final = (look("list", _DAEMONS, ""), look("list", NODE, ""))
"""What it takes to see what enforces policies."""


class PolicySpec(Struct, frozen=True, kw_only=True, rename="camel"):
    """Whom a policy isolates in which directions, and what it allows them nevertheless."""

    pod_selector: Selector = Selector()
    policy_types: list[str] = []
    ingress: list[dict[str, Any]] = []
    egress: list[dict[str, Any]] = []


class Policy(Struct, frozen=True, kw_only=True):
    """A NetworkPolicy."""

    metadata: Meta
    spec: PolicySpec = PolicySpec()

    def isolates(self, labels: Mapping[str, str], way: Way) -> bool:
        """Whether pods with these labels may do only what policies allow, in that direction."""
        return way in self.spec.policy_types and selects(self.spec.pod_selector, labels)

    def opens(self, way: Way) -> bool:
        """Whether it allows everything in that direction, to everybody."""
        return {} in (self.spec.ingress if way == "Ingress" else self.spec.egress)

    def closes(self, way: Way) -> bool:
        """Whether it allows nothing at all in that direction."""
        return not (self.spec.ingress if way == "Ingress" else self.spec.egress)


class Enforcement(NamedTuple):
    """What enforces policies, as far as it can be seen: `certain` is False where only others may know."""

    by: str
    certain: bool

    def __str__(self) -> str:
        if self.certain:
            return f"NetworkPolicies are enforced by {self.by}"
        return "nothing was seen that is known to enforce NetworkPolicies"


class _NodeInfo(Struct, frozen=True, rename="camel"):
    kubelet_version: str = ""


class _NodeStatus(Struct, frozen=True, rename="camel"):
    node_info: _NodeInfo = _NodeInfo()


class _Node(Struct, frozen=True):
    metadata: Meta
    status: _NodeStatus = _NodeStatus()


class _Counts(Struct, frozen=True, rename="camel"):
    desired_number_scheduled: int = 0


class _Daemon(Struct, frozen=True):
    metadata: Meta
    spec: dict[str, Any] = {}
    status: _Counts = _Counts()


class Seen(Struct, frozen=True):
    """What in a cluster tells what enforces policies."""

    daemons: list[_Daemon] = []
    nodes: list[_Node] = []

    def daemon(self, *names: str) -> _Daemon | None:
        """The first of these that runs anywhere."""
        running = {one.metadata.name: one for one in self.daemons if one.status.desired_number_scheduled}
        return next((running[name] for name in names if name in running), None)


def policies_in(at: Cluster, namespace: str) -> list[Policy]:
    """The policies of a namespace."""
    return at.list(POLICY.path(namespace), Policy).items


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether a selector means what has these labels. An empty one means everything."""
    return selector.match_labels.items() <= labels.items() and all(
        _holds(each, labels) for each in selector.match_expressions)


def enforcement(at: Cluster) -> Enforcement:
    """What enforces policies. Raises Refused where the cluster's network is known not to."""
    try:
        seen = Seen(at.list(_DAEMONS.path(""), _Daemon).items, at.list(NODE.path(""), _Node).items)
    except Denied:  # who may not look, does not know
        seen = Seen()
    return judged(seen)


def judged(seen: Seen) -> Enforcement:
    """What enforces policies in a cluster where this is seen. Raises Refused when it is known that nothing does."""
    by = _by_daemon(seen) or _by_node(seen.nodes)
    if not by and (network := seen.daemon(*_ONLY_CONNECT)):
        raise Refused(f"the cluster's network is {network.metadata.name}, which does not enforce NetworkPolicies, and "
                      f"nothing beside it is known to: a policy would change nothing. If something does enforce them, "
                      f"label its nodes {ENFORCED}=enforced")
    return Enforcement(by, certain=bool(by))


def _by_daemon(seen: Seen) -> str:
    aws = seen.daemon(_AWS)
    if aws and _has_agent(aws):
        return f"{_AWS} with its network policy agent"
    found = seen.daemon(*_ENFORCERS)
    return found.metadata.name if found else ""


def _has_agent(aws: _Daemon) -> bool:
    """Amazon's CNI has the agent always, and it acts only where it is told to."""
    containers = aws.spec.get("template", {}).get("spec", {}).get("containers", [])
    return any(one.get("name") == _AWS_AGENT and "--enable-network-policy=true" in one.get("args", [])
               for one in containers)


def _by_node(nodes: Iterable[_Node]) -> str:
    found = list(nodes)
    if any(one.metadata.labels.get(ENFORCED) == "enforced" for one in found):
        return f"what the nodes' label {ENFORCED} speaks of"
    return "k3s" if any("+k3s" in one.status.node_info.kubelet_version for one in found) else ""


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or []
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels


class _Ranges(Struct, frozen=True, rename="camel"):
    pod_cidr: str = field(default="", name="podCIDR")
    pod_cidrs: list[str] = field(default_factory=list, name="podCIDRs")


class _RangedNode(Struct, frozen=True):
    metadata: Meta
    spec: _Ranges = _Ranges()


def networks_of_pods(at: Cluster) -> list[str]:
    """The blocks that pods have their addresses from, as the nodes tell them. Empty where they do not."""
    try:
        nodes = at.list(NODE.path(""), _RangedNode).items
    except Refused:
        return []
    return sorted({block for node in nodes for block in (*node.spec.pod_cidrs, node.spec.pod_cidr) if block})


def peers_there(at: Cluster, namespaces: Iterable[str], labels: Mapping[str, str]) -> list[str] | None:
    """The addresses of the pods that bear these labels in these namespaces. None where this user may not look there.
    Raises Refused for a namespace that is not there.
    """
    found: list[str] = []
    query = {"labelSelector": text} if (text := Selector(match_labels=dict(labels)).text) else {}
    for namespace in namespaces:
        try:
            pods = at.list(POD.path(namespace), Pod, query).items
        except Denied:
            return None
        if not pods:
            _check_namespace(at, namespace)
        found += [pod.status.pod_ip for pod in pods if pod.status.pod_ip and not pod.spec.host_network]
    return found


def _check_namespace(at: Cluster, name: str) -> None:
    try:
        at.get(NAMESPACE.path("", name), Whole)
    except Gone as gone:
        raise Refused(f"there is no namespace {name!r} in {at.context}: nobody would be cut off") from gone
    except Denied:
        return  # who may not look at namespaces
