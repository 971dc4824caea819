"""Scenes in a VPC."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from chaos_runner.lab.aws.world.compute import IMAGE
from chaos_runner.targets.aws.access import Account, account
from tests.crash.aws.picturing import normalised
from tests.crash.aws.scaling import group, picture_of_group, picture_of_targets
from tests.crash.scenes import Scene

ZONE = "eu-central-1b"
EVERYWHERE = "0.0.0.0/0"
PATIENCE_S = 60.0


@contextmanager
def network(at: Account, count: int = 2) -> Iterator[tuple[str, list[str]]]:
    """A VPC of its own with so many subnets in one zone."""
    vpc = at.ask("ec2", "create_vpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    try:
        yield vpc, [_subnet(at, vpc, number) for number in range(count)]
    finally:
        for one in at.every("ec2", "describe_subnets", "Subnets[].SubnetId", Filters=_in(vpc)):
            at.ask("ec2", "delete_subnet", SubnetId=one)
        at.ask("ec2", "delete_vpc", VpcId=vpc)


def picture_of(at: Account, vpc: str) -> Any:
    """What stands in a VPC. An association has another id after every change; ACLs and groups of no order have one."""
    asked = {"describe_subnets": "Subnets", "describe_network_acls": "NetworkAcls",
             "describe_security_groups": "SecurityGroups", "describe_route_tables": "RouteTables",
             "describe_network_interfaces": "NetworkInterfaces", "describe_instances": "Reservations[].Instances[]"}
    return normalised({call: list(at.every("ec2", call, key if "[" in key else f"{key}[]", Filters=_in(vpc)))
                       for call, key in asked.items()})


def _subnet(at: Account, vpc: str, number: int, zone: str = ZONE) -> str:
    made = at.ask("ec2", "create_subnet", VpcId=vpc, AvailabilityZone=zone, CidrBlock=f"10.9.{number}.0/24")
    return str(made["Subnet"]["SubnetId"])


def _in(vpc: str) -> list[dict[str, Any]]:
    return [{"Name": "vpc-id", "Values": [vpc]}]


@contextmanager
def _subnets(_: Path) -> Iterator[Scene]:
    at = account()
    with network(at) as (vpc, _there):
        yield Scene({"target": {"vpc": vpc, "az": ZONE}}, lambda: picture_of(at, vpc), (), PATIENCE_S)


@contextmanager
def _guarded(_: Path) -> Iterator[Scene]:
    """An instance with two interfaces, of two groups and of one."""
    at = account()
    with network(at) as (vpc, [subnet, other]), guarded(at, vpc, subnet) as thing:
        more = at.ask("ec2", "create_network_interface", SubnetId=other)["NetworkInterface"]["NetworkInterfaceId"]
        at.ask("ec2", "attach_network_interface", NetworkInterfaceId=more, InstanceId=thing, DeviceIndex=1)
        yield Scene({"target": {"ids": [thing]}}, lambda: picture_of(at, vpc), (), PATIENCE_S)
        at.ask("ec2", "delete_network_interface", NetworkInterfaceId=more)


@contextmanager
def guarded(at: Account, vpc: str, subnet: str) -> Iterator[str]:
    """An instance there, in two security groups of its own. They are its interface's: what moto takes for groups of
    the instance itself it shows on all interfaces for ever.
    """
    groups = [at.ask("ec2", "create_security_group", GroupName=f"crash-{name}", Description="-", VpcId=vpc)["GroupId"]
              for name in "ba"]
    made = at.ask("ec2", "run_instances", ImageId=IMAGE, MinCount=1, MaxCount=1, NetworkInterfaces=[
        {"DeviceIndex": 0, "SubnetId": subnet, "Groups": groups}])["Instances"][0]["InstanceId"]
    try:
        yield str(made)
    finally:
        at.ask("ec2", "terminate_instances", InstanceIds=[made])
        for group in groups:
            at.ask("ec2", "delete_security_group", GroupId=group)


@contextmanager
def routed(at: Account, vpc: str) -> Iterator[str]:
    """A route table there, with a way out through a gateway of its own."""
    gateway = at.ask("ec2", "create_internet_gateway")["InternetGateway"]["InternetGatewayId"]
    at.ask("ec2", "attach_internet_gateway", InternetGatewayId=gateway, VpcId=vpc)
    table = at.ask("ec2", "create_route_table", VpcId=vpc)["RouteTable"]["RouteTableId"]
    at.ask("ec2", "create_route", RouteTableId=table, DestinationCidrBlock=EVERYWHERE, GatewayId=gateway)
    try:
        yield str(table)
    finally:
        at.ask("ec2", "delete_route_table", RouteTableId=table)
        at.ask("ec2", "detach_internet_gateway", InternetGatewayId=gateway, VpcId=vpc)
        at.ask("ec2", "delete_internet_gateway", InternetGatewayId=gateway)


@contextmanager
def _routes(_: Path) -> Iterator[Scene]:
    at = account()
    with network(at) as (vpc, _there), routed(at, vpc) as table:
        yield Scene({"target": {"ids": [table]}, "arguments": {"destination": EVERYWHERE}},
                    lambda: picture_of(at, vpc), (), PATIENCE_S)


@contextmanager
def served(at: Account) -> Iterator[tuple[str, str, str]]:
    """A VPC, and in it an Auto Scaling group over two zones with a target group: what each is called."""
    with network(at, 1) as (vpc, [subnet]):
        elsewhere = _subnet(at, vpc, 5, "eu-central-1a")
        balanced = at.ask("elbv2", "create_target_group", Name=f"crash-{vpc[-8:]}", Protocol="HTTP", Port=80, VpcId=vpc,
                          TargetType="instance")["TargetGroups"][0]["TargetGroupArn"]
        with group(at, VPCZoneIdentifier=f"{subnet},{elsewhere}", TargetGroupARNs=[balanced],
                   HealthCheckType="ELB") as name:
            at.ask("autoscaling", "suspend_processes", AutoScalingGroupName=name, ScalingProcesses=["AZRebalance"])
            yield vpc, name, balanced
        at.ask("elbv2", "delete_target_group", TargetGroupArn=balanced)


def picture_of_served(at: Account, vpc: str, name: str, balanced: str) -> Any:
    """All three of them. A public address would be another one after every stop."""
    there = str(normalised(list(at.every("ec2", "describe_instances", "Reservations[].Instances[].{i: InstanceId, "
                                         "s: State, t: Tags, n: SubnetId}", Filters=_in(vpc)))))
    return there, picture_of_group(at, name), picture_of_targets(at, balanced)


@contextmanager
def _powered(_: Path) -> Iterator[Scene]:
    at = account()
    with served(at) as (vpc, name, balanced):
        yield Scene({"target": {"az": ZONE, "vpc": vpc}}, lambda: picture_of_served(at, vpc, name, balanced), (),
                    PATIENCE_S)


SCENES: dict[str, Callable[[Path], AbstractContextManager[Scene]]] = {
    "aws.az_blackhole": _subnets,
    "aws.az_power": _powered,
    "aws.route_blackhole": _routes,
    "aws.security_group_cut": _guarded,
}
