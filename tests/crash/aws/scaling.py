"""Scenes in Auto Scaling and Elastic Load Balancing."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from chaos_runner.lab.aws.world.compute import IMAGE
from chaos_runner.targets.aws.access import Account, account, pairs
from tests.crash.aws.ec2 import instances
from tests.crash.aws.picturing import normalised
from tests.crash.scenes import Scene

PATIENCE_S = 30.0


@contextmanager
def group(at: Account, **more: Any) -> Iterator[str]:
    """An Auto Scaling group of its own, with two instances."""
    name = f"crash-{uuid4().hex[:8]}"
    subnet = at.ask("ec2", "describe_subnets")["Subnets"][0]["SubnetId"]
    at.ask("ec2", "create_launch_template", LaunchTemplateName=name,
           LaunchTemplateData={"ImageId": IMAGE, "InstanceType": "t3.micro"})
    at.ask("autoscaling", "create_auto_scaling_group", **{
        "AutoScalingGroupName": name, "MinSize": 1, "MaxSize": 4, "DesiredCapacity": 2, "VPCZoneIdentifier": subnet,
        "LaunchTemplate": {"LaunchTemplateName": name, "Version": "$Latest"}, **more})
    try:
        yield name
    finally:
        at.ask("autoscaling", "delete_auto_scaling_group", AutoScalingGroupName=name, ForceDelete=True)


@contextmanager
def target_group(at: Account, count: int) -> Iterator[tuple[str, list[str]]]:
    """A target group of its own with instances of their own: its ARN, and their ids."""
    vpc = at.ask("ec2", "describe_vpcs")["Vpcs"][0]["VpcId"]
    made = at.ask("elbv2", "create_target_group", Name=f"crash-{uuid4().hex[:8]}", Protocol="HTTP", Port=80, VpcId=vpc,
                  TargetType="instance", Tags=pairs({"crash": "yes"}))
    arn = str(made["TargetGroups"][0]["TargetGroupArn"])
    try:
        with instances(at, count) as (_, ids):
            at.ask("elbv2", "register_targets", TargetGroupArn=arn, Targets=[{"Id": one} for one in ids])
            yield arn, ids
    finally:
        at.ask("elbv2", "delete_target_group", TargetGroupArn=arn)


def picture_of_group(at: Account, name: str) -> Any:
    """A group as AWS describes it, with its processes in order."""
    [seen] = at.ask("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[name])["AutoScalingGroups"]
    seen["SuspendedProcesses"].sort(key=lambda one: str(one["ProcessName"]))
    return normalised(seen)


def picture_of_targets(at: Account, arn: str) -> Any:
    """A target group as AWS describes it, with its tags, and its targets in order: registering anew changes that."""
    health = at.ask("elbv2", "describe_target_health", TargetGroupArn=arn)["TargetHealthDescriptions"]
    return normalised([at.ask("elbv2", "describe_target_groups", TargetGroupArns=[arn]),
                       at.ask("elbv2", "describe_tags", ResourceArns=[arn]),
                       sorted(health, key=lambda one: str(one["Target"]["Id"]))])


@contextmanager
def _suspended(_: Path) -> Iterator[Scene]:
    """One of the processes is suspended already, and stays so."""
    at = account()
    with group(at) as name:
        at.ask("autoscaling", "suspend_processes", AutoScalingGroupName=name, ScalingProcesses=["AZRebalance"])
        step = {"target": {"ids": [name]}, "arguments": {"processes": ["Launch", "AZRebalance", "Terminate"]}}
        yield Scene(step, lambda: picture_of_group(at, name), (), PATIENCE_S)


@contextmanager
def _deregistered(_: Path) -> Iterator[Scene]:
    at = account()
    with target_group(at, 3) as (arn, _ids):
        yield Scene({"target": {"arns": [arn], "count": 2}}, lambda: picture_of_targets(at, arn), (), PATIENCE_S)


@contextmanager
def _scaled(_: Path) -> Iterator[Scene]:
    """The instances that come back are others: what is the same is how many there are."""
    at = account()
    with group(at) as name:
        def picture() -> Any:
            seen = picture_of_group(at, name)
            return {**seen, "Instances": [{**one, "InstanceId": ""} for one in seen["Instances"]]}

        yield Scene({"target": {"ids": [name]}, "arguments": {"desired": 0}}, picture, (), PATIENCE_S)


@contextmanager
def listener(at: Account, priorities: tuple[int, ...] = (1, 2, 5)) -> Iterator[str]:
    """A listener of its own with rules in these places: its ARN."""
    subnets = [one["SubnetId"] for one in at.ask("ec2", "describe_subnets")["Subnets"][:2]]
    name = f"crash-{uuid4().hex[:8]}"
    balancer = at.ask("elbv2", "create_load_balancer", Name=name, Subnets=subnets)["LoadBalancers"][0]
    arn = str(at.ask("elbv2", "create_listener", LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80,
                     DefaultActions=[_answer("404")], Tags=pairs({"crash": name}))["Listeners"][0]["ListenerArn"])
    for place in priorities:
        at.ask("elbv2", "create_rule", ListenerArn=arn, Priority=place, Actions=[_answer("200")],
               Conditions=[{"Field": "path-pattern", "Values": [f"/{place}"]}])
    try:
        yield arn
    finally:
        at.ask("elbv2", "delete_load_balancer", LoadBalancerArn=balancer["LoadBalancerArn"])


def _answer(status: str) -> dict[str, Any]:
    return {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": status, "ContentType": "text/plain"}}


def picture_of_listener(at: Account, arn: str) -> Any:
    """A listener as AWS describes it, with its rules and all their tags."""
    rules = at.ask("elbv2", "describe_rules", ListenerArn=arn)["Rules"]
    arns = [arn, *(one["RuleArn"] for one in rules)]
    return normalised([at.ask("elbv2", "describe_listeners", ListenerArns=[arn]), rules,
                       at.ask("elbv2", "describe_tags", ResourceArns=arns)])


@contextmanager
def _answered(_: Path) -> Iterator[Scene]:
    at = account()
    with listener(at) as arn:
        yield Scene({"target": {"arns": [arn]}, "arguments": {"body": "closed"}}, lambda: picture_of_listener(at, arn),
                    (), PATIENCE_S)


SCENES: dict[str, Callable[[Path], AbstractContextManager[Scene]]] = {
    "aws.asg_capacity": _scaled,
    "aws.asg_suspend": _suspended,
    "aws.elb_deregister": _deregistered,
    "aws.elb_fixed_response": _answered,
}
