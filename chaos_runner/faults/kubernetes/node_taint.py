"""kubernetes.node_taint: nodes get a taint, which keeps pods off, or drives them away; undo takes it off."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from chaos_runner.contracts import Act, Band, Example, Setting
from chaos_runner.faults.kubernetes._change import Wanted
from chaos_runner.faults.kubernetes._nodes import (
    DRIVES,
    EmptiedTarget,
    NodeFault,
    is_taint,
    on_each,
    tainted,
    then_driven,
)
from chaos_runner.targets.kubernetes.nodes import find
from chaos_runner.targets.kubernetes.objects import Taint


class NodeTaintArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The taint. `NoExecute` drives away the pods that do not bear it, whatever their disruption budgets say."""

    key: str
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"


class NodeTaint(NodeFault[EmptiedTarget, NodeTaintArguments]):
    """Adds one taint to nodes, or gives the one of that key and effect another value; other taints are not touched.

    With `NoExecute` it is refused where it would drive away pods without a workload, in protected namespaces, or such
    as have opted out.
    """

    target = EmptiedTarget
    arguments = NodeTaintArguments
    besides = DRIVES
    band = Band(word="tainted")
    undone_by = "the taint is taken off, or has its former value again"
    example = Example(target={"labels": {"pool": "workers"}, "count": 1}, arguments={"key": "example.org/broken"})

    def prepare(self, target: EmptiedTarget, arguments: NodeTaintArguments, setting: Setting) -> list[Act]:
        acts = super().prepare(target, arguments, setting)
        if arguments.effect != "NoExecute":
            return acts
        return then_driven(acts, _taint(arguments), even_protected=target.even_protected)

    def wanted(self, target: EmptiedTarget, arguments: NodeTaintArguments, setting: Setting) -> list[Wanted]:
        found, taint = find(target, setting.seed), _taint(arguments)
        free = [node for node in found.nodes if taint not in node.spec.taints]
        return on_each(found, tainted(taint), free or found.nodes)

    def touches(self, path: Sequence[str | dict[str, str]]) -> bool:
        return is_taint(path)


def _taint(arguments: NodeTaintArguments) -> Taint:
    return Taint(key=arguments.key, value=arguments.value, effect=arguments.effect)
