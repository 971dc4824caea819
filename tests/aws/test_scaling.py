"""Faults on Auto Scaling and load balancing: what was so before stays so, and what others do meanwhile is theirs."""

import re
from typing import Any

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Act, Answer, Grade
from chaos_runner.errors import ActFailed, NoEffect, NoTarget, Refused, UsageError
from chaos_runner.experiment.arguments import BadArguments
from chaos_runner.targets.aws.access import Account, pairs
from chaos_runner.targets.aws.autoscaling import read_group, suspended
from chaos_runner.targets.aws.elb import Registered, registered
from tests.aws.recorded import answering
from tests.aws.trying import prepared
from tests.crash.aws.scaling import group, listener, picture_of_listener, picture_of_targets, target_group

DENIED = """<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><EvaluationResults><member>
<EvalActionName>x</EvalActionName><EvalResourceName>*</EvalResourceName><EvalDecision>{}</EvalDecision>
</member></EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"""


def verified(act: Act, fault: str) -> Answer:
    """What looking back says after the undo."""
    shelf.own_fault(fault).undo(act)
    return shelf.own_fault(fault).verify(act).answer


# ── aws.asg_suspend ─────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_process_that_was_suspended_before_stays_so(at: Account) -> None:
    with group(at) as name:
        at.ask("autoscaling", "suspend_processes", AutoScalingGroupName=name, ScalingProcesses=["Launch"])
        [act] = prepared("aws.asg_suspend", {"ids": [name]}, {"processes": ["Launch", "Terminate"]})
        assert shelf.own_fault("aws.asg_suspend").apply(act).grade is Grade.PROVEN
        assert suspended(read_group(at, name)) == {"Launch", "Terminate"}
        assert verified(act, "aws.asg_suspend") is Answer.RESTORED
        assert suspended(read_group(at, name)) == {"Launch"}
        with pytest.raises(NoEffect, match="Launch suspended already"):
            prepared("aws.asg_suspend", {"ids": [name]})


def test_what_somebody_resumed_meanwhile_goes_on(at: Account) -> None:
    with group(at) as name:
        [act] = prepared("aws.asg_suspend", {"ids": [name]}, {"processes": ["Launch", "Terminate"]})
        shelf.own_fault("aws.asg_suspend").apply(act)
        at.ask("autoscaling", "resume_processes", AutoScalingGroupName=name, ScalingProcesses=["Launch"])
        assert verified(act, "aws.asg_suspend") is Answer.RESTORED
        assert suspended(read_group(at, name)) == set()


def test_a_group_that_is_gone_needs_no_undo(at: Account) -> None:
    with group(at) as name:
        [act, late] = [*prepared("aws.asg_suspend", {"ids": [name]}), *prepared("aws.asg_suspend", {"ids": [name]})]
        shelf.own_fault("aws.asg_suspend").apply(act)
        at.ask("autoscaling", "delete_auto_scaling_group", AutoScalingGroupName=name, ForceDelete=True)
        assert verified(act, "aws.asg_suspend") is Answer.GONE
        with pytest.raises(NoTarget):
            shelf.own_fault("aws.asg_suspend").apply(late)
        at.ask("autoscaling", "create_auto_scaling_group", AutoScalingGroupName=name, MinSize=0, MaxSize=0,
               LaunchTemplate={"LaunchTemplateName": name}, AvailabilityZones=[f"{at.region}a"])


def test_two_faults_do_not_meet_on_one_group(at: Account) -> None:
    with group(at) as name:
        [act] = prepared("aws.asg_suspend", {"ids": [name]})
        shelf.own_fault("aws.asg_suspend").apply(act)
        with pytest.raises(Refused, match="already bears a mark"):
            prepared("aws.asg_capacity", {"ids": [name]}, {"desired": 1})
        assert verified(act, "aws.asg_suspend") is Answer.RESTORED


def test_our_tags_are_not_handed_on_to_instances(at: Account) -> None:
    with group(at) as name:
        [act] = prepared("aws.asg_suspend", {"ids": [name]}, {"processes": ["AZRebalance"]})
        shelf.own_fault("aws.asg_suspend").apply(act)
        assert not any(tag["PropagateAtLaunch"] for tag in read_group(at, name)["Tags"])
        assert verified(act, "aws.asg_suspend") is Answer.RESTORED


def test_a_group_with_as_many_tags_as_it_may_have_is_refused(at: Account) -> None:
    tags = [{"Key": f"key-{number}", "Value": "x", "PropagateAtLaunch": False} for number in range(49)]
    with group(at, Tags=tags) as name, pytest.raises(Refused, match="49 tags of at most 50"):
        prepared("aws.asg_suspend", {"ids": [name]})


def test_where_the_undo_would_not_be_allowed_nothing_is_done(at: Account) -> None:
    decisions = iter(["allowed", "allowed", "allowed"])
    with group(at) as name, answering({"SimulatePrincipalPolicy": lambda: DENIED.format(
            next(decisions, "implicitDeny"))}, "IAM"), pytest.raises(Refused, match=r"could not be undone.*Resume"):
        prepared("aws.asg_suspend", {"ids": [name]})


def test_groups_are_found_by_tag_and_zone(at: Account) -> None:
    assert [act.label for act in prepared("aws.asg_suspend", {"tags": {"shop": "web"}, "az": f"{at.region}a"})] == [
        "Auto Scaling group shop-web"]
    with pytest.raises(NoTarget):
        prepared("aws.asg_suspend", {"tags": {"shop": "web"}, "az": "eu-central-1z"})
    with pytest.raises(NoTarget, match="did you mean 'shop-web'"):
        prepared("aws.asg_suspend", {"ids": ["shop-wab"]})
    with pytest.raises(BadArguments):
        prepared("aws.asg_suspend", {"ids": ["shop-web"]}, {"processes": ["Lunch"]})
    with pytest.raises(UsageError, match="names none"):
        prepared("aws.asg_suspend", {"ids": ["shop-web"]}, {"processes": []})


# ── aws.asg_capacity ────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_size_that_somebody_else_chose_meanwhile_is_left(at: Account) -> None:
    with group(at) as name:
        [act] = prepared("aws.asg_capacity", {"ids": [name]}, {"desired": 0})
        assert act.do["values"] == {"desired": 0, "min": 0}
        shelf.own_fault("aws.asg_capacity").apply(act)
        at.ask("autoscaling", "set_desired_capacity", AutoScalingGroupName=name, DesiredCapacity=3)
        assert verified(act, "aws.asg_capacity") is Answer.DRIFT
        assert (read_group(at, name)["DesiredCapacity"], read_group(at, name)["MinSize"]) == (3, 1)


def test_lifecycle_hooks_and_policies_are_noted_beforehand(at: Account) -> None:
    with group(at) as name:
        at.ask("autoscaling", "put_lifecycle_hook", AutoScalingGroupName=name, LifecycleHookName="say-goodbye",
               LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING", HeartbeatTimeout=90)
        at.ask("autoscaling", "put_scaling_policy", AutoScalingGroupName=name, PolicyName="by-cpu",
               AdjustmentType="ChangeInCapacity", ScalingAdjustment=1)
        acts = prepared("aws.asg_capacity", {"ids": [name]}, {"desired": 1})
        said = "\n".join(shelf.own_fault("aws.asg_capacity").notes(acts))
    assert "before its instances end they wait for the lifecycle hook say-goodbye, at most 90 s" in said
    assert "terminates 1 of its instances" in said
    assert "also scaled by by-cpu" in said


@pytest.mark.parametrize(("desired", "error"), [(7, Refused), (-1, UsageError), (3, NoEffect)])
def test_a_size_that_cannot_be_or_is_already_is_told(at: Account, desired: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        prepared("aws.asg_capacity", {"ids": ["shop-web"]}, {"desired": desired})


# ── aws.elb_deregister ──────────────────────────────────────────────────────────────────────────────────────────────

def test_some_targets_of_a_group_are_taken_out(at: Account) -> None:
    with target_group(at, 4) as (arn, _ids):
        before = picture_of_targets(at, arn)
        [act] = prepared("aws.elb_deregister", {"arns": [arn], "percent": "50%"})
        shelf.own_fault("aws.elb_deregister").apply(act)
        assert len(registered(at, arn)) == 2
        assert verified(act, "aws.elb_deregister") is Answer.RESTORED
        assert picture_of_targets(at, arn) == before


def test_targets_are_taken_out_by_their_zone(at: Account) -> None:
    acts = prepared("aws.elb_deregister", {"ids": ["shop-app"], "az": f"{at.region}a"})
    assert [len(act.do["values"]) for act in acts] == [1]
    everywhere = prepared("aws.elb_deregister", {"az": f"{at.region}a"})
    assert len(everywhere) > 1
    with pytest.raises(NoTarget, match="no target is registered"):
        prepared("aws.elb_deregister", {"ids": ["shop-app"], "az": "eu-central-1z"})


def test_an_instance_that_ended_meanwhile_is_not_registered_again(at: Account) -> None:
    with target_group(at, 2) as (arn, ids):
        [act] = prepared("aws.elb_deregister", {"arns": [arn]})
        shelf.own_fault("aws.elb_deregister").apply(act)
        at.ask("ec2", "terminate_instances", InstanceIds=ids[:1])
        assert verified(act, "aws.elb_deregister") is Answer.DRIFT
        assert [one.id for one in registered(at, arn)] == ids[1:]
        assert "chaos-runner" not in str(picture_of_targets(at, arn))


def test_an_instance_that_is_stopped_meanwhile_cannot_be_registered_and_is_when_it_runs(at: Account) -> None:
    fault = shelf.own_fault("aws.elb_deregister")
    with target_group(at, 1) as (arn, ids):
        [act] = prepared("aws.elb_deregister", {"arns": [arn]})
        fault.apply(act)
        at.ask("ec2", "stop_instances", InstanceIds=ids)
        with pytest.raises(ActFailed):
            fault.undo(act)
        assert fault.verify(act).answer is Answer.NOT_RESTORED
        at.ask("ec2", "start_instances", InstanceIds=ids)
        at.ask("ec2", "describe_instances", InstanceIds=ids)
        assert verified(act, "aws.elb_deregister") is Answer.RESTORED


def test_a_target_that_somebody_registered_again_stays(at: Account) -> None:
    with target_group(at, 2) as (arn, ids):
        [act] = prepared("aws.elb_deregister", {"arns": [arn]})
        shelf.own_fault("aws.elb_deregister").apply(act)
        at.ask("elbv2", "register_targets", TargetGroupArn=arn, Targets=[{"Id": ids[0]}])
        assert verified(act, "aws.elb_deregister") is Answer.RESTORED
        assert {one.id for one in registered(at, arn)} == set(ids)


def test_who_would_replace_what_is_deregistered_is_noted(at: Account) -> None:
    acts = prepared("aws.elb_deregister", {"ids": ["shop-web"]})
    said = "\n".join(shelf.own_fault("aws.elb_deregister").notes(acts))
    assert re.search(r"(\d) of \1 targets are deregistered: nobody is served by it", said)
    assert "shop-web asks the load balancer how its instances are" in said


def test_addresses_that_drain_for_long_are_refused(at: Account) -> None:
    vpc = at.ask("ec2", "describe_vpcs")["Vpcs"][0]["VpcId"]
    arn = at.ask("elbv2", "create_target_group", Name="addresses", Protocol="HTTP", Port=80, VpcId=vpc,
                 TargetType="ip")["TargetGroups"][0]["TargetGroupArn"]
    at.ask("elbv2", "register_targets", TargetGroupArn=arn, Targets=[{"Id": "10.0.0.7", "Port": 8080}])
    at.ask("elbv2", "modify_target_group_attributes", TargetGroupArn=arn, Attributes=[
        {"Key": "deregistration_delay.timeout_seconds", "Value": "900"}])
    with pytest.raises(Refused, match="delay of 900 s"):
        prepared("aws.elb_deregister", {"arns": [arn]})
    at.ask("elbv2", "delete_target_group", TargetGroupArn=arn)


@pytest.mark.parametrize("target", [
    Registered("i-0123456789abcdef0", 8080), Registered("10.0.0.7", 80, "all"), Registered("2001:db8::7", 80, "eu-1a"),
    Registered("arn:aws:lambda:eu-central-1:123456789012:function:shop", None)])
def test_a_target_can_be_written_and_read(target: Registered) -> None:
    assert Registered.parsed(str(target)) == target


# ── aws.elb_fixed_response ──────────────────────────────────────────────────────────────────────────────────────────

def test_a_rule_of_ours_goes_before_all_others_in_their_order(at: Account) -> None:
    with listener(at, (1, 2, 5)) as arn:
        before = picture_of_listener(at, arn)
        [act] = prepared("aws.elb_fixed_response", {"arns": [arn]}, {"paths": ["/checkout/*"], "hosts": ["shop.test"]})
        shelf.own_fault("aws.elb_fixed_response").apply(act)
        there = sorted(_rules(at, arn), key=lambda one: int(one["Priority"]))
        assert [one["Priority"] for one in there] == ["1", "2", "3", "5"]
        assert there[0]["Actions"][0]["FixedResponseConfig"]["StatusCode"] == "503"
        assert {one["Field"] for one in there[0]["Conditions"]} == {"host-header", "path-pattern"}
        assert [one["Conditions"][0]["Values"] for one in there[1:]] == [["/1"], ["/2"], ["/5"]]
        assert verified(act, "aws.elb_fixed_response") is Answer.RESTORED
        assert picture_of_listener(at, arn) == before


def test_our_rule_that_somebody_deleted_is_told_and_the_others_get_their_places_back(at: Account) -> None:
    with listener(at, (1, 5)) as arn:
        [act] = prepared("aws.elb_fixed_response", {"arns": [arn]})
        shelf.own_fault("aws.elb_fixed_response").apply(act)
        [ours] = [one for one in _rules(at, arn) if one["Priority"] == "1"]
        at.ask("elbv2", "delete_rule", RuleArn=ours["RuleArn"])
        assert verified(act, "aws.elb_fixed_response") is Answer.RESTORED
        assert sorted(one["Priority"] for one in _rules(at, arn)) == ["1", "5"]


def test_a_rule_that_somebody_deleted_meanwhile_is_told(at: Account) -> None:
    with listener(at, (1, 5)) as arn:
        [act] = prepared("aws.elb_fixed_response", {"arns": [arn]})
        shelf.own_fault("aws.elb_fixed_response").apply(act)
        [moved] = [one for one in _rules(at, arn) if one["Priority"] == "2"]
        at.ask("elbv2", "delete_rule", RuleArn=moved["RuleArn"])
        assert verified(act, "aws.elb_fixed_response") is Answer.DRIFT
        assert [one["Priority"] for one in _rules(at, arn)] == ["5"]


def test_a_rule_that_is_marked_is_found_with_its_listener(at: Account) -> None:
    with listener(at) as arn:
        assert prepared("aws.elb_fixed_response", {"load-balancer": _balancer(arn)})[0].target["thing"] == arn
        assert prepared("aws.elb_fixed_response", {"ids": [f"{_balancer(arn)}:80"]})[0].target["thing"] == arn


@pytest.mark.parametrize("arguments", [{"status": 200}, {"paths": ["/"] * 6}, {"body": "x" * 300}])
def test_an_answer_that_cannot_be_given_is_refused(at: Account, arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        prepared("aws.elb_fixed_response", {"ids": ["shop-web:80"]}, arguments)


def test_a_listener_of_another_kind_is_refused(at: Account) -> None:
    subnet = at.ask("ec2", "describe_subnets")["Subnets"][0]["SubnetId"]
    balancer = at.ask("elbv2", "create_load_balancer", Name="by-packets", Type="network",
                      Subnets=[subnet])["LoadBalancers"][0]["LoadBalancerArn"]
    with target_group(at, 1) as (arn, _ids):
        at.ask("elbv2", "create_listener", LoadBalancerArn=balancer, Protocol="TCP", Port=443, Tags=pairs({"a": "b"}),
               DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}])
        with pytest.raises(Refused, match="speaks TCP"):
            prepared("aws.elb_fixed_response", {"load-balancer": "by-packets"})
        at.ask("elbv2", "delete_load_balancer", LoadBalancerArn=balancer)


def _rules(at: Account, arn: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = at.ask("elbv2", "describe_rules", ListenerArn=arn)["Rules"]
    return [one for one in found if not one["IsDefault"]]


def _balancer(arn: str) -> str:
    return arn.split("/")[2]
