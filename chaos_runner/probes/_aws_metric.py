"""Asking CloudWatch for metrics. What it computes itself is not asked for: a ratio of two metrics is made here."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import fsum, isfinite
from typing import ClassVar, Final, Literal

from msgspec import field

from chaos_runner.contracts import BadQuestion, NoData, Reading, Seconds
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.choosing import Placed
from chaos_runner.units import spoken_seconds

_SHORT_S: Final = (1, 5, 10, 20, 30)
_MINUTE_S: Final = 60
_STALE_PERIODS: Final = 3
_STALE_LEAST_S: Final = 180.0
"""CloudWatch has most metrics two minutes after their minute is over."""
_SCALE: Final[Mapping[str, float]] = {"Milliseconds": 1e-3, "Microseconds": 1e-6, "Percent": 1e-2}
Points = dict[datetime, float]


class MetricArguments(Placed, frozen=True, kw_only=True):
    """One `metric` of a `namespace` with its `dimensions`, or the ratio of two: `numerator` to `denominator`, each one
    metric or the sum of several.

    `statistic` is CloudWatch's (Average, Sum, Maximum, p99; Sum for ratios), `period` how long each datapoint is for.
    Only the datapoints of periods that are over count, and none older than `stale-after` (three periods, at least 3m).
    Only what was stored in `unit` counts, where one is given, and it becomes seconds or a share: Milliseconds 250 is
    250ms, Percent 12 is 12%. `default` is taken for a numerator that has no datapoint where the denominator has one:
    AWS reports no zeros of what did not happen.
    """

    looks: ClassVar[tuple[str, ...]] = ("cloudwatch:GetMetricData",)
    namespace: str
    metric: str = ""
    numerator: str | list[str] = ""
    denominator: str | list[str] = ""
    dimensions: dict[str, str] = field(default_factory=dict)
    statistic: str = ""
    period: Seconds = 60.0
    stale_after: Seconds | None = None
    unit: Literal["", "Seconds", "Milliseconds", "Microseconds", "Percent", "Bytes", "Count"] = ""
    default: float | None = None


def reading(at: Account, arguments: MetricArguments, now: datetime) -> Reading:
    """The newest number. Raises NoData where there is none that is new enough, BadQuestion for what makes no sense."""
    _check(arguments)
    period_s, stale_s = int(arguments.period), _stale_s(arguments)
    end = datetime.fromtimestamp(now.timestamp() // period_s * period_s, UTC)
    start = end - timedelta(seconds=(stale_s // period_s + 1) * period_s)
    found = {name: _fresh(points, now, period_s, stale_s) for name, points in _asked(at, arguments, start, end).items()}
    when, value = _ratio(arguments, found) if arguments.denominator else _newest(arguments.metric, found)
    if not isfinite(value):
        raise NoData("no finite number")
    age_s = (now - when).total_seconds() - period_s
    return Reading(value=value * _SCALE.get(arguments.unit, 1.0),
                   note=f"of a period that ended {spoken_seconds(max(0.0, age_s))} ago")


def _check(arguments: MetricArguments) -> None:
    ratio = bool(arguments.numerator) and bool(arguments.denominator)
    if ratio == bool(arguments.metric) or bool(arguments.numerator) != bool(arguments.denominator):
        raise BadQuestion("say `metric`, or `numerator` and `denominator`")
    if not ratio and arguments.default is not None:
        raise BadQuestion("`default` is for a ratio: of a single metric no datapoint is no data")
    if ratio and arguments.unit:
        raise BadQuestion("`unit` is for a single metric: a ratio has none")
    if arguments.period not in _SHORT_S and (arguments.period < _MINUTE_S or arguments.period % _MINUTE_S):
        raise BadQuestion("a period of CloudWatch is 1s, 5s, 10s, 20s, 30s or whole minutes")


def _stale_s(arguments: MetricArguments) -> float:
    if arguments.stale_after is not None:
        return arguments.stale_after
    return max(_STALE_LEAST_S, _STALE_PERIODS * arguments.period)


def _asked(at: Account, arguments: MetricArguments, start: datetime, end: datetime) -> dict[str, Points]:
    """What CloudWatch has of each metric."""
    metrics = [arguments.metric] if arguments.metric else _names(arguments.numerator) + _names(arguments.denominator)
    known = {f"m{number}": name for number, name in enumerate(dict.fromkeys(metrics))}
    found: dict[str, Points] = {name: {} for name in known.values()}
    for one in at.every("cloudwatch", "get_metric_data", "MetricDataResults[]", StartTime=start, EndTime=end,
                        MetricDataQueries=[_query(id_, name, arguments) for id_, name in known.items()]):
        if one["StatusCode"] not in ("Complete", "PartialData"):
            raise NoData(f"CloudWatch gave nothing of {known[one['Id']]}: {one['StatusCode']}")
        found[known[one["Id"]]] |= dict(zip(one["Timestamps"], one["Values"], strict=True))
    return found


def _query(id_: str, name: str, arguments: MetricArguments) -> dict[str, object]:
    dimensions = [{"Name": key, "Value": value} for key, value in arguments.dimensions.items()]
    unit = {"Unit": arguments.unit} if arguments.unit else {}
    metric = {"Namespace": arguments.namespace, "MetricName": name, "Dimensions": dimensions}
    statistic = arguments.statistic or ("Average" if arguments.metric else "Sum")
    return {"Id": id_, "MetricStat": {"Metric": metric, "Period": int(arguments.period), "Stat": statistic, **unit}}


def _fresh(points: Points, now: datetime, period_s: int, stale_s: float) -> Points:
    """Those of periods that are over, and not for too long."""
    return {when: value for when, value in points.items() if 0 <= (now - when).total_seconds() - period_s <= stale_s}


def _newest(name: str, found: Mapping[str, Points]) -> tuple[datetime, float]:
    points = found[name]
    if not points:
        raise NoData(f"{name} has no datapoint that is new enough")
    when = max(points)
    return when, points[when]


def _ratio(arguments: MetricArguments, found: Mapping[str, Points]) -> tuple[datetime, float]:
    """At the newest moment at which there is something to divide by."""
    below = [found[name] for name in _names(arguments.denominator)]
    known = {when for points in below for when in points}
    if not known:
        raise NoData(f"{', '.join(_names(arguments.denominator))} has no datapoint that is new enough")
    when = max(known)
    whole = fsum(points.get(when, 0.0) for points in below)
    if not whole:
        raise NoData(f"{', '.join(_names(arguments.denominator))} is 0: there is nothing to divide by")
    return when, fsum(_part(name, found[name], when, arguments.default) for name in _names(arguments.numerator)) / whole


def _part(name: str, points: Points, when: datetime, default: float | None) -> float:
    if when not in points and default is None:
        raise NoData(f"{name} has no datapoint of that period; where none means 0, say `default: 0`")
    return points.get(when, default or 0.0)


def _names(said: str | Sequence[str]) -> list[str]:
    return [said] if isinstance(said, str) else list(said)
