"""Whether what is left carries the load when some instances are gone, by their CPU of late: util x N / (N - k)."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from chaos_runner.contracts import Group
from chaos_runner.errors import ActFailed, Refused
from chaos_runner.targets.aws.access import Account, unpaired
from chaos_runner.targets.aws.rights import Need

LOOKS: Final = (Need("cloudwatch:GetMetricData", on="*"), Need("autoscaling:DescribeAutoScalingGroups", on="*"))
ASG: Final = "aws:autoscaling:groupName"
"""The tag that AWS puts on the instances of an Auto Scaling group."""
MOST: Final = 0.8
_WINDOW: Final = timedelta(minutes=30)
_PERIOD_S: Final = 300
"""Without detailed monitoring EC2 tells its CPU every five minutes."""
_ASKED_AT_ONCE: Final = 500
_OF_EACH: Final = "InstanceId"
_OF_GROUP: Final = "AutoScalingGroupName"


class Pool(Struct, frozen=True):
    """Instances that share a load, as far as AWS tells: so many, of which some are to be hit."""

    name: str
    size: int
    hit: Sequence[str]
    asg: str = ""

    @property
    def dimensions(self) -> list[dict[str, str]]:
        """What CloudWatch knows it by. Those to be hit stand for all, where it is no Auto Scaling group."""
        named = [(_OF_GROUP, self.asg)] if self.asg else [(_OF_EACH, one) for one in self.hit[:_ASKED_AT_ONCE]]
        return [{"Name": name, "Value": value} for name, value in named]


def headroom(at: Account, hit: Sequence[Mapping[str, Any]], group: Group | None) -> list[str]:
    """What becomes of those that are left, pool by pool, when these instances are gone: a line for each."""
    try:
        return [_line(at, pool) for pool in _pools(at, hit, group)]
    except (Refused, ActFailed) as problem:
        return [f"whether what is left carries the load could not be looked at: {problem}"]


def needed(used: float, size: int, hit: int) -> float:
    """The share of its CPU that each of those left would use: the same work on fewer."""
    return used * size / (size - hit)


def _line(at: Account, pool: Pool) -> str:
    hit = len(pool.hit)
    if hit >= pool.size:
        return f"{pool.name}: all {pool.size} are hit, nothing is left to carry the load"
    used = _used(at, pool)
    left = f"with {hit} of {pool.size} gone"
    if used is None:
        return f"{pool.name}: CloudWatch has no CPU of the last 30 min, so nobody knows whether it carries on {left}"
    then = needed(used, pool.size, hit)
    verdict = "enough" if then <= MOST else f"more than {MOST:.0%}: they may not carry it"
    return f"{pool.name}: CPU {used:.0%} of late; {left} the others need {then:.0%}, {verdict}"


def _pools(at: Account, hit: Sequence[Mapping[str, Any]], group: Group | None) -> Iterator[Pool]:
    """Auto Scaling groups by what they have in service; what is in none, as the group that it was chosen from."""
    of = {one["InstanceId"]: unpaired(one.get("Tags")).get(ASG, "") for one in hit}
    for name in sorted(Counter(of.values()).keys() - {""}):
        mine = [thing for thing, asg in of.items() if asg == name]
        yield Pool(f"Auto Scaling group {name}", max(_in_service(at, name), len(mine)), mine, name)
    lone = [thing for thing, asg in of.items() if not asg]
    if lone and group:
        yield Pool(group.name, group.size - len(of) + len(lone), lone)


def _in_service(at: Account, name: str) -> int:
    found = at.ask("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[name])["AutoScalingGroups"]
    return sum(one["LifecycleState"] == "InService" for some in found for one in some["Instances"])


def _used(at: Account, pool: Pool) -> float | None:
    """The share of CPU used: the highest five minutes of the window, on average over what was asked for."""
    now = datetime.now(UTC)
    found = at.ask("cloudwatch", "get_metric_data", MetricDataQueries=_queries(pool), StartTime=now - _WINDOW,
                   EndTime=now)["MetricDataResults"]
    most = [max(one["Values"]) / 100 for one in found if one["Values"]]
    return sum(most) / len(most) if most else None


def _queries(pool: Pool) -> list[dict[str, Any]]:
    return [{"Id": f"m{number}", "MetricStat": {"Stat": "Average", "Period": _PERIOD_S, "Metric": {
        "Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Dimensions": [one]}}}
        for number, one in enumerate(pool.dimensions)]
