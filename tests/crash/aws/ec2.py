"""Scenes in EC2."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from chaos_runner.lab.aws.world.compute import IMAGE
from chaos_runner.targets.aws.access import Account, account, pairs
from chaos_runner.targets.aws.ec2 import read_instance
from tests.crash.aws.picturing import normalised
from tests.crash.scenes import Scene


@contextmanager
def instances(at: Account, count: int) -> Iterator[tuple[str, list[str]]]:
    """Instances of their own, and what their tag "crash" says. A public address would change when they are stopped."""
    name = f"crash-{uuid4().hex[:8]}"
    made = at.ask("ec2", "run_instances", ImageId=IMAGE, MinCount=count, MaxCount=count,
                  NetworkInterfaces=[{"DeviceIndex": 0, "AssociatePublicIpAddress": False}],
                  TagSpecifications=[{"ResourceType": "instance", "Tags": pairs({"crash": name})}])
    ids = [str(one["InstanceId"]) for one in made["Instances"]]
    try:
        yield name, ids
    finally:
        at.ask("ec2", "terminate_instances", InstanceIds=ids)


def _instances(arguments: dict[str, Any]) -> Callable[[Path], AbstractContextManager[Scene]]:
    @contextmanager
    def opened(_: Path) -> Iterator[Scene]:
        at = account()
        with instances(at, 2) as (name, ids):
            yield Scene({"target": {"tags": {"crash": name}}, "arguments": arguments},
                        lambda: normalised(at.ask("ec2", "describe_instances", InstanceIds=ids)), (), 30.0)

    return opened


@contextmanager
def volume(at: Account) -> Iterator[tuple[str, str]]:
    """A stopped instance with a volume beside its root that ends with it; both ids."""
    with instances(at, 1) as (_, [instance]):
        zone = read_instance(at, instance)["Placement"]["AvailabilityZone"]
        made = at.ask("ec2", "create_volume", AvailabilityZone=zone, Size=1)["VolumeId"]
        at.ask("ec2", "attach_volume", VolumeId=made, InstanceId=instance, Device="/dev/sdf")
        at.ask("ec2", "modify_instance_attribute", InstanceId=instance, BlockDeviceMappings=[
            {"DeviceName": "/dev/sdf", "Ebs": {"DeleteOnTermination": True}}])
        at.ask("ec2", "stop_instances", InstanceIds=[instance])
        yield instance, made


@contextmanager
def _volume(_: Path) -> Iterator[Scene]:
    at = account()
    with volume(at) as (instance, made):
        yield Scene({"target": {"ids": [made]}}, lambda: normalised([
            at.ask("ec2", "describe_volumes", VolumeIds=[made]),
            at.ask("ec2", "describe_instances", InstanceIds=[instance])]), (), 60.0)


SCENES: dict[str, Callable[[Path], AbstractContextManager[Scene]]] = {
    "aws.ebs_detach": _volume,
    "aws.instance_stop": _instances({}),
}
