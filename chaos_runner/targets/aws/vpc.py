"""What stands in a VPC: subnets and their network ACLs, route tables, security groups; and what we make there.

What is made for a thing bears the tags of its change, and in one tag more the thing: so it is found again by anyone.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field, structs

from chaos_runner.contracts import Group
from chaos_runner.errors import Gone
from chaos_runner.targets.aws.access import Account, pairs, unpaired
from chaos_runner.targets.aws.choosing import Chosen, Picked, Thing, filters, pick, spoken
from chaos_runner.targets.aws.ec2 import ROUTE_TABLE, SUBNET
from chaos_runner.targets.aws.marks import MADE_FOR, RUN
from chaos_runner.targets.aws.refs import Kind


class SubnetTarget(Picked, frozen=True, kw_only=True):
    """Which subnets: every key that is given must hold. `vpc` is the id of theirs."""

    vpc: str = ""


class RouteTableTarget(Picked, frozen=True, kw_only=True):
    """Which route tables: every key that is given must hold. `vpc` is the id of theirs, `subnets` are subnets that they
    are explicitly associated with.
    """

    vpc: str = ""
    subnets: list[str] = field(default_factory=list)


class Made(Struct, frozen=True):
    """A kind of thing that is made for others: how EC2 calls its type, lists it, names its id, and deletes it."""

    type: str
    listed: str
    key: str
    id: str
    delete: str

    def tags(self, thing: str, signs: Mapping[str, str]) -> list[dict[str, Any]]:
        """What it bears from its first moment."""
        return [{"ResourceType": self.type, "Tags": pairs({**signs, MADE_FOR: thing})}]

    def of(self, at: Account, thing: str, mark: str) -> list[str]:
        """Those that were made for that thing under this mark."""
        asked = filters({f"tag:{RUN}": [mark], f"tag:{MADE_FOR}": [thing]})
        return [str(one[self.id]) for one in at.every("ec2", self.listed, f"{self.key}[]", Filters=asked)]

    def remove(self, at: Account, thing: str, mark: str) -> None:
        """Deletes all of those. Raises Denied for one that is in use."""
        for one in self.of(at, thing, mark):
            try:
                at.ask("ec2", self.delete, **{self.id: one})
            except Gone:
                continue


OUR_ACL: Final = Made("network-acl", "describe_network_acls", "NetworkAcls", "NetworkAclId", "delete_network_acl")
OUR_GROUP: Final = Made("security-group", "describe_security_groups", "SecurityGroups", "GroupId",
                        "delete_security_group")
OUR_INTERFACE: Final = Made("network-interface", "describe_network_interfaces", "NetworkInterfaces",
                            "NetworkInterfaceId", "delete_network_interface")


def find_subnets(target: SubnetTarget, seed: int) -> Chosen:
    """The subnets that are meant. For limits their share is of the same in all zones."""
    at = target.account()
    wide = [_subnet(at, one) for one in at.every("ec2", "describe_subnets", "Subnets[]", Filters=filters(
        {"vpc-id": [target.vpc] if target.vpc else [], **_tagged(target)}))]
    found = pick(at, SUBNET, target, wide, seed)
    if found.group is None or not target.az:
        return found
    everywhere = pick(at, SUBNET, structs.replace(target, az="", count=None, percent=1.0), wide, seed)
    name = f"{spoken(SUBNET, structs.replace(target, az=''))} in all zones"
    return structs.replace(found, group=Group(name=name, size=len(everywhere.things)))


def read_acl(at: Account, subnet: str) -> dict[str, Any]:
    """The network ACL of a subnet, and under "association" the id of what makes it so. Raises Gone."""
    for acl in at.every("ec2", "describe_network_acls", "NetworkAcls[]",
                        Filters=filters({"association.subnet-id": [subnet]})):
        for one in acl["Associations"]:
            if one["SubnetId"] == subnet:
                return {**acl, "association": one["NetworkAclAssociationId"]}
    raise Gone(f"there is no subnet {subnet}")


def find_route_tables(target: RouteTableTarget, seed: int) -> Chosen:
    """The route tables that are meant."""
    at = target.account()
    asked = {"vpc-id": [target.vpc] if target.vpc else [], "association.subnet-id": target.subnets, **_tagged(target)}
    there = at.every("ec2", "describe_route_tables", "RouteTables[]", Filters=filters(asked))
    return pick(at, ROUTE_TABLE, target, [_thing(at, ROUTE_TABLE, one, one["RouteTableId"]) for one in there], seed)


def read_route_table(at: Account, thing: str) -> dict[str, Any]:
    """What EC2 says of it now. Raises Gone."""
    seen: dict[str, Any] = at.ask("ec2", "describe_route_tables", RouteTableIds=[thing])["RouteTables"][0]
    return seen


def are_ours(at: Account, ids: Sequence[str]) -> set[str]:
    """Those of these that bear a mark of ours."""
    asked = filters({"resource-id": list(ids), "key": [RUN]})
    return {str(one) for one in at.every("ec2", "describe_tags", "Tags[].ResourceId", Filters=asked)} if ids else set()


def _tagged(target: Picked) -> dict[str, list[str]]:
    return {f"tag:{key}": [value] for key, value in target.tags.items()}


def _subnet(at: Account, seen: dict[str, Any]) -> Thing:
    return structs.replace(_thing(at, SUBNET, seen, seen["SubnetId"]), az=seen["AvailabilityZone"])


def _thing(at: Account, kind: Kind, seen: dict[str, Any], thing: str) -> Thing:
    tags = unpaired(seen.get("Tags"))
    return Thing(thing=thing, seen=seen, tags=tags, name=tags.get("Name", ""),
                 arn=kind.arn.format(region=at.region, account=at.number, thing=thing))
