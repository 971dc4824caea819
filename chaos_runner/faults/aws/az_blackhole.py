"""aws.az_blackhole: subnets get a network ACL that lets nothing through; undo gives them their own back."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from chaos_runner.contracts import Act, Band, Example, NoArguments, Setting
from chaos_runner.errors import Gone
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.targets.aws.access import Account, unpaired
from chaos_runner.targets.aws.choosing import Thing
from chaos_runner.targets.aws.ec2 import SUBNET
from chaos_runner.targets.aws.marks import RUN
from chaos_runner.targets.aws.rights import Need, Permissions
from chaos_runner.targets.aws.vpc import OUR_ACL, SubnetTarget, find_subnets, read_acl

_ACL: Final = "acl"
_CLOSED: Final = "closed"
_ACLS: Final = "arn:aws:ec2:{region}:{account}:network-acl/*"
_LOCKOUT: Final = "a runner that stands in one of these subnets cuts itself off: start it elsewhere"
_REPLACE: Final = {"AssociationId": "{association}", "NetworkAclId": "{acl}"}


class AzBlackhole(ChangeFault[SubnetTarget, NoArguments]):
    """Cuts subnets off, as if their zone could not be reached: a network ACL of our own, which denies everything both
    ways, stands in the place of theirs. Connections that are open are cut too: a network ACL keeps no state.

    What stays inside a subnet is not cut, nor the addresses of AWS itself in it (DNS, time, instance metadata). A
    runner that stands in such a subnet would cut itself off: its undo is then for another machine.
    """

    target = SubnetTarget
    band = Band(word="cut off")
    kind = SUBNET
    undone_by = "each subnet gets its own network ACL back, and ours is deleted"
    permissions = Permissions(
        look=(Need("ec2:DescribeSubnets", on="*"), Need("ec2:DescribeNetworkAcls", on="*")),
        do=(Need("ec2:CreateNetworkAcl", {"VpcId": "{vpc}"}, on=_ACLS),
            Need("ec2:CreateNetworkAcl", on="arn:aws:ec2:{region}:{account}:vpc/*"),
            Need("ec2:CreateTags", on=_ACLS),
            Need("ec2:ReplaceNetworkAclAssociation", _REPLACE)),
        undo=(Need("ec2:ReplaceNetworkAclAssociation", _REPLACE, on=_ACLS),
              Need("ec2:DeleteNetworkAcl", on=_ACLS, tagged=True)))
    example = Example(target={"vpc": "vpc-0123456789abcdef0", "az": "eu-central-1a", "percent": "100%"})

    def wanted(self, target: SubnetTarget, arguments: NoArguments, setting: Setting) -> list[Wanted]:  # noqa: ARG002
        found = find_subnets(target, setting.seed)
        return [Wanted.of(found, one, {_ACL: _CLOSED}, _how(found.at, one)) for one in found.things]

    def read(self, at: Account, thing: str) -> Values:
        acl = read_acl(at, thing)
        return {_ACL: _CLOSED if RUN in unpaired(acl.get("Tags")) else acl["NetworkAclId"]}

    def write(self, order: Order) -> None:
        acl = order.values[_ACL]
        _put(order.at, order.thing, _closed(order) if acl == _CLOSED else str(acl))

    def clear(self, at: Account, thing: str, mark: str) -> None:
        OUR_ACL.remove(at, thing, mark)

    def touches(self, values: Values) -> bool:
        return values.keys() == {_ACL} and (values[_ACL] == _CLOSED or str(values[_ACL]).startswith("acl-"))

    def notes(self, acts: Sequence[Act]) -> list[str]:
        return [*super().notes(acts), _LOCKOUT]

    def by_hand(self, act: Act) -> str:
        ref, acl = ref_of(act), act.was["values"][_ACL]
        query = f"NetworkAcls[].Associations[?SubnetId=='{ref.thing}'][].NetworkAclAssociationId"
        look = ref.command("ec2", "describe-network-acls", "--filters",
                           f"Name=association.subnet-id,Values={ref.thing}", "--query", query, "--output", "text")
        put = ref.command("ec2", "replace-network-acl-association", "--network-acl-id", acl, "--association-id")
        return f'{put} "$({look})"'


def _how(at: Account, one: Thing) -> Mapping[str, Any]:
    """What a dry run of the change and of its undo has to say."""
    acl = read_acl(at, one.thing)
    return {"vpc": one.seen["VpcId"], "acl": acl["NetworkAclId"], "association": acl["association"]}


def _closed(order: Order) -> str:
    """The ACL of ours for that subnet, made if it is not there. It denies all, having no rules."""
    there = OUR_ACL.of(order.at, order.thing, order.signs[RUN])
    if there:
        return there[0]
    made = order.at.ask("ec2", "create_network_acl", VpcId=order.how["vpc"],
                        TagSpecifications=OUR_ACL.tags(order.thing, order.signs))
    return str(made["NetworkAcl"]["NetworkAclId"])


def _put(at: Account, subnet: str, acl: str) -> None:
    """Puts an ACL in the place of a subnet's. A call that was asked twice finds that it has been done."""
    now = read_acl(at, subnet)
    if now["NetworkAclId"] == acl:
        return
    at.ask("ec2", "describe_network_acls", NetworkAclIds=[acl])  # where it is gone, moto would put none in its place
    try:
        at.ask("ec2", "replace_network_acl_association", AssociationId=now["association"], NetworkAclId=acl)
    except Gone:
        if read_acl(at, subnet)["NetworkAclId"] != acl:
            raise
