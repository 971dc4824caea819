"""What we read of Kubernetes' objects: a few fields each, under the names that the API gives them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct, field


class Owner(Struct, frozen=True, rename="camel"):
    """Who made an object and makes it anew."""

    kind: str
    name: str
    uid: str
    controller: bool = False


class Meta(Struct, frozen=True, kw_only=True, rename="camel"):
    """What every object has."""

    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: list[Owner] = []
    finalizers: list[str] = []
    generation: int = 0
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None

    @property
    def owner(self) -> Owner | None:
        """The controller that made it."""
        return next((one for one in self.owner_references if one.controller), None)


class Condition(Struct, frozen=True, rename="camel"):
    """One condition of an object's status."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


class ContainerStatus(Struct, frozen=True, kw_only=True, rename="camel"):
    """How one container of a pod fares."""

    name: str
    ready: bool = False
    restart_count: int = 0
    container_id: str = field(default="", name="containerID")
    state: dict[str, Any] = {}
    last_state: dict[str, Any] = {}


class Container(Struct, frozen=True, kw_only=True, rename="camel"):
    """One container as it was asked for."""

    name: str
    image: str = ""
    readiness_probe: dict[str, Any] | None = None
    resources: dict[str, Any] = {}
    ports: list[dict[str, Any]] = []
    env: list[dict[str, Any]] = []
    restart_policy: str = ""


class Toleration(Struct, frozen=True, kw_only=True, rename="camel"):
    """Which taints a pod puts up with, for ever or for a while. Without a key: all; without an effect: each."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""
    toleration_seconds: int | None = None


class PodSpec(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a pod was asked to be."""

    node_name: str = ""
    host_network: bool = False
    host_pid: bool = field(default=False, name="hostPID")
    share_process_namespace: bool = False
    restart_policy: str = "Always"
    containers: list[Container] = []
    tolerations: list[Toleration] = []


class PodStatus(Struct, frozen=True, kw_only=True, rename="camel"):
    """How a pod fares."""

    phase: str = ""
    pod_ip: str = field(default="", name="podIP")
    conditions: list[Condition] = []
    container_statuses: list[ContainerStatus] = []


class Pod(Struct, frozen=True, kw_only=True):
    """A pod."""

    metadata: Meta
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def label(self) -> str:
        """How people call it: "shop/checkout-7d9f-x2k"."""
        return f"{self.metadata.namespace}/{self.metadata.name}"

    @property
    def ready(self) -> bool:
        """Whether Services send it traffic, and it is not on its way out."""
        return self.metadata.deletion_timestamp is None and _holds(self.status.conditions, "Ready")

    @property
    def restarts(self) -> int:
        """How often its containers were started again."""
        return sum(one.restart_count for one in self.status.container_statuses)


class Taint(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What keeps pods from a node, or drives them away."""

    key: str
    effect: str
    value: str = ""

    def is_borne_by(self, pod: Pod) -> bool:
        """Whether a pod may stay beside it for good."""
        return any(one.effect in ("", self.effect) and one.toleration_seconds is None
                   and (one.key == self.key or not one.key) and (one.operator == "Exists" or one.value == self.value)
                   for one in pod.spec.tolerations)


class NodeSpec(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a node was told."""

    unschedulable: bool = False
    taints: list[Taint] = []


class NodeStatus(Struct, frozen=True, kw_only=True, rename="camel"):
    """How a node fares."""

    conditions: list[Condition] = []


class Node(Struct, frozen=True, kw_only=True):
    """A node."""

    metadata: Meta
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()

    @property
    def label(self) -> str:
        """How people call it."""
        return self.metadata.name

    @property
    def ready(self) -> bool:
        """Whether its kubelet says that it works."""
        return _holds(self.status.conditions, "Ready")


class Selector(Struct, frozen=True, kw_only=True, rename="camel"):
    """Which labels, as workloads and budgets say it."""

    match_labels: dict[str, str] = {}
    match_expressions: list[dict[str, Any]] = []

    @property
    def text(self) -> str:
        """As the API takes it: "app=web,tier in (a,b)"."""
        return ",".join([*(f"{key}={value}" for key, value in self.match_labels.items()),
                         *map(_expression, self.match_expressions)])

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels is selected. An empty selector selects all."""
        return self.match_labels.items() <= labels.items() and all(_holds_for(labels, one)
                                                                   for one in self.match_expressions)


class Template(Struct, frozen=True, kw_only=True):
    """The pods that a workload makes."""

    metadata: dict[str, Any] = {}
    spec: PodSpec = PodSpec()


class WorkloadSpec(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a workload was asked for."""

    replicas: int | None = None
    paused: bool = False
    selector: Selector | None = None
    template: Template = Template()


class WorkloadStatus(Struct, frozen=True, kw_only=True, rename="camel"):
    """How a workload fares."""

    replicas: int = 0
    ready_replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    observed_generation: int = 0
    current_revision: str = ""
    update_revision: str = ""
    desired_number_scheduled: int = 0
    conditions: list[Condition] = []


class Workload(Struct, frozen=True, kw_only=True):
    """A Deployment, a StatefulSet, or whatever else makes pods by a selector."""

    metadata: Meta
    spec: WorkloadSpec = WorkloadSpec()
    status: WorkloadStatus = WorkloadStatus()


class Whole(Struct, frozen=True, kw_only=True):
    """An object of any kind: what all have, to be read beside the object itself."""

    metadata: Meta


def _holds(conditions: list[Condition], kind: str) -> bool:
    return any(one.type == kind and one.status == "True" for one in conditions)


_OPERATORS: Final = {"In": "in", "NotIn": "notin"}


def _holds_for(labels: Mapping[str, str], said: dict[str, Any]) -> bool:
    value = labels.get(said["key"])
    match said["operator"]:
        case "In":
            return value in (said.get("values") or [])
        case "NotIn":
            return value not in (said.get("values") or [])
        case "Exists":
            return value is not None
        case _:
            return value is None


def _expression(said: dict[str, Any]) -> str:
    key, operator = said["key"], said["operator"]
    if operator in _OPERATORS:
        return f"{key} {_OPERATORS[operator]} ({','.join(said.get('values') or [])})"
    return key if operator == "Exists" else f"!{key}"
