"""The network: a VPC with three subnets in each of three zones, a way out, and security groups that let tiers talk."""

from typing import Final

from msgspec import Struct

from chaos_runner.targets.aws.access import Account, pairs

ZONES: Final = ("a", "b", "c")
TIERS: Final = {"public": 0, "app": 10, "data": 20}
"""The tiers, and where the third number of their subnets begins."""
_ALL: Final = "10.0.0.0/16"
_PORTS: Final = {"public": 443, "app": 8080, "data": 5432}


class Ground(Struct, frozen=True):
    """What everything else stands on. `subnets` and `groups` by tier; subnets in the order of the zones."""

    vpc: str
    subnets: dict[str, list[str]]
    groups: dict[str, str]


def make(at: Account) -> Ground:
    """Makes it all."""
    made = at.ask("ec2", "create_vpc", CidrBlock=_ALL, TagSpecifications=tagged("vpc", "network"))
    vpc = made["Vpc"]["VpcId"]
    gateway = at.ask("ec2", "create_internet_gateway")["InternetGateway"]["InternetGatewayId"]
    at.ask("ec2", "attach_internet_gateway", InternetGatewayId=gateway, VpcId=vpc)
    subnets = {tier: [_subnet(at, vpc, tier, zone) for zone in ZONES] for tier in TIERS}
    for tier in TIERS:
        _routes(at, vpc, gateway, tier, subnets[tier])
    return Ground(vpc, subnets, {tier: _group(at, vpc, tier) for tier in TIERS})


def tagged(kind: str, tier: str, name: str = "") -> list[dict[str, object]]:
    """Tags for what EC2 makes."""
    tags = {"shop": tier, "Name": name or f"shop-{tier}"}
    return [{"ResourceType": kind, "Tags": pairs(tags)}]


def _subnet(at: Account, vpc: str, tier: str, zone: str) -> str:
    made = at.ask("ec2", "create_subnet", VpcId=vpc, AvailabilityZone=f"{at.region}{zone}",
                  CidrBlock=f"10.0.{TIERS[tier] + ZONES.index(zone)}.0/24",
                  TagSpecifications=tagged("subnet", tier, f"shop-{tier}-{zone}"))
    return str(made["Subnet"]["SubnetId"])


def _routes(at: Account, vpc: str, gateway: str, tier: str, subnets: list[str]) -> None:
    table = at.ask("ec2", "create_route_table", VpcId=vpc,
                   TagSpecifications=tagged("route-table", tier))["RouteTable"]["RouteTableId"]
    at.ask("ec2", "create_route", RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    for subnet in subnets:
        at.ask("ec2", "associate_route_table", RouteTableId=table, SubnetId=subnet)


def _group(at: Account, vpc: str, tier: str) -> str:
    made = at.ask("ec2", "create_security_group", GroupName=f"shop-{tier}", Description=f"the {tier} tier", VpcId=vpc,
                  TagSpecifications=tagged("security-group", tier))
    port = {"IpProtocol": "tcp", "FromPort": _PORTS[tier], "ToPort": _PORTS[tier], "IpRanges": [{"CidrIp": _ALL}]}
    at.ask("ec2", "authorize_security_group_ingress", GroupId=made["GroupId"], IpPermissions=[port])
    return str(made["GroupId"])
