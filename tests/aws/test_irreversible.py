"""Faults on instances that nothing undoes, and what the plan says of those that are left."""

from datetime import UTC, datetime

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Answer, Grade
from chaos_runner.errors import NoEffect, NoTarget, Refused
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.headroom import needed
from tests.aws.trying import prepared
from tests.crash.aws.ec2 import instances

WEB = {"asg": "shop-web", "tags": {"shop": "web"}, "count": 1}


def test_a_terminated_instance_is_replaced_by_its_group(at: Account) -> None:
    since, fault = datetime.now(UTC), shelf.fault("aws.instance_terminate")
    [act] = prepared("aws.instance_terminate", WEB)
    evidence = fault.apply(act)
    assert evidence.before == "running"
    assert "shutting-down" in evidence.after
    assert fault.verify(act).answer is Answer.GONE
    *launched, serving = fault.aftermath(act, since)
    assert "was launched at" in launched[0]
    assert serving == "Auto Scaling group shop-web has 3 of 3 instances in service"
    with pytest.raises(NoTarget, match="gone before it was hit"):
        fault.apply(act)


def test_an_instance_that_nothing_replaces_is_terminated_only_when_that_is_said(at: Account) -> None:
    with instances(at, 1) as (name, _):
        with pytest.raises(Refused, match="is in no Auto Scaling group: nothing would replace it"):
            prepared("aws.instance_terminate", {"tags": {"crash": name}})
        assert prepared("aws.instance_terminate", {"tags": {"crash": name}}, {"even-unmanaged": True})


def test_a_protected_instance_is_not_terminated(at: Account) -> None:
    with instances(at, 1) as (name, [thing]):
        at.ask("ec2", "modify_instance_attribute", InstanceId=thing, DisableApiTermination={"Value": True})
        with pytest.raises(Refused, match="protected from termination"):
            prepared("aws.instance_terminate", {"tags": {"crash": name}}, {"even-unmanaged": True})
        at.ask("ec2", "modify_instance_attribute", InstanceId=thing, DisableApiTermination={"Value": False})


def test_a_group_that_launches_nothing_replaces_nothing(at: Account) -> None:
    at.ask("autoscaling", "suspend_processes", AutoScalingGroupName="shop-web", ScalingProcesses=["Launch"])
    try:
        with pytest.raises(Refused, match="whose launches are suspended"):
            prepared("aws.instance_terminate", WEB)
    finally:
        at.ask("autoscaling", "resume_processes", AutoScalingGroupName="shop-web", ScalingProcesses=["Launch"])


def test_a_reboot_is_reported_and_not_proven(at: Account) -> None:
    fault = shelf.fault("aws.instance_reboot")
    with instances(at, 1) as (name, [thing]):
        [act] = prepared("aws.instance_reboot", {"tags": {"crash": name}})
        assert fault.apply(act).grade is Grade.REPORTED
        assert fault.verify(act).answer is Answer.RESTORED
        assert fault.aftermath(act, datetime.now(UTC)) == [
            f"instance {thing} is running; status checks: system ok, instance ok"]


def test_what_stands_still_is_not_rebooted(at: Account) -> None:
    with instances(at, 1) as (name, [thing]):
        at.ask("ec2", "stop_instances", InstanceIds=[thing])
        with pytest.raises(NoEffect, match="none of them runs"):
            prepared("aws.instance_reboot", {"tags": {"crash": name}})


def test_the_plan_says_whether_what_is_left_of_a_group_carries_the_load(at: Account) -> None:
    notes = shelf.fault("aws.instance_terminate").notes(prepared("aws.instance_terminate", WEB))
    assert ("Auto Scaling group shop-web: CPU 46% of late; with 1 of 3 gone the others need 69%, enough") in notes
    two = shelf.fault("aws.instance_terminate").notes(prepared("aws.instance_terminate", {**WEB, "count": 2}))
    assert ("Auto Scaling group shop-web: CPU 46% of late; with 2 of 3 gone the others need 138%, more than 80%: they "
            "may not carry it") in two


def test_instances_of_no_group_are_taken_for_the_group_that_they_were_chosen_from(at: Account) -> None:
    notes = shelf.fault("aws.instance_stop").notes(prepared("aws.instance_stop", {"tags": {"shop": "app"}, "count": 1}))
    assert "instance shop=app: CPU 38% of late; with 1 of 3 gone the others need 57%, enough" in notes


def test_without_a_metric_nobody_knows_and_with_nothing_left_it_is_said(at: Account) -> None:
    with instances(at, 2) as (name, _):
        fault, tags = shelf.fault("aws.instance_reboot"), {"tags": {"crash": name}}
        assert any("nobody knows whether it carries on with 1 of 2 gone" in line
                   for line in fault.notes(prepared("aws.instance_reboot", {**tags, "count": 1})))
        assert any("all 2 are hit" in line for line in fault.notes(prepared("aws.instance_reboot", tags)))


def test_the_same_work_on_fewer() -> None:
    assert needed(0.5, 4, 1) == pytest.approx(2 / 3)
