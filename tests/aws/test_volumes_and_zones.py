"""aws.ebs_detach and aws.az_power: what they refuse, and what stays as it was."""

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Answer, Scannable
from chaos_runner.errors import NoTarget, Refused
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.autoscaling import read_group
from chaos_runner.targets.aws.ec2 import read_instance, read_volume
from tests.aws.trying import prepared
from tests.crash.aws.ec2 import instances, volume
from tests.crash.aws.network import ZONE, served
from tests.crash.aws.scaling import group

DETACH, POWER = "aws.ebs_detach", "aws.az_power"


def test_a_volume_of_a_running_instance_is_detached_only_by_force(at: Account) -> None:
    with volume(at) as (instance, made):
        at.ask("ec2", "start_instances", InstanceIds=[instance])
        with pytest.raises(Refused, match="which is running: stop it first"):
            prepared(DETACH, {"ids": [made]})
        [act] = prepared(DETACH, {"instances": [instance], "ids": [made]}, {"force": True})
        assert any("is lost" in line for line in shelf.fault(DETACH).notes([act]))


def test_a_root_is_not_detached(at: Account) -> None:
    with volume(at) as (instance, _):
        [root] = [one["Ebs"]["VolumeId"] for one in read_instance(at, instance)["BlockDeviceMappings"]
                  if one["DeviceName"] == "/dev/sda1"]
        with pytest.raises(Refused, match=f"is the root of {instance}"):
            prepared(DETACH, {"ids": [root]})


def test_a_volume_that_somebody_attached_elsewhere_stays_there(at: Account) -> None:
    with volume(at) as (_, made), instances(at, 1) as (_, [other]):
        [act], fault = prepared(DETACH, {"ids": [made]}), shelf.fault(DETACH)
        fault.apply(act)
        at.ask("ec2", "attach_volume", VolumeId=made, InstanceId=other, Device="/dev/sdz")
        fault.undo(act)
        assert fault.verify(act).answer is Answer.DRIFT
        assert read_volume(at, made)["Attachments"][0]["InstanceId"] == other
        at.ask("ec2", "detach_volume", VolumeId=made, InstanceId=other, Device="/dev/sdz")


def test_a_volume_whose_instance_was_terminated_meanwhile_is_let_go(at: Account) -> None:
    with volume(at) as (instance, made):
        [act], fault = prepared(DETACH, {"ids": [made]}), shelf.fault(DETACH)
        fault.apply(act)
        at.ask("ec2", "terminate_instances", InstanceIds=[instance])
        assert fault.verify(act).answer is Answer.NOT_RESTORED
        fault.undo(act)
        back = fault.verify(act)
        assert isinstance(fault, Scannable)
        assert (back.answer, fault.marked(at.region)) == (Answer.GONE, [])
        assert f"{instance} was terminated meanwhile" in back.diff


def test_an_undo_that_had_only_attached_it_is_finished(at: Account) -> None:
    with volume(at) as (instance, made):
        [act], fault = prepared(DETACH, {"ids": [made]}), shelf.fault(DETACH)
        fault.apply(act)
        at.ask("ec2", "attach_volume", VolumeId=made, InstanceId=instance, Device="/dev/sdf")
        assert fault.verify(act).answer is Answer.NOT_RESTORED
        fault.undo(act)
        assert fault.verify(act).answer is Answer.RESTORED
        [ends] = [one["Ebs"]["DeleteOnTermination"] for one in read_instance(at, instance)["BlockDeviceMappings"]
                  if one["DeviceName"] == "/dev/sdf"]
        assert ends


def test_a_group_of_one_zone_launches_nothing_while_it_has_no_power(at: Account) -> None:
    subnet = at.ask("ec2", "describe_subnets", Filters=[
        {"Name": "availability-zone", "Values": [ZONE]}])["Subnets"][0]["SubnetId"]
    with group(at, VPCZoneIdentifier=subnet, Tags=[
            {"Key": "crash", "Value": "lonely", "PropagateAtLaunch": True}]) as name:
        acts = prepared(POWER, {"az": ZONE, "tags": {"crash": "lonely"}})
        [held] = [act for act in acts if act.target["thing"] == name]
        assert held.do["values"] == dict.fromkeys(
            ("Launch", "AZRebalance", "HealthCheck", "ReplaceUnhealthy", "Terminate"), "suspended")


def test_a_zone_is_held_before_it_is_stopped_and_let_go_after_it_runs(at: Account) -> None:
    with served(at) as (vpc, name, balanced):
        acts, fault = prepared(POWER, {"az": ZONE, "vpc": vpc}), shelf.fault(POWER)
        kinds = [act.target["kind"] for act in acts]
        assert kinds == ["Auto Scaling group", "target group", *["instance"] * (len(acts) - 2)]
        for act in acts:
            fault.apply(act)
        marks = {act.do["mark"] for act in acts}
        scanned = [one for one in fault.marked("") if str(one.mark) in marks]  # type: ignore[attr-defined]
        assert [one.act.target["kind"] for one in scanned] == kinds[::-1]
        assert all(not one.doubt and one.fault == POWER for one in scanned)
        for one in scanned:
            fault.undo(one.act)
        assert {fault.verify(act).answer for act in acts} == {Answer.RESTORED}
        seen = read_group(at, name)
        assert [one["ProcessName"] for one in seen["SuspendedProcesses"]] == ["AZRebalance"]
        there = at.ask("elbv2", "describe_target_health", TargetGroupArn=balanced)["TargetHealthDescriptions"]
        assert {one["Target"]["Id"] for one in there} == {one["InstanceId"] for one in seen["Instances"]}


def test_a_zone_in_which_nothing_runs_is_no_target(at: Account) -> None:
    with pytest.raises(NoTarget):
        prepared(POWER, {"az": ZONE, "tags": {"shop": "nothing"}})


def test_what_each_part_needs_is_said_of_its_own_kind_of_thing(at: Account) -> None:
    wanted = shelf.fault(POWER).all_permissions  # type: ignore[attr-defined]
    on = {need.action: need.on for need in (*wanted.do, *wanted.undo)}
    assert on["ec2:StartInstances"] == "arn:aws:ec2:{region}:{account}:instance/*"
    assert on["autoscaling:ResumeProcesses"].startswith("arn:aws:autoscaling:")
    assert all(on.values())
