"""What other chaos tools keep in a cluster: their own kinds of objects, found by asking which kinds there are."""

from typing import Any, Final, NamedTuple

from msgspec import Struct

from chaos_runner.errors import ActFailed, Gone, Refused
from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.kinds import Kind, label_of
from chaos_runner.targets.kubernetes.objects import Meta

TOOLS: Final = {"chaos-mesh.org": "Chaos Mesh", "litmuschaos.io": "LitmusChaos", "chaosblade.io": "ChaosBlade",
                "argoproj.io": "LitmusChaos"}
"""Groups of the API, and whose they are. ChaosCenter runs its experiments as Argo Workflows."""
_ARGO: Final = ("workflow", "cronworkflow")
_OF_CENTER: Final = "workflow_id,infra_id"
"""The labels that ChaosCenter gives its Argo Workflows: others are none of our business."""
_BESIDE: Final = ("podnetworkchaos", "podiochaos", "podhttpchaos")
"""Kinds that a controller keeps for itself beside what people write."""
_PLANNED: Final = ("schedule", "workflow", "cronworkflow", "chaosengine", "chaosschedule", "chaosblade")
_ENDED: Final = ("Destroyed", "Succeeded", "Failed")


class Tool(NamedTuple):
    """A kind of another tool's objects."""

    tool: str
    kind: Kind

    @property
    def query(self) -> dict[str, str]:
        """What tells its objects from others of the same kind."""
        return {"labelSelector": _OF_CENTER} if self.kind.api.startswith("argoproj.io/") else {}

    @property
    def injects(self) -> bool:
        """Whether such an object stands for a fault that people asked for."""
        name = self.kind.name
        return name not in _BESIDE and (name.endswith("chaos") or name in _PLANNED)


class Foreign(Struct, frozen=True, kw_only=True):
    """An object of another tool, as far as all their kinds agree."""

    metadata: Meta
    spec: dict[str, Any] = {}
    status: dict[str, Any] = {}

    @property
    def over(self) -> bool:
        """Whether it says of itself that it injects no longer."""
        return (self.spec.get("engineState") == "stop" or self.status.get("engineStatus") in ("completed", "stopped")
                or (self.status.get("experiment") or {}).get("desiredPhase") == "Stop"
                or self.status.get("phase") in _ENDED or self.spec.get("suspend") is True
                or self.metadata.labels.get("workflows.argoproj.io/completed") == "true")


class _Group(Struct, frozen=True, rename="camel"):
    name: str
    preferred_version: dict[str, str] = {}


class _Groups(Struct, frozen=True):
    groups: list[_Group] = []


class _Resource(Struct, frozen=True, rename="camel"):
    name: str
    kind: str
    namespaced: bool = False
    verbs: list[str] = []


class _Resources(Struct, frozen=True):
    resources: list[_Resource] = []


def tools(at: Cluster) -> list[Tool]:
    """The kinds of other chaos tools that this cluster knows."""
    groups = [one for one in at.get("/apis", _Groups).groups if one.name in TOOLS]
    return [Tool(TOOLS[group.name], Kind(one.kind.lower(), version, one.name, one.kind, one.namespaced))
            for group in groups if (version := group.preferred_version.get("groupVersion", ""))
            for one in _resources(at, version) if "/" not in one.name and "list" in one.verbs
            and (group.name != "argoproj.io" or one.kind.lower() in _ARGO)]


def _resources(at: Cluster, version: str) -> list[_Resource]:
    """Nothing of a version that is announced and not served: its kinds come, or go, at this moment."""
    try:
        return at.get(f"/apis/{version}", _Resources).resources
    except Gone:
        return []


def running(at: Cluster, namespace: str) -> list[str]:
    """What other tools inject in a namespace ("" for all) as far as this user may see it, in words."""
    found = []
    for tool in (one for one in tools(at) if one.injects):
        try:
            objects = at.list(tool.kind.path(namespace), Foreign, tool.query).items
        except (Refused, Gone, ActFailed) as problem:
            found.append(f"whether {tool.tool} has a {tool.kind.name} around could not be seen: {problem}")
            continue
        found += [f"{tool.tool} is at work: {label_of(tool.kind, one.metadata)}"
                  for one in objects if not one.over]
    return found
