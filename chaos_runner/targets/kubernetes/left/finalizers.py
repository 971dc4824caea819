"""Objects of other chaos tools that are to be deleted, and wait for whoever takes their fault back."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from msgspec import Struct

from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.kinds import DEPLOYMENT, label_of
from chaos_runner.targets.kubernetes.left.leftover import Written, kubectl
from chaos_runner.targets.kubernetes.objects import Meta, Whole
from chaos_runner.targets.kubernetes.others import Tool, tools
from chaos_runner.targets.leftover import Leftover

STUCK_S: Final = 60.0
"""How long something may take to be deleted before its finalizers count as stuck."""
_CONTROLLERS: Final = {
    "Chaos Mesh": ("-l", "app.kubernetes.io/part-of=chaos-mesh"),
    "LitmusChaos": ("-l", "app.kubernetes.io/part-of=litmus,app.kubernetes.io/component=operator"),
    "ChaosBlade": ("--field-selector", "metadata.name=chaosblade-operator"),
}
"""How kubectl finds the Deployment of each tool as it is installed: ChaosBlade's has no labels of its own."""
_QUERIES: Final = {"-l": "labelSelector", "--field-selector": "fieldSelector"}


class _Any(Struct, frozen=True):
    metadata: Written


def stuck(at: Cluster, now: datetime) -> Iterator[Leftover]:
    """What waits for a finalizer that nobody takes off: its fault may still act."""
    for tool in tools(at):
        for one in at.list(tool.kind.path(""), _Any, tool.query).items:
            asked = one.metadata.deletion_timestamp
            if asked and one.metadata.finalizers and (now - asked).total_seconds() > STUCK_S:
                yield _waiting(at, tool, one.metadata, asked)


def _waiting(at: Cluster, tool: Tool, meta: Meta, since: datetime) -> Leftover:
    return Leftover(code="finalizer", what=label_of(tool.kind, meta), whose=tool.tool, since=since,
                    says=f"is to be deleted and waits for {', '.join(meta.finalizers)}: its fault may still act",
                    undo=_wake(at, _CONTROLLERS[tool.tool]),
                    first=f"only {tool.tool}'s own controller takes the fault back: where there is none, install it "
                          "again; without its finalizers the object goes and the fault stays")


def _wake(at: Cluster, selects: tuple[str, str]) -> str:
    """The command that starts the controller again, where it is; else the one that looks for it."""
    option, value = selects
    found = at.list(DEPLOYMENT.path(""), Whole, {_QUERIES[option]: value}).items
    if not found:
        return kubectl(at, "get", "deployments", "--all-namespaces", option, value)
    meta = found[0].metadata
    return kubectl(at, "-n", meta.namespace, "rollout", "restart", f"deployment/{meta.name}")
