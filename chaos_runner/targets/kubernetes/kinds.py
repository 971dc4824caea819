"""Which kinds of objects we touch, and where the API keeps them."""

import shlex
from typing import Any, Final, NamedTuple

from msgspec import Struct

from chaos_runner.contracts import Where
from chaos_runner.errors import UsageError
from chaos_runner.targets.kubernetes.access import segment
from chaos_runner.targets.kubernetes.objects import Meta


class Kind(NamedTuple):
    """A kind: how people write it, what the API calls it, and the path under which it stands."""

    name: str
    api: str
    plural: str
    camel: str
    namespaced: bool = True

    def path(self, namespace: str, name: str = "", below: str = "") -> str:
        """The path of one object, of what is below it, or of all in a namespace ("" for all namespaces)."""
        root = "/api/v1" if self.api == "v1" else f"/apis/{self.api}"
        parts = [root, *(["namespaces", segment(namespace)] if self.namespaced and namespace else []), self.plural]
        return "/".join([*parts, *([segment(name)] if name else []), *([below] if below else [])])


POD: Final = Kind("pod", "v1", "pods", "Pod")
NODE: Final = Kind("node", "v1", "nodes", "Node", namespaced=False)
NAMESPACE: Final = Kind("namespace", "v1", "namespaces", "Namespace", namespaced=False)
SERVICE: Final = Kind("service", "v1", "services", "Service")
EVENT: Final = Kind("event", "v1", "events", "Event")
SECRET: Final = Kind("secret", "v1", "secrets", "Secret")
CLAIM: Final = Kind("pvc", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
SLICE: Final = Kind("endpointslice", "discovery.k8s.io/v1", "endpointslices", "EndpointSlice")
POLICY: Final = Kind("networkpolicy", "networking.k8s.io/v1", "networkpolicies", "NetworkPolicy")
EVICTION: Final = Kind("eviction", "policy/v1", "evictions", "Eviction")
INGRESS: Final = Kind("ingress", "networking.k8s.io/v1", "ingresses", "Ingress")
BUDGET: Final = Kind("pdb", "policy/v1", "poddisruptionbudgets", "PodDisruptionBudget")
AUTOSCALER: Final = Kind("hpa", "autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
LEASE: Final = Kind("lease", "coordination.k8s.io/v1", "leases", "Lease")
DEPLOYMENT: Final = Kind("deployment", "apps/v1", "deployments", "Deployment")
REPLICASET: Final = Kind("replicaset", "apps/v1", "replicasets", "ReplicaSet")
WORKLOADS: Final = {kind.name: kind for kind in (
    DEPLOYMENT, REPLICASET, Kind("statefulset", "apps/v1", "statefulsets", "StatefulSet"),
    Kind("daemonset", "apps/v1", "daemonsets", "DaemonSet"), Kind("job", "batch/v1", "jobs", "Job"),
    Kind("rollout", "argoproj.io/v1alpha1", "rollouts", "Rollout"),
)}
KINDS: Final = {kind.name: kind for kind in (
    POD, NODE, NAMESPACE, SERVICE, EVENT, SECRET, CLAIM, SLICE, POLICY, INGRESS, BUDGET, AUTOSCALER, LEASE,
    *WORKLOADS.values(),
)}
_SHORT: Final = {"deploy": "deployment", "sts": "statefulset", "ds": "daemonset", "rs": "replicaset"}


class Ref(Struct, frozen=True, kw_only=True):
    """One object for good: its UID says that it is not another of that name. It is an act's target."""

    context: str
    server: str
    kind: str
    namespace: str
    name: str
    uid: str

    @property
    def path(self) -> str:
        return KINDS[self.kind].path(self.namespace, self.name)

    @property
    def label(self) -> str:
        """How people call it: "shop/checkout-7d9f-x2k" for a pod, "deployment shop/checkout", "node worker-1"."""
        return _spoken(self.kind, self.namespace, self.name)

    def where(self, labels: dict[str, str]) -> Where:
        """Where it stands, for limits."""
        return Where(context=self.context, namespace=self.namespace, labels=labels)

    def command(self, verb: str, *words: str) -> str:
        """A kubectl command on this object."""
        space = ["-n", self.namespace] if self.namespace else []
        return shlex.join(["kubectl", "--context", self.context, *space, verb,
                           f"{KINDS[self.kind].plural}/{self.name}", *words])


def label_of(kind: Kind, meta: Meta) -> str:
    """How people call an object of that kind."""
    return _spoken(kind.name, meta.namespace, meta.name)


def _spoken(kind: str, namespace: str, name: str) -> str:
    named = f"{namespace}/{name}" if namespace else name
    return named if kind == POD.name else f"{kind} {named}"


def workload_of(text: str) -> tuple[Kind, str]:
    """A workload as people write it, "deployment/checkout" or "deploy/checkout". Raises UsageError."""
    kind, _, name = text.partition("/")
    found = WORKLOADS.get(_SHORT.get(kind.lower(), kind.lower()))
    if found is None or not name:
        raise UsageError(f'a workload is written as "deployment/checkout", not {text!r}; known kinds: '
                         f"{', '.join(WORKLOADS)}")
    return found, name


def body_of(kind: Kind, **fields: Any) -> dict[str, Any]:
    """An object of that kind to be made."""
    return {"apiVersion": kind.api, "kind": kind.camel, **fields}
