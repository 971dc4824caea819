"""aws.security_group_cut: instances get an empty security group in the place of theirs; undo gives theirs back."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from chaos_runner.contracts import Act, Band, Example, NoArguments, Setting
from chaos_runner.errors import Refused
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.faults.aws._instances import LOOK, left_over
from chaos_runner.targets.aws.access import Account, Denied
from chaos_runner.targets.aws.choosing import Thing
from chaos_runner.targets.aws.ec2 import INSTANCE, InstanceTarget, find_instances, read_instance
from chaos_runner.targets.aws.marks import RUN
from chaos_runner.targets.aws.rights import Need, Permissions
from chaos_runner.targets.aws.vpc import OUR_GROUP, are_ours

_CUT: Final = "cut"
_GROUPS: Final = "arn:aws:ec2:{region}:{account}:security-group/*"
_INTERFACES: Final = "arn:aws:ec2:{region}:{account}:network-interface/*"
_MODIFY: Final = {"NetworkInterfaceId": "{interface}", "Groups": "{groups}"}
_MAKE: Final = {"GroupName": "chaos-runner", "Description": "-", "VpcId": "{vpc}"}
_TRACKED: Final = ("connections that are open go on where a security group tracks them: it decides about new ones "
                   "only; aws.az_blackhole cuts both")


class SecurityGroupCut(ChangeFault[InstanceTarget, NoArguments]):
    """Cuts instances off from new connections: each of their network interfaces is put into one security group of our
    own, which has no rules. Connections that are open and tracked go on until they end.
    """

    target = InstanceTarget
    band = Band(word="cut off")
    kind = INSTANCE
    undone_by = "each interface gets its own security groups back, and ours is deleted"
    permissions = Permissions(
        look=(*LOOK, Need("ec2:DescribeSecurityGroups", on="*")),
        do=(Need("ec2:CreateSecurityGroup", _MAKE, on=_GROUPS),
            Need("ec2:CreateSecurityGroup", on="arn:aws:ec2:{region}:{account}:vpc/*"),
            Need("ec2:CreateTags", on=_GROUPS),
            Need("ec2:RevokeSecurityGroupEgress", on=_GROUPS, tagged=True),
            Need("ec2:ModifyNetworkInterfaceAttribute", _MODIFY, on=_INTERFACES)),
        undo=(Need("ec2:ModifyNetworkInterfaceAttribute", _MODIFY, on=_GROUPS),
              Need("ec2:DeleteSecurityGroup", on=_GROUPS, tagged=True)))
    example = Example(target={"tags": {"tier": "app"}, "count": 1})

    def wanted(self, target: InstanceTarget, arguments: NoArguments, setting: Setting) -> list[Wanted]:  # noqa: ARG002
        found = find_instances(target, setting.seed, ("pending", "running"))
        for one in found.things:
            _check_one_vpc(one)
        return [Wanted.of(found, one, dict.fromkeys(_groups(one.seen), _CUT), _how(one)) for one in found.things]

    def read(self, at: Account, thing: str) -> Values:
        groups = _groups(read_instance(at, thing))
        ours = are_ours(at, sorted({group for some in groups.values() for group in some}))
        return {interface: _CUT if len(some) == 1 and ours >= set(some) else some for interface, some in groups.items()}

    def write(self, order: Order) -> None:
        cut = [_empty(order)] if _CUT in order.values.values() else []
        for interface, groups in order.values.items():
            order.at.ask("ec2", "modify_network_interface_attribute", NetworkInterfaceId=interface,
                         Groups=cut if groups == _CUT else groups)

    def clear(self, at: Account, thing: str, mark: str) -> None:
        OUR_GROUP.remove(at, thing, mark)

    def touches(self, values: Values) -> bool:
        return all(interface.startswith("eni-") and (groups == _CUT or isinstance(groups, list))
                   for interface, groups in values.items())

    def notes(self, acts: Sequence[Act]) -> list[str]:
        return [*super().notes(acts), _TRACKED, *left_over(acts)]

    def by_hand(self, act: Act) -> str:
        ref = ref_of(act)
        return " && ".join(ref.command("ec2", "modify-network-interface-attribute", "--network-interface-id", interface,
                                       "--groups", *groups) for interface, groups in act.was["values"].items())


def _groups(seen: Mapping[str, Any]) -> dict[str, list[str]]:
    """The security groups of each interface. They have no order."""
    return {one["NetworkInterfaceId"]: sorted(group["GroupId"] for group in one["Groups"])
            for one in seen.get("NetworkInterfaces", ())}


def _how(one: Thing) -> Mapping[str, Any]:
    """What a dry run of the change and of its undo has to say."""
    interface, groups = next(iter(_groups(one.seen).items()))
    return {"vpc": one.seen["VpcId"], "interface": interface, "groups": groups}


def _check_one_vpc(one: Thing) -> None:
    """A security group is of one VPC."""
    there = {interface["VpcId"] for interface in one.seen.get("NetworkInterfaces", ())}
    if there != {one.seen.get("VpcId")}:
        raise Refused(f"instance {one.thing} has interfaces in {len(there)} VPCs, and one group of ours is of one")


def _empty(order: Order) -> str:
    """The group of ours for that instance, made if it is not there: whatever rules AWS gave it are taken from it."""
    group = _made(order)
    found = order.at.ask("ec2", "describe_security_groups", GroupIds=[group])["SecurityGroups"][0]
    if found["IpPermissionsEgress"]:
        order.at.ask("ec2", "revoke_security_group_egress", GroupId=group, IpPermissions=found["IpPermissionsEgress"])
    return group


def _made(order: Order) -> str:
    """Its name is of that mark and instance, so that there cannot be two: not even when it is asked for twice."""
    at, thing, mark = order.at, order.thing, order.signs[RUN]
    there = OUR_GROUP.of(at, thing, mark)
    if there:
        return there[0]
    try:
        made = at.ask("ec2", "create_security_group", GroupName=f"{mark} {thing}", VpcId=order.how["vpc"],
                      Description="chaos-runner: lets nothing through",
                      TagSpecifications=OUR_GROUP.tags(thing, order.signs))
    except Denied:
        there = OUR_GROUP.of(at, thing, mark)
        if not there:
            raise
        return there[0]
    return str(made["GroupId"])
