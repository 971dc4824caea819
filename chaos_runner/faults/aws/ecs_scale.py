"""aws.ecs_scale: gives an ECS service another number of tasks; undo gives it its own again."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from chaos_runner.contracts import Act, Band, Example, Setting
from chaos_runner.errors import Refused, UsageError
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.choosing import Thing
from chaos_runner.targets.aws.ecs import ECS, SERVICE, ServiceTarget, cluster_of, find_services, read_service
from chaos_runner.targets.aws.rights import Need, Permissions

_DESIRED: Final = "desired"


class EcsScaleArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many tasks the service is to run."""

    desired: int


class EcsScale(ChangeFault[ServiceTarget, EcsScaleArguments]):
    """Scales ECS services. The tasks that come back at the undo are others.

    Service Auto Scaling may change the number again, also while this lasts: then it is left as it is at the undo. A
    service that runs one task on each instance has no number, and is refused.
    """

    target = ServiceTarget
    arguments = EcsScaleArguments
    band = Band(word="scaled")
    kind = SERVICE
    undone_by = "the service gets its former number of tasks, unless somebody else has changed it"
    permissions = Permissions(
        look=(Need("ecs:ListServices", on="*"), Need("ecs:DescribeServices", on="*"), Need("ecs:ListClusters", on="*"),
              Need("application-autoscaling:DescribeScalableTargets", on="*")),
        do=(Need("ecs:UpdateService"),), undo=(Need("ecs:UpdateService"),))
    example = Example(target={"cluster": "shop", "ids": ["checkout"]}, arguments={"desired": 1})

    def wanted(self, target: ServiceTarget, arguments: EcsScaleArguments, setting: Setting) -> list[Wanted]:
        if arguments.desired < 0:
            raise UsageError("`desired` is a number from 0 on")
        found = find_services(target, setting.seed)
        for one in found.things:
            _check_has_number(one)
        return [Wanted.of(found, one, {_DESIRED: arguments.desired}) for one in found.things]

    def read(self, at: Account, thing: str) -> Values:
        return {_DESIRED: read_service(at, thing)["desiredCount"]}

    def write(self, order: Order) -> None:
        order.at.ask(ECS, "update_service", cluster=cluster_of(order.thing), service=order.thing,
                     desiredCount=order.values[_DESIRED])

    def touches(self, values: Values) -> bool:
        return values.keys() == {_DESIRED} and isinstance(values[_DESIRED], int)

    def notes(self, acts: Sequence[Act]) -> list[str]:
        return [*super().notes(acts), *(note for act in acts for note in _scaled_by_others(act))]

    def by_hand(self, act: Act) -> str:
        ref = ref_of(act)
        return ref.command(ECS, "update-service", "--cluster", cluster_of(ref.thing), "--service", ref.thing,
                           "--desired-count", str(act.was["values"][_DESIRED]))


def _check_has_number(one: Thing) -> None:
    cluster_of(one.thing)
    if one.seen.get("schedulingStrategy", "REPLICA") != "REPLICA":
        raise Refused(f"the ECS service {one.name} runs one task on each instance: see aws.ecs_drain")


def _scaled_by_others(act: Act) -> list[str]:
    ref = ref_of(act)
    name = ref.thing.rpartition("/")[2]
    found = ref.at().ask("application-autoscaling", "describe_scalable_targets", ServiceNamespace=ECS,
                         ResourceIds=[f"service/{cluster_of(ref.thing)}/{name}"])["ScalableTargets"]
    return [f"Service Auto Scaling keeps {name} between {one['MinCapacity']} and {one['MaxCapacity']} tasks: it may "
            "scale it back at once" for one in found if not one["MinCapacity"] <= act.do["values"][_DESIRED]]
