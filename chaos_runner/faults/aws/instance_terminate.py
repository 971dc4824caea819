"""aws.instance_terminate: terminates EC2 instances; their Auto Scaling group launches others."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from chaos_runner.contracts import Act, Answer, Band, Evidence, Example, Restored
from chaos_runner.errors import Refused
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.faults.aws._instances import LOOK, InstanceHit, launched_since
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.choosing import Thing
from chaos_runner.targets.aws.ec2 import read_instance
from chaos_runner.targets.aws.headroom import ASG
from chaos_runner.targets.aws.rights import Need, Permissions

_PROTECTION: Final = "DisableApiTermination"


class InstanceTerminateArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """`even-unmanaged`: also instances that no Auto Scaling group replaces. They are gone for good."""

    even_unmanaged: bool = False


class InstanceTerminate(InstanceHit[InstanceTerminateArguments]):
    """Terminates running instances. Nothing brings them back, nor what was on volumes that end with them; what their
    Auto Scaling group launches instead are others.

    An instance is refused that is protected from termination, or that no Auto Scaling group would replace: in none, or
    in one that has its launches suspended.
    """

    arguments = InstanceTerminateArguments
    band = Band(word="terminated")
    healed_by = "their Auto Scaling group, which launches others"
    permissions = Permissions(look=(*LOOK, Need("ec2:DescribeInstanceAttribute")),
                              do=(Need("ec2:TerminateInstances", {"InstanceIds": ["{thing}"]}),))
    example = Example(target={"asg": "shop-web", "tags": {"shop": "web"}, "count": 1})

    def check(self, at: Account, one: Thing, arguments: InstanceTerminateArguments) -> None:
        said = at.ask("ec2", "describe_instance_attribute", InstanceId=one.thing, Attribute="disableApiTermination")
        if said.get(_PROTECTION, {}).get("Value"):
            raise Refused(f"instance {one.thing} is protected from termination")
        doubt = _unreplaced(at, one.tags.get(ASG, ""))
        if doubt and not arguments.even_unmanaged:
            raise Refused(f"instance {one.thing} {doubt}: nothing would replace it. `even-unmanaged: true` does it all "
                          "the same; aws.instance_stop can be undone")

    def hit(self, at: Account, thing: str) -> Evidence:
        there = at.ask("ec2", "terminate_instances", InstanceIds=[thing])["TerminatingInstances"][0]
        return Evidence(before=there["PreviousState"]["Name"], after=f"AWS says: {there['CurrentState']['Name']}")

    def verify(self, act: Act) -> Restored:
        asg = act.was["asg"]
        instead = f"{asg} launches another" if asg else "nothing replaces it"
        return Restored(answer=Answer.GONE, diff=f"{act.label} does not come back; {instead}")

    def notes(self, acts: Sequence[Act]) -> list[str]:
        refs = [ref_of(act) for act in acts]
        lost = [f"{ref.label}: {', '.join(found)}" for ref in refs if (found := _lost(ref.at(), ref.thing))]
        said = [f"volumes that end with their instance, and what is on them: {'; '.join(lost)}"] if lost else []
        return [*super().notes(acts), *said]

    def aftermath(self, act: Act, since: datetime) -> list[str]:
        asg = act.was["asg"]
        return launched_since(ref_of(act).at(), asg, since) if asg else []


def _unreplaced(at: Account, asg: str) -> str:
    """Why nothing would come instead, "" where something would."""
    if not asg:
        return "is in no Auto Scaling group"
    found = at.ask("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[asg])["AutoScalingGroups"]
    held = found and any(one["ProcessName"] == "Launch" for one in found[0]["SuspendedProcesses"])
    return f"is of the Auto Scaling group {asg}, whose launches are suspended" if held or not found else ""


def _lost(at: Account, thing: str) -> list[str]:
    """The volumes beside its root that are deleted with it."""
    seen: dict[str, Any] = read_instance(at, thing)
    return [one["Ebs"]["VolumeId"] for one in seen.get("BlockDeviceMappings", ())
            if one.get("Ebs", {}).get("DeleteOnTermination") and one["DeviceName"] != seen.get("RootDeviceName")]
