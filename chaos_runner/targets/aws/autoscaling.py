"""What stands in EC2 Auto Scaling: groups, their processes and their instances."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from chaos_runner.errors import Gone
from chaos_runner.targets.aws.access import Account, unpaired
from chaos_runner.targets.aws.choosing import Chosen, Picked, Thing, filters, pick
from chaos_runner.targets.aws.marks import KEYS, RUN
from chaos_runner.targets.aws.refs import Kind

_TYPE: Final = "auto-scaling-group"
_SERVICE: Final = "autoscaling"


class GroupTagging(Struct, frozen=True):
    """Tags of groups. Ours are never handed on to the instances that a group launches."""

    def read(self, at: Account, thing: str) -> dict[str, str]:
        return unpaired(at.every(_SERVICE, "describe_tags", "Tags[]", Filters=filters({_TYPE: [thing]})))

    def put(self, at: Account, thing: str, tags: Mapping[str, str]) -> None:
        said = [{**_of(thing), "Key": key, "Value": value, "PropagateAtLaunch": False} for key, value in tags.items()]
        at.ask(_SERVICE, "create_or_update_tags", Tags=said)

    def remove(self, at: Account, thing: str, keys: Sequence[str]) -> None:
        at.ask(_SERVICE, "delete_tags", Tags=[{**_of(thing), "Key": key} for key in keys])

    def bearers(self, at: Account) -> Iterator[tuple[str, dict[str, str]]]:
        """Tags are listed by their keys here, however many groups there are."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for one in at.every(_SERVICE, "describe_tags", "Tags[]", Filters=filters({"key": KEYS})):
            found[one["ResourceId"]][one["Key"]] = one["Value"]
        yield from ((thing, tags) for thing, tags in found.items() if RUN in tags)


GROUP: Final = Kind(
    "Auto Scaling group", GroupTagging(),
    "arn:aws:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/{thing}",
    ("autoscaling:DescribeTags", "autoscaling:CreateOrUpdateTags", "autoscaling:DeleteTags"))
REPLACING: Final = frozenset(("HealthCheck", "ReplaceUnhealthy", "Terminate"))
"""A group that has one of these suspended leaves an instance that is ill where it is."""
LOOKING: Final = "autoscaling:DescribeAutoScalingGroups"


class GroupTarget(Picked, frozen=True, kw_only=True):
    """Which Auto Scaling groups: every key that is given must hold. `ids` are their names, `az` a zone they reach into.
    """


def find_groups(target: GroupTarget, seed: int) -> Chosen:
    """The groups that are meant. The server filters by tags."""
    at = target.account()
    asked = filters({f"tag:{key}": [value] for key, value in target.tags.items()})
    there = at.every(_SERVICE, "describe_auto_scaling_groups", "AutoScalingGroups[]", Filters=asked)
    return pick(at, GROUP, target, [_group(one, target.az) for one in there], seed)


def read_group(at: Account, name: str) -> dict[str, Any]:
    """What AWS says of it now. Raises Gone also when it is being deleted."""
    found = at.ask(_SERVICE, "describe_auto_scaling_groups", AutoScalingGroupNames=[name])["AutoScalingGroups"]
    if not found or "Status" in found[0]:
        raise Gone(f"the Auto Scaling group {name} is deleted" if found else f"there is no Auto Scaling group {name}")
    seen: dict[str, Any] = found[0]
    return seen


def suspended(seen: Mapping[str, Any]) -> set[str]:
    """The processes of a group that do not go on."""
    return {one["ProcessName"] for one in seen["SuspendedProcesses"]}


def in_service(seen: Mapping[str, Any]) -> float:
    """How much of what it desires a group has: its instances that serve, each with its weight."""
    return sum(float(one.get("WeightedCapacity", 1)) for one in seen["Instances"]
               if one["LifecycleState"] == "InService" and one["HealthStatus"].lower() == "healthy")


def hooks(at: Account, name: str) -> list[dict[str, Any]]:
    """What instances of the group wait for before they serve, or end."""
    found: list[dict[str, Any]] = at.ask(
        _SERVICE, "describe_lifecycle_hooks", AutoScalingGroupName=name)["LifecycleHooks"]
    return found


def _group(seen: dict[str, Any], az: str) -> Thing:
    return Thing(thing=seen["AutoScalingGroupName"], seen=seen, tags=unpaired(seen.get("Tags")),
                 az=az if az in seen["AvailabilityZones"] else "", arn=seen["AutoScalingGroupARN"])


def _of(thing: str) -> dict[str, str]:
    return {"ResourceId": thing, "ResourceType": _TYPE}
