"""How things on AWS fare.

AWS itself measures: while its API does not answer, refuses or throttles, samples are missing. A thing that it says is
not there, is a bad sample.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from msgspec import field

from chaos_runner.contracts import BadQuestion, NoData, Reading, Unreachable, probe
from chaos_runner.probes._aws import asking, some
from chaos_runner.probes._aws_logs import LogsArguments, lines
from chaos_runner.probes._aws_metric import MetricArguments, reading
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.autoscaling import in_service, read_group
from chaos_runner.targets.aws.choosing import Placed, filters
from chaos_runner.targets.aws.ec2 import OVER
from chaos_runner.targets.aws.elb import ELB, health
from chaos_runner.units import Unit

_STATES: Final = ("pending", "running", "shutting-down", "terminated", "stopping", "stopped", "mixed")
_ALARM_STATES: Final = ("OK", "ALARM", "INSUFFICIENT_DATA")
_SAID_MOST: Final = 300


# ── machines ────────────────────────────────────────────────────────────────────────────────────────────────────────

class InstanceStateArguments(Placed, frozen=True, kw_only=True):
    """Which instances: by their ids, their tags, their zone, their Auto Scaling group, EC2's own `filters`
    ({vpc-id: [vpc-1]}); every key that is given must hold. `of: 3` says how many there are to be.
    """

    looks: ClassVar[tuple[str, ...]] = ("ec2:DescribeInstances",)
    ids: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    filters: dict[str, list[str]] = field(default_factory=dict)
    az: str = ""
    asg: str = ""
    of: int | None = None


@probe(InstanceStateArguments, Unit.COUNT, _STATES,
       example={"arguments": {"tags": {"tier": "web"}}, "equals": "running", "every": "5s"})
def instance_state(arguments: InstanceStateArguments) -> Reading:
    """The state that EC2 instances are in, a word: `equals: running`. If they differ it is "mixed".

    The words are EC2's: pending, running, stopping, stopped, shutting-down, terminated. Terminated instances count only
    where they are named by `ids`: EC2 forgets them within the hour. So that the others do not speak for those that are
    gone, say with `of` how many there are to be; fewer, or none at all, are a bad sample.
    """
    if not (arguments.ids or arguments.tags or arguments.filters or arguments.az or arguments.asg):
        raise BadQuestion("which instances? `ids`, `tags`, `asg`, `az` or `filters` says it")
    with asking(arguments) as at:
        states = _states(at, arguments)
    wanted = arguments.of or len(arguments.ids)
    if not states or len(states) < wanted:
        raise Unreachable(f"{len(states)} of {wanted} instances are there" if wanted else "there is no such instance")
    counts = Counter(states.values())
    if len(counts) == 1:
        return Reading(value=next(iter(counts)))
    rare = counts.most_common()[-1][0]
    note = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    return Reading(value="mixed", note=f"{note}: {some(name for name, state in states.items() if state == rare)}")


def _states(at: Account, arguments: InstanceStateArguments) -> dict[str, str]:
    asked = {f"tag:{key}": [value] for key, value in arguments.tags.items()} | arguments.filters
    asked |= {"instance-id": arguments.ids, "availability-zone": [arguments.az] if arguments.az else [],
              "tag:aws:autoscaling:groupName": [arguments.asg] if arguments.asg else []}
    there = at.every("ec2", "describe_instances", "Reservations[].Instances[]", Filters=filters(asked))
    found = {one["InstanceId"]: str(one["State"]["Name"]) for one in there}
    return {name: state for name, state in found.items() if arguments.ids or state not in OVER}


# ── load balancers and Auto Scaling ─────────────────────────────────────────────────────────────────────────────────

class TargetHealthArguments(Placed, frozen=True, kw_only=True):
    """A target group, by its name or ARN. `of: 3` says of how many targets the share is: of those that are registered,
    where nothing is said.
    """

    looks: ClassVar[tuple[str, ...]] = ("elasticloadbalancing:DescribeTargetGroups",
                                        "elasticloadbalancing:DescribeTargetHealth")
    target_group: str
    of: int | None = None


@probe(TargetHealthArguments, Unit.SHARE,
       example={"arguments": {"target-group": "shop-web"}, "at-least": "60%", "every": "5s"})
def target_health(arguments: TargetHealthArguments) -> Reading:
    """The share of a target group's targets that are healthy, of those that are registered.

    A target that is registered anew, or is on its way out, is not healthy. A group without targets has the share 0:
    nobody is served. A target that was deregistered is missed only where `of` says how many there are to be. Raises
    NoData where nobody checks: the group's health checks are off.
    """
    _check_whole(arguments.of)
    with asking(arguments) as at:
        found = health(at, _arn(at, arguments.target_group))
    if any(one["TargetHealth"].get("Reason") == "Target.HealthCheckDisabled" for one in found):
        raise NoData("the health checks of this target group are off")
    ill = [one for one in found if one["TargetHealth"]["State"] != "healthy"]
    whole = arguments.of or len(found)
    return _share(len(found) - len(ill), whole, "healthy", some(map(_ill, ill)))


def _arn(at: Account, group: str) -> str:
    """A group that is named is asked for anew each time: it may be another by now."""
    if group.startswith("arn:"):
        return group
    found = at.ask(ELB, "describe_target_groups", Names=[group])["TargetGroups"]
    return str(found[0]["TargetGroupArn"])


def _ill(seen: Mapping[str, Any]) -> str:
    state = seen["TargetHealth"]
    return f"{seen['Target']['Id']} ({state['State']}{', ' if 'Reason' in state else ''}{state.get('Reason', '')})"


class CapacityArguments(Placed, frozen=True, kw_only=True):
    """An Auto Scaling group, by its name. `of: 3` says of which capacity the share is: of the desired one, where
    nothing is said.
    """

    looks: ClassVar[tuple[str, ...]] = ("autoscaling:DescribeAutoScalingGroups",)
    asg: str
    of: int | None = None


@probe(CapacityArguments, Unit.SHARE, example={"arguments": {"asg": "shop-web"}, "at-least": "60%", "every": "5s"})
def asg_capacity(arguments: CapacityArguments) -> Reading:
    """The share of an Auto Scaling group's desired capacity that is in service and healthy.

    Instances count with their weights. A group that desires none has the share 0. More than desired counts as all.
    Where a fault changes what is desired, say with `of` how much there is to be.
    """
    _check_whole(arguments.of)
    with asking(arguments) as at:
        seen = read_group(at, arguments.asg)
    others = [f"{one['InstanceId']} ({one['LifecycleState']}, {one['HealthStatus']})" for one in seen["Instances"]
              if not in_service({"Instances": [one]})]
    return _share(in_service(seen), arguments.of or int(seen["DesiredCapacity"]), "in service", some(others))


def _check_whole(of: int | None) -> None:
    if of is not None and of < 1:
        raise BadQuestion("`of` is a number from 1 on")


def _share(good: float, whole: int, word: str, others: str) -> Reading:
    note = f"{good:g} of {whole} {word}{f'; not: {others}' if others else ''}"
    return Reading(value=min(1.0, good / whole) if whole else 0.0, note=note if good < whole or not whole else "")


# ── databases ───────────────────────────────────────────────────────────────────────────────────────────────────────

class WriterArguments(Placed, frozen=True, kw_only=True):
    """A database cluster, by its identifier. `other-than` is an instance: then it is asked whether another one is the
    writer by now.
    """

    looks: ClassVar[tuple[str, ...]] = ("rds:DescribeDBClusters",)
    cluster: str
    other_than: str = ""


@probe(WriterArguments, Unit.COUNT, example={"arguments": {"cluster": "shop"}, "equals": "shop-1", "every": "5s"})
def rds_writer(arguments: WriterArguments) -> Reading:
    """The identifier of the instance that a cluster of RDS writes to: `equals: shop-1`.

    With `other-than: shop-1` it is whether another instance is the writer: `equals: true`. A cluster without a writer
    is a bad sample. RDS tells of a new writer some seconds after clients could know of it.
    """
    with asking(arguments) as at:
        seen = at.ask("rds", "describe_db_clusters", DBClusterIdentifier=arguments.cluster)["DBClusters"][0]
    writers = [str(one["DBInstanceIdentifier"]) for one in seen["DBClusterMembers"] if one["IsClusterWriter"]]
    if not writers:
        raise Unreachable(f"{arguments.cluster} has no writer: it is {seen.get('Status', 'unknown')}")
    note = f"{writers[0]} writes" if arguments.other_than else ""
    return Reading(value=writers[0] != arguments.other_than if arguments.other_than else writers[0], note=note)


# ── what CloudWatch has measured ────────────────────────────────────────────────────────────────────────────────────

class AlarmArguments(Placed, frozen=True, kw_only=True):
    """An alarm of CloudWatch, by its name; a composite alarm too."""

    looks: ClassVar[tuple[str, ...]] = ("cloudwatch:DescribeAlarms",)
    alarm: str


@probe(AlarmArguments, Unit.COUNT, _ALARM_STATES,
       example={"arguments": {"alarm": "shop-errors"}, "equals": "OK", "every": "10s"})
def alarm(arguments: AlarmArguments) -> Reading:
    """The state of an alarm, a word: OK, ALARM or INSUFFICIENT_DATA. `equals: ALARM` makes it a stop rule.

    An alarm is as slow as its period, a minute or more. One that treats missing data as good says OK when nothing is
    measured any longer: let it treat them as breaching. Raises NoData where there is no such alarm.
    """
    with asking(arguments) as at:
        said = at.ask("cloudwatch", "describe_alarms", AlarmNames=[arguments.alarm],
                      AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    found = [*said.get("MetricAlarms", ()), *said.get("CompositeAlarms", ())]
    if not found:
        raise NoData(f"CloudWatch has no alarm of the name {arguments.alarm}")
    note = str(found[0].get("StateReason", ""))[:_SAID_MOST]
    return Reading(value=found[0]["StateValue"], note="" if found[0]["StateValue"] == "OK" else note)


@probe(MetricArguments, Unit.COUNT, example={
    "arguments": {"namespace": "AWS/ApplicationELB", "dimensions": {"LoadBalancer": "app/shop/0123456789abcdef"},
                  "numerator": "HTTPCode_Target_5XX_Count", "denominator": "RequestCount", "default": 0},
    "below": "5%", "every": "30s"})
def metric(arguments: MetricArguments) -> Reading:
    """The newest datapoint of a CloudWatch metric, or the ratio of two at the same moment: `below: 5%`.

    CloudWatch knows most metrics a minute or more after they were measured: too late for a stop rule that is to be
    quick. Raises NoData where no datapoint is new enough, and where a ratio would divide by nothing.
    """
    with asking(arguments) as at:
        return reading(at, arguments, datetime.now(UTC))


@probe(LogsArguments, Unit.COUNT, example={
    "arguments": {"log-group": "/shop/checkout", "pattern": "ERROR"}, "at-most": 0, "every": "10s"})
def logs(arguments: LogsArguments) -> Reading:
    """How many lines of a log group matched a filter pattern in the last while, 60s unless `within` says otherwise.

    Lines arrive some seconds late. A log to which nobody writes any longer has none that match: put a probe beside that
    sees whether the service lives. Raises NoData where there is no such log group, BadQuestion for a pattern that is
    none.
    """
    with asking(arguments) as at:
        return lines(at, arguments, datetime.now(UTC))
