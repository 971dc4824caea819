"""Faults in a VPC: what they refuse, and what they do when somebody else has been there meanwhile."""

from collections.abc import Iterator
from typing import Any

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Act, Answer
from chaos_runner.errors import ActFailed, NoTarget, Refused
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.marks import RUN
from chaos_runner.targets.aws.vpc import OUR_ACL, OUR_GROUP, OUR_INTERFACE, read_acl
from tests.aws.trying import prepared
from tests.crash.aws.network import EVERYWHERE, ZONE, guarded, network, routed

HOLE, CUT, ROUTE = "aws.az_blackhole", "aws.security_group_cut", "aws.route_blackhole"


@pytest.fixture
def vpc(at: Account) -> Iterator[tuple[str, str]]:
    """A VPC and a subnet in it."""
    with network(at, 1) as (vpc, [subnet]):
        yield vpc, subnet


def test_an_acl_that_somebody_else_put_there_meanwhile_stays(at: Account, vpc: tuple[str, str]) -> None:
    [act], fault = prepared(HOLE, {"ids": [vpc[1]]}), shelf.fault(HOLE)
    fault.apply(act)
    theirs = _acl(at, vpc[0])
    _put(at, vpc[1], theirs)
    fault.undo(act)
    assert fault.verify(act).answer is Answer.DRIFT
    assert read_acl(at, vpc[1])["NetworkAclId"] == theirs
    assert not OUR_ACL.of(at, vpc[1], act.do["mark"])
    _put(at, vpc[1], _default(at, vpc[0]))
    at.ask("ec2", "delete_network_acl", NetworkAclId=theirs)


def test_where_the_former_acl_is_gone_the_undo_says_so_and_stays_due(at: Account, vpc: tuple[str, str]) -> None:
    former = _acl(at, vpc[0])
    _put(at, vpc[1], former)
    [act], fault = prepared(HOLE, {"ids": [vpc[1]]}), shelf.fault(HOLE)
    fault.apply(act)
    at.ask("ec2", "delete_network_acl", NetworkAclId=former)
    with pytest.raises(ActFailed, match=f"cannot be as it was: .*{former}"):
        fault.undo(act)
    assert fault.verify(act).answer is Answer.NOT_RESTORED
    _put(at, vpc[1], _default(at, vpc[0]))
    fault.undo(act)
    assert not OUR_ACL.of(at, vpc[1], act.do["mark"])


def test_an_acl_that_never_came_into_use_is_deleted(at: Account, vpc: tuple[str, str]) -> None:
    [act], fault = prepared(HOLE, {"ids": [vpc[1]]}), shelf.fault(HOLE)
    at.ask("ec2", "create_network_acl", VpcId=vpc[0],
           TagSpecifications=OUR_ACL.tags(vpc[1], {RUN: act.do["mark"]}))
    fault.undo(act)
    assert fault.verify(act).answer is Answer.RESTORED
    assert not OUR_ACL.of(at, vpc[1], act.do["mark"])


def test_our_acl_lets_nothing_through_and_is_made_once(at: Account, vpc: tuple[str, str]) -> None:
    [act], fault = prepared(HOLE, {"ids": [vpc[1]]}), shelf.fault(HOLE)
    fault.apply(act)
    fault.apply(act)
    acl = read_acl(at, vpc[1])
    assert all(rule["RuleAction"] == "deny" for rule in acl["Entries"])
    assert OUR_ACL.of(at, vpc[1], act.do["mark"]) == [acl["NetworkAclId"]]
    fault.undo(act)


def test_a_subnet_is_cut_off_by_one_run_at_a_time(at: Account, vpc: tuple[str, str]) -> None:
    [act], fault = prepared(HOLE, {"ids": [vpc[1]]}), shelf.fault(HOLE)
    fault.apply(act)
    with pytest.raises(Refused, match="already bears a mark of chaos-runner"):
        prepared(HOLE, {"ids": [vpc[1]]})
    fault.undo(act)


def test_the_share_of_a_zone_is_of_all_zones(at: Account) -> None:
    acts = prepared(HOLE, {"tags": {"shop": "app"}, "az": "eu-central-1a"})
    [group] = {act.group for act in acts}
    assert len(acts) == 1
    assert group is not None
    assert (group.name, group.size) == ("subnet shop=app in all zones", 3)


def test_a_subnet_that_is_gone_needs_no_undo_and_its_acl_goes_too(at: Account) -> None:
    with network(at, 1) as (_, [subnet]):
        [act], fault = prepared(HOLE, {"ids": [subnet]}), shelf.fault(HOLE)
        fault.apply(act)
        _put(at, subnet, act.was["values"]["acl"])  # moto would leave its association where it is
        at.ask("ec2", "delete_subnet", SubnetId=subnet)
    fault.undo(act)
    assert not OUR_ACL.of(at, subnet, act.do["mark"])


def test_a_group_that_somebody_adds_meanwhile_is_not_taken_away(at: Account, vpc: tuple[str, str]) -> None:
    with guarded(at, *vpc) as thing:
        [act], fault = prepared(CUT, {"ids": [thing]}), shelf.fault(CUT)
        fault.apply(act)
        [ours] = OUR_GROUP.of(at, thing, act.do["mark"])
        [rules] = at.ask("ec2", "describe_security_groups", GroupIds=[ours])["SecurityGroups"]
        assert not rules["IpPermissions"] + rules["IpPermissionsEgress"]
        [(interface, former)] = act.was["values"].items()
        at.ask("ec2", "modify_network_interface_attribute", NetworkInterfaceId=interface, Groups=[former[0]])
        fault.undo(act)
        assert fault.verify(act).answer is Answer.DRIFT
        assert not OUR_GROUP.of(at, thing, act.do["mark"])


def test_the_plan_says_that_open_connections_go_on(at: Account, vpc: tuple[str, str]) -> None:
    with guarded(at, *vpc) as thing:
        assert any("connections that are open go on" in line
                   for line in shelf.fault(CUT).notes(prepared(CUT, {"ids": [thing]})))


def test_an_instance_that_was_terminated_meanwhile_needs_no_undo(at: Account, vpc: tuple[str, str]) -> None:
    with guarded(at, *vpc) as thing:
        [act], fault = prepared(CUT, {"ids": [thing]}), shelf.fault(CUT)
        fault.apply(act)
        at.ask("ec2", "terminate_instances", InstanceIds=[thing])
        fault.undo(act)
        assert fault.verify(act).answer is Answer.GONE
        assert not OUR_GROUP.of(at, thing, act.do["mark"])


@pytest.mark.parametrize(("destination", "why"), [
    ("10.9.0.0/16", "is the local one"),
    ("10.0.0.0/8", "none of these route tables has a route for 10.0.0.0/8; there are: 0.0.0.0/0, 10.9.0.0/16")])
def test_a_route_that_is_not_ours_to_replace_is_refused(
        at: Account, vpc: tuple[str, str], destination: str, why: str) -> None:
    with routed(at, vpc[0]) as table, pytest.raises(Refused, match=why):
        prepared(ROUTE, {"ids": [table]}, {"destination": destination})


def test_a_route_that_leads_elsewhere_meanwhile_is_left_so(at: Account, vpc: tuple[str, str]) -> None:
    with routed(at, vpc[0]) as table:
        act = _lost(table)
        other = at.ask("ec2", "create_network_interface", SubnetId=vpc[1])["NetworkInterface"]["NetworkInterfaceId"]
        at.ask("ec2", "replace_route", RouteTableId=table, DestinationCidrBlock=EVERYWHERE, NetworkInterfaceId=other)
        shelf.fault(ROUTE).undo(act)
        assert shelf.fault(ROUTE).verify(act).answer is Answer.DRIFT
        assert not OUR_INTERFACE.of(at, table, act.do["mark"])
        at.ask("ec2", "delete_network_interface", NetworkInterfaceId=other)


def test_a_route_that_is_gone_meanwhile_is_not_made_anew(at: Account, vpc: tuple[str, str]) -> None:
    with routed(at, vpc[0]) as table:
        act = _lost(table)
        at.ask("ec2", "delete_route", RouteTableId=table, DestinationCidrBlock=EVERYWHERE)
        shelf.fault(ROUTE).undo(act)
        assert shelf.fault(ROUTE).verify(act).answer is Answer.DRIFT


def test_the_undo_by_hand_is_one_command(at: Account, vpc: tuple[str, str]) -> None:
    with routed(at, vpc[0]) as table:
        [act] = prepared(ROUTE, {"ids": [table]}, {"destination": EVERYWHERE})
        gateway = act.was["values"][EVERYWHERE]["GatewayId"]
        assert shelf.fault(ROUTE).by_hand(act) == (
            f"aws --region eu-central-1 ec2 replace-route --route-table-id {table} "
            f"--destination-cidr-block {EVERYWHERE} --gateway-id {gateway}")


def test_a_zone_without_such_subnets_is_no_target(at: Account) -> None:
    with pytest.raises(NoTarget, match="no subnet in eu-central-1"):
        prepared(HOLE, {"tags": {"shop": "nothing"}, "az": ZONE})


def _lost(table: str) -> Act:
    [act] = prepared(ROUTE, {"ids": [table]}, {"destination": EVERYWHERE})
    shelf.fault(ROUTE).apply(act)
    return act


def _acl(at: Account, vpc: str) -> str:
    return str(at.ask("ec2", "create_network_acl", VpcId=vpc)["NetworkAcl"]["NetworkAclId"])


def _default(at: Account, vpc: str) -> str:
    found: list[Any] = list(at.every("ec2", "describe_network_acls", "NetworkAcls[?IsDefault].NetworkAclId",
                                     Filters=[{"Name": "vpc-id", "Values": [vpc]}]))
    return str(found[0])


def _put(at: Account, subnet: str, acl: str) -> None:
    at.ask("ec2", "replace_network_acl_association", AssociationId=read_acl(at, subnet)["association"],
           NetworkAclId=acl)
