"""aws.instance_stop: stops EC2 instances; undo starts those again that ran."""

import time
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from chaos_runner.contracts import Act, Band, Example, Setting
from chaos_runner.errors import ActFailed, NoEffect, Refused
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.faults.aws._instances import LOOK, left_over
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.autoscaling import REPLACING, suspended
from chaos_runner.targets.aws.choosing import Thing, spoken
from chaos_runner.targets.aws.ec2 import INSTANCE, InstanceTarget, find_instances, read_instance
from chaos_runner.targets.aws.headroom import ASG
from chaos_runner.targets.aws.rights import Need, Permissions

_STATE: Final = "state"
_RUNNING: Final = "running"
_STOPPED: Final = "stopped"
_TOWARDS: Final = {"pending": _RUNNING, "stopping": _STOPPED}
_STOPPING_S: Final = 240.0
"""How long an instance may take to stop: it cannot be started before."""
_AGAIN_S: Final = 2.0


class InstanceStopArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`force`: without waiting for the system in it, as when its host fails."""

    force: bool = False


class InstanceStop(ChangeFault[InstanceTarget, InstanceStopArguments]):
    """Stops running instances. Their public addresses change when they start again, unless they are Elastic IPs.

    An instance whose root is no EBS volume cannot be stopped and is refused; so is one of an Auto Scaling group that
    replaces what is stopped: see aws.asg_suspend.
    """

    target = InstanceTarget
    arguments = InstanceStopArguments
    band = Band(word="stopped")
    kind = INSTANCE
    undone_by = "it is started again, unless somebody else has done so"
    undo_s = _STOPPING_S + 20.0
    permissions = Permissions(
        look=LOOK,
        do=(Need("ec2:StopInstances", {"InstanceIds": ["{thing}"]}),),
        undo=(Need("ec2:StartInstances", {"InstanceIds": ["{thing}"]}),))
    example = Example(target={"tags": {"tier": "web"}, "count": 1})

    def wanted(self, target: InstanceTarget, arguments: InstanceStopArguments, setting: Setting) -> list[Wanted]:
        found = find_instances(target, setting.seed, (_RUNNING, _STOPPED, *_TOWARDS))
        for one in found.things:
            check_can_stop(one)
            _check_stays(found.at, one)
        running = [one for one in found.things if _state(one.seen) == _RUNNING]
        if not running:
            raise NoEffect(f"{spoken(INSTANCE, target)}: none of them runs")
        how = {"force": True} if arguments.force else {}
        return [Wanted.of(found, one, {_STATE: _STOPPED}, how) for one in running]

    def read(self, at: Account, thing: str) -> Values:
        return {_STATE: _state(read_instance(at, thing))}

    def write(self, order: Order) -> None:
        if order.values[_STATE] == _STOPPED:
            order.at.ask("ec2", "stop_instances", InstanceIds=[order.thing], Force=order.how.get("force", False))
            return
        _wait_until_stopped(order.at, order.thing)
        order.at.ask("ec2", "start_instances", InstanceIds=[order.thing])

    def touches(self, values: Values) -> bool:
        return dict(values) in ({_STATE: _RUNNING}, {_STATE: _STOPPED})

    def notes(self, acts: Sequence[Act]) -> list[str]:
        found = [ref for act in acts if _loses_address(read_instance((ref := ref_of(act)).at(), ref.thing))]
        lost = [f"the public address of {', '.join(ref.label for ref in found)} changes: it is no Elastic IP"]
        return [*super().notes(acts), *(lost if found else []), *left_over(acts)]

    def by_hand(self, act: Act) -> str:
        ref = ref_of(act)
        return ref.command("ec2", "start-instances", "--instance-ids", ref.thing)


def _state(seen: dict[str, Any]) -> str:
    """Where it is, or where it is on its way to."""
    state = str(seen["State"]["Name"])
    return _TOWARDS.get(state, state)


def _loses_address(seen: dict[str, Any]) -> bool:
    """Whether AWS has lent it a public address, which goes back to the pool when it stops."""
    return any(one.get("Association", {}).get("IpOwnerId") == "amazon" for one in seen.get("NetworkInterfaces", ()))


def check_can_stop(one: Thing) -> None:
    """Raises Refused for an instance that would not come back as it was."""
    if one.seen.get("RootDeviceType", "ebs") != "ebs":
        raise Refused(f"instance {one.thing} cannot be stopped: its root is no EBS volume, and would be lost")
    if one.seen.get("InstanceLifecycle") == "spot":
        raise Refused(f"instance {one.thing} is a spot instance: whether it starts again is not ours to promise")


def _check_stays(at: Account, one: Thing) -> None:
    """Raises Refused for one whose Auto Scaling group would not let it stand still."""
    group = one.tags.get(ASG)
    if group and not _leaves_alone(at, group):
        raise Refused(f"instance {one.thing} is of the Auto Scaling group {group}, which terminates and replaces what "
                      "is stopped: hold it with aws.asg_suspend, or say what you mean with aws.instance_terminate")


def _leaves_alone(at: Account, group: str) -> bool:
    found = at.ask("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[group])["AutoScalingGroups"]
    return not found or bool(suspended(found[0]) & REPLACING)


def _wait_until_stopped(at: Account, thing: str) -> None:
    until_s = time.monotonic() + _STOPPING_S
    while read_instance(at, thing)["State"]["Name"] == "stopping":
        if time.monotonic() > until_s:
            raise ActFailed(f"instance {thing} is still stopping after {_STOPPING_S:g} s, and cannot be started before")
        time.sleep(_AGAIN_S)
