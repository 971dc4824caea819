"""kubernetes.zone_loss: every node of a zone is emptied at once and takes no pods; undo gives the zone back."""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from chaos_runner.contracts import Act, Band, Example, Setting
from chaos_runner.faults.kubernetes._change import Wanted
from chaos_runner.faults.kubernetes._evicting import check_deadline
from chaos_runner.faults.kubernetes._nodes import (
    CORDON,
    EMPTIES,
    DrainArguments,
    NodeFault,
    cordoned,
    is_taint,
    on_each,
    tainted,
    then_driven,
    then_emptied,
)
from chaos_runner.targets.kubernetes.kinds import NODE
from chaos_runner.targets.kubernetes.nodes import of_zone
from chaos_runner.targets.kubernetes.objects import Taint
from chaos_runner.targets.kubernetes.rights import Demand, Hit, look

KEY: Final = "chaos-runner.io/zone-loss"


class ZoneTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Which zone, by the label topology.kubernetes.io/zone; `even-protected` spares no namespace, kube-system included.
    """

    zone: str
    context: str = ""
    even_protected: bool = False

    def hits(self, space: str) -> Hit:  # noqa: ARG002 -- nodes stand in no namespace
        """Nodes: which there are in a zone changes."""
        return Hit(NODE, "")

    def looks(self, space: str) -> list[Demand]:  # noqa: ARG002
        """What finding them takes."""
        return [look("list", NODE, "")]


class ZoneLossArguments(DrainArguments, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`by`: "drain" cordons the nodes and evicts their pods, whose budgets have a say until the deadline is over;
    "taint" drives the pods away at once, as a lost zone would: budgets are not asked.
    """

    by: Literal["drain", "taint"] = "drain"


class ZoneLoss(NodeFault[ZoneTarget, ZoneLossArguments]):
    """Empties all nodes of a zone: first none of them takes pods, then their pods have to leave. For limits its
    share is that of all nodes of the cluster.

    Who stays is as for kubernetes.node_drain, or, by taint, as for kubernetes.node_taint.
    """

    target = ZoneTarget
    arguments = ZoneLossArguments
    besides = EMPTIES
    band = Band(word="zone lost")
    even_unchanged = True
    needs = "a Kubernetes cluster, and the right to change its nodes, list its pods and evict them"
    undone_by = "its nodes take pods again; pods stay where their workloads made them anew"
    example = Example(target={"zone": "eu-central-1a"}, arguments={"by": "drain"})

    def prepare(self, target: ZoneTarget, arguments: ZoneLossArguments, setting: Setting) -> list[Act]:
        check_deadline(arguments.deadline, least_s=1.0)
        acts = super().prepare(target, arguments, setting)
        if arguments.by == "drain":
            return then_emptied(acts, arguments, even_protected=target.even_protected)
        return then_driven(acts, _lost(target), even_protected=target.even_protected)

    def wanted(self, target: ZoneTarget, arguments: ZoneLossArguments, setting: Setting) -> list[Wanted]:  # noqa: ARG002
        found = of_zone(target.context, target.zone)
        return on_each(found, cordoned() if arguments.by == "drain" else tainted(_lost(target)), found.nodes)

    def touches(self, path: Sequence[str | dict[str, str]]) -> bool:
        return list(path) == CORDON or is_taint(path)


def _lost(target: ZoneTarget) -> Taint:
    return Taint(key=KEY, value=target.zone, effect="NoExecute")
