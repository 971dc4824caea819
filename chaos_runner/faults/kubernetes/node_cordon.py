"""kubernetes.node_cordon: nodes take no new pods; undo lets them again."""

from collections.abc import Sequence

from chaos_runner.contracts import Band, Example, NoArguments, Setting
from chaos_runner.faults.kubernetes._change import Wanted
from chaos_runner.faults.kubernetes._nodes import CORDON, NodeFault, cordoned, on_each
from chaos_runner.targets.kubernetes.nodes import NodeTarget, find


class NodeCordon(NodeFault[NodeTarget, NoArguments]):
    """Marks nodes as unschedulable. The pods that run there stay. Nodes that are cordoned already are left out."""

    target = NodeTarget
    band = Band(word="cordoned")
    undone_by = "the nodes that it cordoned are uncordoned"
    example = Example(target={"labels": {"pool": "workers"}, "count": 1})

    def wanted(self, target: NodeTarget, arguments: NoArguments, setting: Setting) -> list[Wanted]:  # noqa: ARG002
        found = find(target, setting.seed)
        free = [node for node in found.nodes if not node.spec.unschedulable]
        return on_each(found, cordoned(), free or found.nodes)

    def touches(self, path: Sequence[str | dict[str, str]]) -> bool:
        return list(path) == CORDON
