"""What is found in an account: ours, which can be undone, and what others left, which is only told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Mark, Setting
from chaos_runner.mark import moment
from chaos_runner.recovery.checkups.aws import look_over
from chaos_runner.recovery.checkups.checkup import Checkup
from chaos_runner.recovery.scan import Rules
from chaos_runner.targets.aws.access import Account, pairs
from chaos_runner.targets.aws.ec2 import InstanceTarget
from chaos_runner.targets.aws.marks import RUN
from chaos_runner.targets.leftover import Leftover
from tests.crash.aws.ec2 import instances

pytestmark = pytest.mark.slow


def looked(at: Account, folder: Path, *, later_s: float = 0.0, fix: bool = False) -> Checkup:
    now = datetime.now(UTC) + timedelta(seconds=later_s)
    return look_over(at.region, Rules(now=now, reports=folder), fix=fix)


def only(found: Checkup, what: str) -> Leftover:
    (left,) = [one for one in found.others if what in one.what]
    return left


def stopped(ids: list[str], name: str) -> None:
    """As a run leaves it that dies."""
    fault = shelf.fault("aws.instance_stop")
    mark = Mark(run=name.upper(), number=0, expires=moment(datetime.now(UTC) + timedelta(minutes=5)))
    setting = Setting(mark=mark, seed=1, configuration={})
    for act in fault.prepare(InstanceTarget(ids=ids), fault.arguments(), setting):
        fault.apply(act)


def test_what_a_living_run_holds_is_told_and_left_and_what_none_can_hold_is_undone_when_told(
        at: Account, tmp_path: Path) -> None:
    with instances(at, 1) as (_, ids):
        run = f"01{uuid4().hex[:6]}"
        stopped(ids, run)
        (held,) = [one for one in looked(at, tmp_path).ours if ids[0] in one.what]
        assert (held.fault, held.run, held.held) == ("aws.instance_stop", run.upper(), True)
        (left,) = [one for one in looked(at, tmp_path, later_s=600).ours if ids[0] in one.what]
        assert not left.held
        assert left.undo == f"chaos-runner recover --scan aws --expired --region {at.region}"
        fixed = [one for one in looked(at, tmp_path, later_s=600, fix=True).ours if ids[0] in one.what]
        assert [one.undone for one in fixed] == [True]
        assert not [one for one in looked(at, tmp_path, later_s=600).ours if ids[0] in one.what]


def test_a_mark_that_no_fault_here_knows_is_for_a_person_to_look_at(at: Account, tmp_path: Path) -> None:
    with instances(at, 1) as (_, ids):
        at.ask("ec2", "create_tags", Resources=ids, Tags=pairs({RUN: "chaos-runner-01ABC-0-20261121T100000Z"}))
        (strange,) = [one for one in looked(at, tmp_path).ours if ids[0] in one.what]
        assert (strange.says, strange.undo) == ("bears our mark, which says nothing that can be read", "")


def test_processes_that_somebody_suspended_are_told_with_how_they_go_on(at: Account, tmp_path: Path) -> None:
    name = f"left-{uuid4().hex[:6]}"
    subnet = at.ask("ec2", "describe_subnets")["Subnets"][0]["SubnetId"]
    at.ask("autoscaling", "create_auto_scaling_group", AutoScalingGroupName=name, MinSize=0, MaxSize=0,
           LaunchTemplate={"LaunchTemplateName": "shop-web"}, VPCZoneIdentifier=subnet,
           Tags=pairs({"steadybit-attack": "7"}))
    at.ask("autoscaling", "suspend_processes", AutoScalingGroupName=name, ScalingProcesses=["Terminate", "Launch"])
    left = only(looked(at, tmp_path), name)
    assert (left.says, left.whose) == ("suspended: Launch, Terminate", "Steadybit")
    assert left.undo.endswith(f"resume-processes --auto-scaling-group-name {name} --scaling-processes Launch Terminate")
    at.ask("autoscaling", "delete_auto_scaling_group", AutoScalingGroupName=name, ForceDelete=True)


def test_a_subnet_that_is_shut_is_told_with_the_acl_that_steadybit_wrote_down(at: Account, tmp_path: Path) -> None:
    vpc = at.ask("ec2", "create_vpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = at.ask("ec2", "create_subnet", VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    (was,) = at.ask("ec2", "describe_network_acls", Filters=[
        {"Name": "association.subnet-id", "Values": [subnet]}])["NetworkAcls"]
    shut = at.ask("ec2", "create_network_acl", VpcId=vpc, TagSpecifications=[
        {"ResourceType": "network-acl", "Tags": pairs({f"steadybit-replaced {subnet}": was["NetworkAclId"]})}])
    at.ask("ec2", "replace_network_acl_association", NetworkAclId=shut["NetworkAcl"]["NetworkAclId"],
           AssociationId=was["Associations"][0]["NetworkAclAssociationId"])
    left = only(looked(at, tmp_path), subnet)
    assert (left.says, left.whose) == ("lets nothing in and nothing out", "Steadybit")
    assert left.undo.endswith(f"--network-acl-id {was['NetworkAclId']}")


def test_health_checks_that_say_the_opposite_are_told(at: Account, tmp_path: Path) -> None:
    made = at.ask("route53", "create_health_check", CallerReference=uuid4().hex, HealthCheckConfig={
        "Type": "HTTP", "FullyQualifiedDomainName": "shop.example.org", "Inverted": True})
    assert only(looked(at, tmp_path), made["HealthCheck"]["Id"]).undo.endswith("--no-inverted")
    at.ask("route53", "delete_health_check", HealthCheckId=made["HealthCheck"]["Id"])
