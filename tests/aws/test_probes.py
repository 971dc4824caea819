"""What the probes of AWS read in a lab, and where nobody answers."""

from typing import Any

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import BadQuestion, NoData, Reading, Unreachable
from chaos_runner.experiment.arguments import convert
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.autoscaling import read_group
from tests.aws.recorded import answering, elsewhere, nobody
from tests.crash.aws.ec2 import instances
from tests.crash.aws.scaling import group, target_group

EVERY = {"aws.instance_state": {"ids": ["i-0123456789abcdef0"]}, "aws.target_health": {"target-group": "shop-web"},
         "aws.asg_capacity": {"asg": "shop-web"}}


def read(name: str, **arguments: Any) -> Reading:
    """What the probe says of these arguments, as a file would give them."""
    probe = shelf.own_probe(name)
    return probe.read(convert(probe.arguments, {key.replace("_", "-"): value for key, value in arguments.items()}))


def test_the_state_of_instances_is_the_word_that_all_share(at: Account) -> None:
    with instances(at, 2) as (name, ids):
        assert read("aws.instance_state", tags={"crash": name}).value == "running"
        at.ask("ec2", "stop_instances", InstanceIds=ids[:1])
        mixed = read("aws.instance_state", tags={"crash": name})
        assert (mixed.value, ids[0] in mixed.note or ids[1] in mixed.note) == ("mixed", True)
        at.ask("ec2", "stop_instances", InstanceIds=ids)
        read("aws.instance_state", ids=ids)  # the lab's instances are stopped at the second look
        assert read("aws.instance_state", ids=ids).value == "stopped"


def test_terminated_instances_do_not_hide_behind_the_others(at: Account) -> None:
    with instances(at, 2) as (name, ids):
        at.ask("ec2", "terminate_instances", InstanceIds=ids[:1])
        assert read("aws.instance_state", tags={"crash": name}).value == "running"
        with pytest.raises(Unreachable, match="1 of 2"):
            read("aws.instance_state", tags={"crash": name}, of=2)
        assert read("aws.instance_state", ids=ids).value == "mixed"


def test_instances_that_are_not_there_are_a_bad_sample(at: Account) -> None:
    with pytest.raises(Unreachable, match="no such instance"):
        read("aws.instance_state", tags={"crash": "nothing has this"})
    with pytest.raises(Unreachable, match="0 of 1"):
        read("aws.instance_state", ids=["i-0123456789abcdef0"])


def test_the_share_of_healthy_targets_knows_of_those_that_were_deregistered_if_told(at: Account) -> None:
    with target_group(at, 2) as (arn, ids):
        assert read("aws.target_health", target_group=arn) == Reading(value=1.0)
        at.ask("ec2", "stop_instances", InstanceIds=ids[:1])
        at.ask("ec2", "describe_instances", InstanceIds=ids)
        half = read("aws.target_health", target_group=arn)
        assert (half.value, "Target.InvalidState" in half.note) == (0.5, True)
        at.ask("elbv2", "deregister_targets", TargetGroupArn=arn, Targets=[{"Id": ids[0]}])
        assert read("aws.target_health", target_group=arn).value == 1.0
        assert read("aws.target_health", target_group=arn, of=2).value == 0.5
        at.ask("elbv2", "deregister_targets", TargetGroupArn=arn, Targets=[{"Id": ids[1]}])
        assert read("aws.target_health", target_group=arn).value == 0.0


def test_a_target_group_may_be_named(at: Account) -> None:
    assert read("aws.target_health", target_group="shop-app").value == 1.0
    with pytest.raises(Unreachable, match="TargetGroupNotFound"):
        read("aws.target_health", target_group="shop-none")


def test_capacity_is_the_share_of_what_is_desired(at: Account) -> None:
    with group(at) as name:
        assert read("aws.asg_capacity", asg=name) == Reading(value=1.0)
        assert read("aws.asg_capacity", asg=name, of=4).value == 0.5
        first = read_group(at, name)["Instances"][0]["InstanceId"]
        at.ask("autoscaling", "enter_standby", AutoScalingGroupName=name, ShouldDecrementDesiredCapacity=True,
               InstanceIds=[first])
        half = read("aws.asg_capacity", asg=name, of=2)
        assert (half.value, "Standby" in half.note) == (0.5, True)
        with pytest.raises(Unreachable, match="no Auto Scaling group"):
            read("aws.asg_capacity", asg="none")


@pytest.mark.parametrize("name", EVERY)
def test_who_does_not_answer_gives_a_missing_sample(name: str) -> None:
    with elsewhere(nobody()), pytest.raises(NoData, match="does not answer"):
        read(name, **EVERY[name])


@pytest.mark.parametrize("name", EVERY)
def test_who_is_out_of_order_gives_a_missing_sample(name: str) -> None:
    with answering({}), pytest.raises(NoData):
        read(name, **EVERY[name])


@pytest.mark.parametrize(("name", "arguments"), [
    ("aws.instance_state", {}),
    ("aws.instance_state", {"ids": ["i-1"], "region": "nowhere"}),
    ("aws.instance_state", {"ids": ["i-1"], "profile": "nobody-has-this"}),
    ("aws.target_health", {"target-group": "x", "of": 0}),
    ("aws.asg_capacity", {"asg": "x", "of": -1}),
])
def test_what_can_never_be_answered_is_the_authors_mistake(at: Account, name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(BadQuestion):
        read(name, **arguments)
