"""What stands in EC2: instances, volumes, and how all that EC2 has is tagged."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from chaos_runner.errors import Gone
from chaos_runner.targets.aws.access import Account, pairs, unpaired
from chaos_runner.targets.aws.choosing import Chosen, Picked, Thing, filters, pick
from chaos_runner.targets.aws.marks import RUN, ours
from chaos_runner.targets.aws.refs import Kind

_ARN: Final = "arn:aws:ec2:{region}:{account}:"
_TAGS: Final = ("ec2:DescribeTags", "ec2:CreateTags", "ec2:DeleteTags")
OVER: Final = ("shutting-down", "terminated")


class Ec2Tagging(Struct, frozen=True):
    """Tags of EC2, for one of its types: "instance", "subnet", "network-acl"."""

    type: str

    def read(self, at: Account, thing: str) -> dict[str, str]:
        return unpaired(at.every("ec2", "describe_tags", "Tags[]", Filters=filters({"resource-id": [thing]})))

    def put(self, at: Account, thing: str, tags: Mapping[str, str]) -> None:
        at.ask("ec2", "create_tags", Resources=[thing], Tags=pairs(tags))

    def remove(self, at: Account, thing: str, keys: Sequence[str]) -> None:
        at.ask("ec2", "delete_tags", Resources=[thing], Tags=[{"Key": key} for key in keys])

    def bearers(self, at: Account) -> Iterator[tuple[str, dict[str, str]]]:
        """EC2 lists tags by type and key; ours are few, however many things there are."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for one in at.every("ec2", "describe_tags", "Tags[]", Filters=filters(
                {"resource-type": [self.type], "key": ["chaos-runner:*"]})):
            found[one["ResourceId"]][one["Key"]] = one["Value"]
        yield from ((thing, tags) for thing, tags in found.items() if RUN in ours(tags))


def _kind(name: str, type_: str = "") -> Kind:
    type_ = type_ or name
    return Kind(name, Ec2Tagging(type_), f"{_ARN}{type_}/{{thing}}", _TAGS)


INSTANCE: Final = _kind("instance")
SUBNET: Final = _kind("subnet")
ROUTE_TABLE: Final = _kind("route table", "route-table")
VOLUME: Final = _kind("volume")


class InstanceTarget(Picked, frozen=True, kw_only=True):
    """Which instances: every key that is given must hold. `filters` are EC2's own, with their values:
    {vpc-id: [vpc-1]}. `asg` is an Auto Scaling group whose instances they are.
    """

    filters: dict[str, list[str]] = field(default_factory=dict)
    asg: str = ""


class VolumeTarget(Picked, frozen=True, kw_only=True):
    """Which EBS volumes: every key that is given must hold. `instances` are ids of those that they are attached to."""

    instances: list[str] = field(default_factory=list)


def find_instances(target: InstanceTarget, seed: int, states: Sequence[str]) -> Chosen:
    """The instances in one of these states. The server filters: it gives only what may match."""
    at = target.account()
    asked = {f"tag:{key}": [value] for key, value in target.tags.items()} | target.filters
    asked |= {"availability-zone": [target.az] if target.az else [], "instance-state-name": list(states),
              "tag:aws:autoscaling:groupName": [target.asg] if target.asg else []}
    there = at.every("ec2", "describe_instances", "Reservations[].Instances[]", Filters=filters(asked))
    return pick(at, INSTANCE, target, [instance(at, one) for one in there], seed)


def read_instance(at: Account, thing: str) -> dict[str, Any]:
    """What EC2 says of it now. Raises Gone also when it is being terminated."""
    found = at.ask("ec2", "describe_instances", InstanceIds=[thing])
    seen: dict[str, Any] = found["Reservations"][0]["Instances"][0]
    if seen["State"]["Name"] in OVER:
        raise Gone(f"instance {thing} is terminated")
    return seen


def instance(at: Account, seen: dict[str, Any]) -> Thing:
    """An instance as EC2 lists it."""
    tags, thing = unpaired(seen.get("Tags")), seen["InstanceId"]
    return Thing(thing=thing, seen=seen, tags=tags, name=tags.get("Name", ""), az=seen["Placement"]["AvailabilityZone"],
                 arn=INSTANCE.arn_at(at, thing))


def find_volumes(target: VolumeTarget, seed: int) -> Chosen:
    """The volumes that are attached, of those that are meant."""
    at = target.account()
    asked = {f"tag:{key}": [value] for key, value in target.tags.items()}
    asked |= {"availability-zone": [target.az] if target.az else [], "status": ["in-use"],
              "attachment.instance-id": target.instances}
    there = at.every("ec2", "describe_volumes", "Volumes[]", Filters=filters(asked))
    return pick(at, VOLUME, target, [_volume(at, one) for one in there], seed)


def read_volume(at: Account, thing: str) -> dict[str, Any]:
    """What EC2 says of it now. Raises Gone also when it is being deleted."""
    seen: dict[str, Any] = at.ask("ec2", "describe_volumes", VolumeIds=[thing])["Volumes"][0]
    if seen["State"] in ("deleting", "deleted"):
        raise Gone(f"volume {thing} is deleted")
    return seen


def _volume(at: Account, seen: dict[str, Any]) -> Thing:
    tags, thing = unpaired(seen.get("Tags")), seen["VolumeId"]
    return Thing(thing=thing, seen=seen, tags=tags, name=tags.get("Name", ""), az=seen["AvailabilityZone"],
                 arn=VOLUME.arn_at(at, thing))
