"""Scenes in a VPC."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from chaos_runner.targets.aws.access import Account, account
from tests.crash.aws.picturing import normalised
from tests.crash.scenes import Scene

ZONE = "eu-central-1b"


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


def _subnet(at: Account, vpc: str, number: int) -> str:
    made = at.ask("ec2", "create_subnet", VpcId=vpc, AvailabilityZone=ZONE, CidrBlock=f"10.9.{number}.0/24")
    return str(made["Subnet"]["SubnetId"])


def _in(vpc: str) -> list[dict[str, Any]]:
    return [{"Name": "vpc-id", "Values": [vpc]}]


@contextmanager
def _subnets(_: Path) -> Iterator[Scene]:
    at = account()
    with network(at) as (vpc, _subnets):
        yield Scene({"target": {"vpc": vpc, "az": ZONE}}, lambda: picture_of(at, vpc), (), 60.0)


SCENES: dict[str, Callable[[Path], AbstractContextManager[Scene]]] = {
    "aws.az_blackhole": _subnets,
}
