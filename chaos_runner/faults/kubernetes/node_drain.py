"""kubernetes.node_drain: nodes are cordoned and their pods evicted; undo uncordons them."""

from collections.abc import Sequence

from chaos_runner.contracts import Act, Band, Example, Setting
from chaos_runner.faults.kubernetes._change import Wanted
from chaos_runner.faults.kubernetes._evicting import check_deadline
from chaos_runner.faults.kubernetes._nodes import (
    CORDON,
    EMPTIES,
    DrainArguments,
    EmptiedTarget,
    NodeFault,
    cordoned,
    on_each,
    then_emptied,
)
from chaos_runner.targets.kubernetes.nodes import find


class NodeDrain(NodeFault[EmptiedTarget, DrainArguments]):
    """Cordons all the nodes, then evicts their pods through the Eviction API, all beside each other, until they have
    left or the deadline is over; what a PodDisruptionBudget kept is told as evidence.

    Pods of DaemonSets, static and ended pods, pods without a workload, those that have opted out and those in protected
    namespaces stay.
    """

    target = EmptiedTarget
    arguments = DrainArguments
    besides = EMPTIES
    band = Band(word="drained")
    even_unchanged = True
    needs = "a Kubernetes cluster, and the right to change its nodes, list its pods and evict them"
    undone_by = "the nodes that it cordoned are uncordoned; pods stay where their workloads made them anew"
    example = Example(target={"labels": {"pool": "workers"}, "count": 1}, arguments={"deadline": "45s"})

    def prepare(self, target: EmptiedTarget, arguments: DrainArguments, setting: Setting) -> list[Act]:
        check_deadline(arguments.deadline, least_s=1.0)
        return then_emptied(super().prepare(target, arguments, setting), arguments,
                            even_protected=target.even_protected)

    def wanted(self, target: EmptiedTarget, arguments: DrainArguments, setting: Setting) -> list[Wanted]:  # noqa: ARG002
        found = find(target, setting.seed)
        return on_each(found, cordoned(), found.nodes)

    def touches(self, path: Sequence[str | dict[str, str]]) -> bool:
        return list(path) == CORDON
