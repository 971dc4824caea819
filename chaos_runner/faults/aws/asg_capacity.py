"""aws.asg_capacity: gives an Auto Scaling group another size; undo gives it its own again."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from chaos_runner.contracts import Act, Band, Example, Setting
from chaos_runner.errors import Refused, UsageError
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.autoscaling import GROUP, LOOKING, GroupTarget, find_groups, hooks, read_group
from chaos_runner.targets.aws.choosing import Thing
from chaos_runner.targets.aws.rights import Need, Permissions

_DESIRED: Final = "desired"
_MIN: Final = "min"
_KEYS: Final = {_DESIRED: "DesiredCapacity", _MIN: "MinSize"}
_FOLLOWED: Final = {"autoscaling:EC2_INSTANCE_TERMINATING": "end", "autoscaling:EC2_INSTANCE_LAUNCHING": "serve"}


class AsgCapacityArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many instances there are to be: not more than the group's maximum. Its minimum is lowered where it must be.
    """

    desired: int


class AsgCapacity(ChangeFault[GroupTarget, AsgCapacityArguments]):
    """Scales Auto Scaling groups. What is scaled away is terminated: undo brings the number back, with other instances,
    and they take their time to start.

    Scaling policies may change the number again, also while this lasts: then it is left as it is when this is undone.
    """

    target = GroupTarget
    arguments = AsgCapacityArguments
    band = Band(word="scaled")
    kind = GROUP
    undone_by = "the group gets its former size, unless somebody else has changed it, with new instances"
    permissions = Permissions(
        look=(Need(LOOKING, on="*"), Need("autoscaling:DescribeLifecycleHooks", on="*"),
              Need("autoscaling:DescribePolicies", on="*")),
        do=(Need("autoscaling:UpdateAutoScalingGroup"),), undo=(Need("autoscaling:UpdateAutoScalingGroup"),))
    example = Example(target={"ids": ["shop-web"]}, arguments={"desired": 1})

    def wanted(self, target: GroupTarget, arguments: AsgCapacityArguments, setting: Setting) -> list[Wanted]:
        if arguments.desired < 0:
            raise UsageError("`desired` is a number from 0 on")
        found = find_groups(target, setting.seed)
        return [Wanted.of(found, one, _values(one, arguments.desired)) for one in found.things]

    def read(self, at: Account, thing: str) -> Values:
        seen = read_group(at, thing)
        return {key: seen[name] for key, name in _KEYS.items()}

    def write(self, order: Order) -> None:
        said = {_KEYS[key]: value for key, value in order.values.items()}
        order.at.ask("autoscaling", "update_auto_scaling_group", AutoScalingGroupName=order.thing, **said)

    def touches(self, values: Values) -> bool:
        return values.keys() <= _KEYS.keys() and all(isinstance(one, int) for one in values.values())

    def notes(self, acts: Sequence[Act]) -> list[str]:
        return [*super().notes(acts), *(note for act in acts for note in _notes(act))]

    def by_hand(self, act: Act) -> str:
        ref, was = ref_of(act), act.was["values"]
        minimum = ["--min-size", str(was[_MIN])] if _MIN in was else []
        return ref.command("autoscaling", "update-auto-scaling-group", "--auto-scaling-group-name", ref.thing,
                           *minimum, "--desired-capacity", str(was[_DESIRED]))


def _values(one: Thing, desired: int) -> dict[str, int]:
    """A minimum that is low enough stays out of it."""
    if desired > one.seen["MaxSize"]:
        raise Refused(f"the Auto Scaling group {one.thing} has at most {one.seen['MaxSize']} instances, not {desired}")
    return {_DESIRED: desired, **({_MIN: desired} if desired < one.seen["MinSize"] else {})}


def _notes(act: Act) -> list[str]:
    """What may keep the group from its size, for how long, and who else changes it."""
    ref = ref_of(act)
    at = ref.at()
    desired, had = act.do["values"][_DESIRED], act.was["values"][_DESIRED]
    return [*([f"{ref.label} terminates {had - desired} of its instances, and new ones take their place afterwards"]
              if desired < had else []),
            *_protected(read_group(at, ref.thing), desired),
            *(_waits(ref.label, hook) for hook in hooks(at, ref.thing)),
            *_policies(at, ref.thing)]


def _protected(seen: dict[str, Any], desired: int) -> list[str]:
    held = sum(one.get("ProtectedFromScaleIn", False) for one in seen["Instances"])
    return [f"{held} instances of {seen['AutoScalingGroupName']} are protected: they stay"] if held > desired else []


def _waits(label: str, hook: dict[str, Any]) -> str:
    ends = _FOLLOWED.get(hook["LifecycleTransition"], "go on")
    return (f"{label}: before its instances {ends} they wait for the lifecycle hook {hook['LifecycleHookName']}, at "
            f"most {hook.get('HeartbeatTimeout', 3600)} s")


def _policies(at: Account, name: str) -> list[str]:
    found = at.ask("autoscaling", "describe_policies", AutoScalingGroupName=name)["ScalingPolicies"]
    named = ", ".join(one["PolicyName"] for one in found)
    return [f"{name} is also scaled by {named}: hold that with aws.asg_suspend of AlarmNotification"] if named else []
