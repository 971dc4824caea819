"""What the faults on instances that nothing undoes share: they hit what runs, once, and look what became of it."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from msgspec import to_builtins

from chaos_runner.contracts import Act, Evidence, Setting
from chaos_runner.errors import Gone, NoEffect, NoTarget, Refused
from chaos_runner.faults.aws._fault import AwsFault, check_free, ref_of
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.choosing import Chosen, Thing, spoken
from chaos_runner.targets.aws.ec2 import INSTANCE, InstanceTarget, find_instances, read_instance
from chaos_runner.targets.aws.headroom import ASG, LOOKS, headroom
from chaos_runner.targets.aws.rights import Need

A = TypeVar("A")
RUNNING: Final = "running"
LOOK: Final = (Need("ec2:DescribeInstances", on="*"), *LOOKS)


class InstanceHit(AwsFault[InstanceTarget, A], Generic[A]):
    """Something that is done to running instances once."""

    target = InstanceTarget
    kind = INSTANCE

    @abstractmethod
    def check(self, at: Account, one: Thing, arguments: A) -> None:
        """Raises Refused for an instance that must not be hit so."""

    @abstractmethod
    def hit(self, at: Account, thing: str) -> Evidence:
        """Does it, and says what AWS tells of it."""

    def prepare(self, target: InstanceTarget, arguments: A, setting: Setting) -> list[Act]:
        found = find_instances(target, setting.seed, ("pending", RUNNING, "stopping", "stopped"))
        running = [one for one in found.things if one.seen["State"]["Name"] == RUNNING]
        if not running:
            raise NoEffect(f"{spoken(INSTANCE, target)}: none of them runs")
        for one in running:
            check_free(found.ref(one), one.tags)
            self.check(found.at, one, arguments)
        self.check_allowed([found.ref(one) for one in running], setting)
        return [_act(found, one) for one in running]

    def apply(self, act: Act) -> Evidence:
        ref, at = ref_of(act), ref_of(act).at()
        try:
            state = read_instance(at, ref.thing)["State"]["Name"]
            if state != RUNNING:
                raise Refused(f"{ref.label} is {state}: it ran when it was looked at")
            return self.hit(at, ref.thing)
        except Gone as gone:
            raise NoTarget(f"{ref.label} was gone before it was hit") from gone

    def undo(self, act: Act) -> None:
        """Nothing: see who heals it."""

    def notes(self, acts: Sequence[Act]) -> list[str]:
        return [*super().notes(acts), *left_over(acts)]


def left_over(acts: Sequence[Act]) -> list[str]:
    """Whether the instances that are left carry on without these."""
    refs = [ref_of(act) for act in acts]
    at = refs[0].at()
    there = at.every("ec2", "describe_instances", "Reservations[].Instances[]", InstanceIds=[ref.thing for ref in refs])
    return headroom(at, list(there), acts[0].group)


def launched_since(at: Account, asg: str, since: datetime) -> list[str]:
    """What an Auto Scaling group has launched since then, and how much of it serves."""
    found = at.ask("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[asg])["AutoScalingGroups"]
    if not found:
        return [f"there is no Auto Scaling group {asg} any more"]
    states = {one["InstanceId"]: one["LifecycleState"] for one in found[0]["Instances"]}
    there: list[dict[str, Any]] = list(at.every(
        "ec2", "describe_instances", "Reservations[].Instances[]", InstanceIds=list(states))) if states else []
    lines = [f"{one['InstanceId']} was launched at {one['LaunchTime']:%H:%M:%S} UTC: {states[one['InstanceId']]}"
             for one in there if one["LaunchTime"] >= since.replace(microsecond=0)]
    serving = sum(state == "InService" for state in states.values())
    return [*lines, f"Auto Scaling group {asg} has {serving} of {found[0]['DesiredCapacity']} instances in service"]


def _act(found: Chosen, one: Thing) -> Act:
    ref = found.ref(one)
    return Act(target=to_builtins(ref), do={}, was={"state": RUNNING, "asg": one.tags.get(ASG, "")}, label=ref.label,
               group=found.group, where=ref.where(one.tags))
