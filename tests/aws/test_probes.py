"""What the probes of AWS read in a lab, and where nobody answers."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import BadQuestion, NoData, Reading, Unreachable
from chaos_runner.experiment.arguments import convert
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.autoscaling import read_group
from tests.aws.recorded import answering, elsewhere, nobody
from tests.cli.runner import journal, running, wait_for
from tests.crash.aws.ec2 import instances
from tests.crash.aws.scaling import group, target_group
from tests.run.samples import experiment, single

EVERY: dict[str, dict[str, Any]] = {
    "aws.instance_state": {"ids": ["i-0123456789abcdef0"]}, "aws.target_health": {"target_group": "shop-web"},
    "aws.asg_capacity": {"asg": "shop-web"}, "aws.rds_writer": {"cluster": "shop"},
    "aws.alarm": {"alarm": "shop-errors"}, "aws.metric": {"namespace": "shop", "metric": "errors"},
    "aws.logs": {"log_group": "shop"}}


def read(name: str, **arguments: Any) -> Reading:
    """What the probe says of these arguments, as a file would give them."""
    probe = shelf.own_probe(name)
    return probe.read(convert(probe.arguments, {key.replace("_", "-"): value for key, value in arguments.items()}))


@contextmanager
def cluster(at: Account, members: int = 2) -> Iterator[str]:
    """A database cluster of its own: its name."""
    name = f"test-{uuid4().hex[:8]}"
    at.ask("rds", "create_db_cluster", DBClusterIdentifier=name, Engine="aurora-mysql", MasterUsername="shop",
           MasterUserPassword="not-a-secret")
    ids = [f"{name}-{number}" for number in range(1, members + 1)]
    for one in ids:
        at.ask("rds", "create_db_instance", DBInstanceIdentifier=one, DBClusterIdentifier=name, Engine="aurora-mysql",
               DBInstanceClass="db.r6g.large")
    yield name
    for one in ids:
        at.ask("rds", "delete_db_instance", DBInstanceIdentifier=one, SkipFinalSnapshot=True)
    at.ask("rds", "delete_db_cluster", DBClusterIdentifier=name, SkipFinalSnapshot=True)


def measured(at: Account, **metrics: list[tuple[float, str, int]]) -> str:
    """A namespace of its own with these numbers: each with its unit, in the minute so many minutes ago."""
    space, minute_s = f"test/{uuid4().hex[:8]}", time.time() // 60 * 60
    data = [{"MetricName": name, "Value": value, "Unit": unit, "Timestamp": minute_s - minutes * 60}
            for name, points in metrics.items() for value, unit, minutes in points]
    at.ask("cloudwatch", "put_metric_data", Namespace=space, MetricData=data)
    return space


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


def test_the_writer_of_a_cluster_is_an_instance(at: Account) -> None:
    with cluster(at) as name:
        assert read("aws.rds_writer", cluster=name).value == f"{name}-1"
        assert read("aws.rds_writer", cluster=name, other_than=f"{name}-1").value is False
        at.ask("rds", "failover_db_cluster", DBClusterIdentifier=name, TargetDBInstanceIdentifier=f"{name}-2")
        assert read("aws.rds_writer", cluster=name, other_than=f"{name}-1").value is True
    with pytest.raises(Unreachable, match="NotFound"):
        read("aws.rds_writer", cluster=name)


def test_a_cluster_without_members_has_no_writer(at: Account) -> None:
    with cluster(at, members=0) as name, pytest.raises(Unreachable, match="no writer"):
        read("aws.rds_writer", cluster=name)


def make_alarm(at: Account, name: str) -> None:
    at.ask("cloudwatch", "put_metric_alarm", AlarmName=name, Namespace="shop", MetricName="errors", Threshold=1.0,
           ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1, Period=60, Statistic="Sum")


def test_an_alarm_that_goes_off_stops_the_run_and_everything_is_put_back(at: Account, tmp_path: Path) -> None:
    alarm = f"alarm-{uuid4().hex[:8]}"
    make_alarm(at, alarm)
    at.ask("cloudwatch", "set_alarm_state", AlarmName=alarm, StateValue="OK", StateReason="quiet")
    with group(at) as name:
        suspend = {"name": "nothing is replaced", "fault": "aws.asg_suspend", "target": {"ids": [name]},
                   "arguments": {"processes": ["ReplaceUnhealthy"]}, "duration": "60s"}
        rule = {"name": "the alarm", "probe": "aws.alarm", "arguments": {"alarm": alarm}, "equals": "ALARM",
                "every": "300ms"}
        with running({**experiment(suspend, probes=[single()]), "stop-when": [rule]}, tmp_path) as process:
            wait_for(tmp_path, "Applied", within_s=40)
            at.ask("cloudwatch", "set_alarm_state", AlarmName=alarm, StateValue="ALARM", StateReason="errors")
            assert process.wait(40) == 4
        assert read_group(at, name)["SuspendedProcesses"] == []
    ended = journal(tmp_path)[-1]
    assert (ended["verdict"], ended["restored"]) == ("aborted", "restored")


def test_an_alarm_says_its_word(at: Account) -> None:
    name = f"alarm-{uuid4().hex[:8]}"
    with pytest.raises(NoData, match="no alarm"):
        read("aws.alarm", alarm=name)
    make_alarm(at, name)
    for word in ("OK", "ALARM", "INSUFFICIENT_DATA"):
        at.ask("cloudwatch", "set_alarm_state", AlarmName=name, StateValue=word, StateReason="because")
        assert read("aws.alarm", alarm=name) == Reading(value=word, note="" if word == "OK" else "because")


def test_a_metric_is_the_newest_datapoint_in_its_unit(at: Account) -> None:
    space = measured(at, latency=[(200, "Milliseconds", 3), (100, "Milliseconds", 2), (7, "Count", 2)])
    assert read("aws.metric", namespace=space, metric="latency", unit="Milliseconds").value == 0.1
    assert read("aws.metric", namespace=space, metric="latency", statistic="Sum").value == 107


def test_a_ratio_is_made_of_numbers_of_one_moment(at: Account) -> None:
    space = measured(at, bad=[(9, "Count", 3)], worse=[(5, "Count", 2)], all=[(10, "Count", 3), (20, "Count", 2)])
    asked = {"namespace": space, "denominator": "all"}
    assert read("aws.metric", **asked, numerator="worse").value == 0.25
    assert read("aws.metric", **asked, numerator="bad", default=0).value == 0.0
    assert read("aws.metric", **asked, numerator=["bad", "worse"], default=0).value == 0.25
    with pytest.raises(NoData, match="`default: 0`"):
        read("aws.metric", **asked, numerator="bad")
    with pytest.raises(NoData, match="nothing has no datapoint"):
        read("aws.metric", namespace=space, numerator="bad", denominator="nothing", default=0)


def test_a_ratio_never_divides_by_nothing(at: Account) -> None:
    space = measured(at, bad=[(0, "Count", 2)], all=[(0, "Count", 2)])
    with pytest.raises(NoData, match="is 0"):
        read("aws.metric", namespace=space, numerator="bad", denominator="all")


def test_a_metric_that_ended_or_never_was_is_no_data(at: Account) -> None:
    space = measured(at, errors=[(1, "Count", 10)])
    with pytest.raises(NoData, match="new enough"):
        read("aws.metric", namespace=space, metric="errors")
    with pytest.raises(NoData, match="new enough"):
        read("aws.metric", namespace=space, metric="none")
    assert read("aws.metric", namespace=space, metric="errors", stale_after="12m").value == 1


def test_a_minute_that_is_not_over_does_not_count(at: Account) -> None:
    space = measured(at, errors=[(1, "Count", 2), (100, "Count", -1)])
    assert read("aws.metric", namespace=space, metric="errors").value == 1


def test_lines_are_counted_that_match_and_are_new(at: Account) -> None:
    name = f"/test/{uuid4().hex[:8]}"
    with pytest.raises(NoData, match="ResourceNotFound"):
        read("aws.logs", log_group=name)
    at.ask("logs", "create_log_group", logGroupName=name)
    at.ask("logs", "create_log_stream", logGroupName=name, logStreamName="one")
    assert read("aws.logs", log_group=name) == Reading(value=0)
    now_ms = round(time.time() * 1000)
    at.ask("logs", "put_log_events", logGroupName=name, logStreamName="one", logEvents=[
        {"timestamp": now_ms - ago_s * 1000, "message": text}
        for ago_s, text in ((120, "ERROR of before"), (20, "ERROR one"), (15, "all is well"), (10, "ERROR two"))])
    assert read("aws.logs", log_group=name, pattern="ERROR").value == 2
    assert read("aws.logs", log_group=name, pattern="ERROR", within="5m").value == 3


def test_logs_are_read_to_their_last_page_empty_ones_included() -> None:
    pages = iter([{"events": [{}], "nextToken": "a"}, {"events": [], "nextToken": "b"}, {"events": [{}, {}]}])
    with answering({"FilterLogEvents": lambda: next(pages)}) as asked:
        assert read("aws.logs", log_group="shop").value == 3
    assert asked == ["FilterLogEvents"] * 3


def test_a_pattern_that_is_none_is_the_authors_mistake() -> None:
    said = {"__type": "InvalidParameterException", "message": "Invalid filter pattern"}
    with answering({"FilterLogEvents": (400, said)}), pytest.raises(BadQuestion, match="Invalid filter pattern"):
        read("aws.logs", log_group="shop", pattern="{")


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
    ("aws.metric", {"namespace": "x"}),
    ("aws.metric", {"namespace": "x", "metric": "y", "denominator": "z"}),
    ("aws.metric", {"namespace": "x", "metric": "y", "default": 0}),
    ("aws.metric", {"namespace": "x", "metric": "y", "period": "7s"}),
    ("aws.metric", {"namespace": "x", "numerator": "y", "denominator": "z", "unit": "Percent"}),
])
def test_what_can_never_be_answered_is_the_authors_mistake(at: Account, name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(BadQuestion):
        read(name, **arguments)
