"""aws.ecs_drain: takes EC2 instances out of an ECS cluster's use; undo gives them back."""

from collections.abc import Sequence
from typing import Final

from chaos_runner.contracts import Act, Band, Example, NoArguments, Setting
from chaos_runner.errors import NoEffect, Refused
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.choosing import spoken
from chaos_runner.targets.aws.ec2 import read_instance
from chaos_runner.targets.aws.ecs import ECS, MACHINE, MachineTarget, find_machines, read_machine
from chaos_runner.targets.aws.marks import RUN, ours
from chaos_runner.targets.aws.rights import Need, Permissions

_STATUS: Final = "status"
_ACTIVE: Final = "ACTIVE"
_DRAINING: Final = "DRAINING"
_MACHINES: Final = "arn:aws:ecs:{region}:{account}:container-instance/*"


class EcsDrain(ChangeFault[MachineTarget, NoArguments]):
    """Drains container instances: ECS starts no tasks there, and the services' tasks that run there are replaced
    elsewhere, as far as there is room. Tasks that belong to no service run on.

    Undo lets ECS use the instances again; it does not move tasks back. Our tags stand on the EC2 instances. Fargate has
    no instances to drain.
    """

    target = MachineTarget
    band = Band(word="draining")
    kind = MACHINE
    undone_by = "the instances take tasks again, unless somebody else has let them"
    permissions = Permissions(
        look=(Need("ecs:ListClusters", on="*"), Need("ecs:ListContainerInstances", on="*"),
              Need("ecs:DescribeContainerInstances", on="*"), Need("ec2:DescribeInstances", on="*")),
        do=(Need("ecs:UpdateContainerInstancesState", on=_MACHINES),),
        undo=(Need("ecs:UpdateContainerInstancesState", on=_MACHINES),))
    example = Example(target={"cluster": "shop", "count": 1})

    def wanted(self, target: MachineTarget, arguments: NoArguments, setting: Setting) -> list[Wanted]:  # noqa: ARG002
        found = find_machines(target, setting.seed)
        active = [one for one in found.things if one.seen["status"] == _ACTIVE]
        if not active:
            raise NoEffect(f"{spoken(MACHINE, target)}: none of them takes tasks")
        return [Wanted(found.ref(one), {_STATUS: _DRAINING}, found.group, MACHINE.tagging.read(found.at, one.thing),
                       {"cluster": target.cluster, "machine": one.arn}) for one in active]

    def read(self, at: Account, thing: str) -> Values:
        read_instance(at, thing)
        return {_STATUS: read_machine(at, thing)[_STATUS]}

    def write(self, order: Order) -> None:
        seen = read_machine(order.at, order.thing)
        said = order.at.ask(ECS, "update_container_instances_state", cluster=seen["cluster"],
                            containerInstances=[seen["containerInstanceArn"]], status=order.values[_STATUS])
        for failure in said.get("failures", ()):
            raise Refused(f"ECS would not make {order.thing} {order.values[_STATUS]}: {failure.get('reason')}")

    def clear(self, at: Account, thing: str, mark: str) -> None:
        """Also an EC2 instance that has left its cluster is not to keep our tags."""
        tags = MACHINE.tagging.read(at, thing)
        if tags.get(RUN) == mark:
            MACHINE.tagging.remove(at, thing, ours(tags))

    def touches(self, values: Values) -> bool:
        return dict(values) in ({_STATUS: _ACTIVE}, {_STATUS: _DRAINING})

    def notes(self, acts: Sequence[Act]) -> list[str]:
        seen = {(ref := ref_of(act)).thing: read_machine(ref.at(), ref.thing) for act in acts}
        running = [f"{one['runningTasksCount']} on {thing}" for thing, one in seen.items() if one["runningTasksCount"]]
        return [*super().notes(acts), *([f"tasks that are to go elsewhere: {', '.join(running)}"] if running else [])]

    def by_hand(self, act: Act) -> str:
        ref = ref_of(act)
        how = act.do["how"]
        return ref.command(ECS, "update-container-instances-state", "--cluster", how["cluster"],
                           "--container-instances", how["machine"], "--status", _ACTIVE)
