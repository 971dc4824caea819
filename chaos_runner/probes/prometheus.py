"""What Prometheus measured, and which of its alerts fire.

A sample is missing, never bad, when there is nothing to be said: no answer, no series or several, a series that ended,
NaN, an infinite number, or data that are too old. What can never have an answer is told as the author's mistake.

How old data are: the times in an instant query's answer are those of its evaluation, not of the samples, which may be
five minutes older. Where the query is a plain selector, Prometheus is asked for `timestamp(selector)` as well; of any
other expression that function would only tell the time of the evaluation, so there `fresh` names a selector to look at.
A series whose target can no longer be scraped is ended by Prometheus itself, at the next scrape.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from math import floor, fsum, isinf, isnan
from typing import Final, Literal

from msgspec import field

from chaos_runner.contracts import BadQuestion, NoData, Reading, Seconds, probe
from chaos_runner.probes._prometheus import Access, Found, Group, Point, Received, Rule, Series, Server, Window
from chaos_runner.units import Unit, spoken_seconds

_URL: Final = "http://127.0.0.1:9090"
_STALE_AFTER_S: Final = 120.0
"""Two of the longest usual scrape intervals, and less than half of what Prometheus itself looks back."""
_LOOK_BACK: Final = "5m"
_STEPS: Final = 20
_SHOWN_MOST: Final = 3
_TEXT: Final = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)"""
_MATCHER: Final = rf"\s*(?:[a-zA-Z_]\w*\s*(?:=~|!~|!=|=)\s*{_TEXT}|{_TEXT})\s*"
_MATCHERS: Final = rf"\{{(?:{_MATCHER}(?:,{_MATCHER})*,?)?\s*\}}"
_SELECTOR: Final = re.compile(rf"\s*(?:[a-zA-Z_:][\w:]*\s*(?:{_MATCHERS})?|{_MATCHERS})\s*", re.ASCII)


class QueryArguments(Access, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A query in PromQL that gives one number, and how to get in: a bearer `token`, or `username` and `password`.

    `labels` choose one of several series. With `range` the query is evaluated every `step` (a twentieth of it) up to
    now, and `reduce` says which number counts. Data older than `stale_after` (2m) are missing; where the query is more
    than a selector, that is found out on `fresh`, a selector of what the query is made of.
    """

    query: str
    url: str = _URL
    labels: dict[str, str | int] = field(default_factory=dict)
    range: Seconds | None = None
    step: Seconds | None = None
    reduce: Literal["last", "max", "min", "avg"] = "last"
    stale_after: Seconds | None = None
    fresh: str = ""


class AlertArguments(Access, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An alert by its name, those of its labels that matter, and whom to ask.

    That is the Prometheus at `url` (http://127.0.0.1:9090), which knows the rules; the Alertmanager at `alertmanager`,
    which knows only what was sent to it; or both. Rules that were not evaluated for `stale_after` (2m, or two intervals
    where that is longer) say nothing.
    """

    alert: str
    labels: dict[str, str | int] = field(default_factory=dict)
    url: str = ""
    alertmanager: str = ""
    stale_after: Seconds | None = None


# ── prometheus.query ────────────────────────────────────────────────────────────────────────────────────────────────

@probe(QueryArguments, Unit.COUNT, example={
    "arguments": {"query": "sum(rate(errors_total[1m])) / sum(rate(requests_total[1m]))"},
    "below": "5%", "every": "5s"})
def query(arguments: QueryArguments) -> Reading:
    """The number that a PromQL query gives, of seconds, shares or anything: `below: 300ms`, `below: 5%`, `below: 7`.

    Raises NoData when Prometheus does not answer or refuses, for no series or several, NaN, an infinite number, a
    series that has ended, and data that are too old. BadQuestion for a query that is none.
    """
    _refuse_senseless(arguments)
    server = Server("Prometheus", arguments.url, arguments)
    if arguments.range is None:
        found = server.query(arguments.query)
        value, notes = _latest(server, found, arguments), found.warnings
    else:
        value, notes = _reduced(server, arguments, arguments.range)
    _refuse_stale(server, arguments)
    return Reading(value=value, note="; ".join(notes))


def _refuse_senseless(arguments: QueryArguments) -> None:
    if arguments.range is None and (arguments.step is not None or arguments.reduce != "last"):
        raise BadQuestion("step and reduce need a range")
    if arguments.range is not None and not 0 < (arguments.step or arguments.range) <= arguments.range:
        raise BadQuestion("range and step are longer than nothing, and step is not longer than range")
    if arguments.fresh and not _SELECTOR.fullmatch(arguments.fresh):
        raise BadQuestion(f"fresh is a selector such as up{{job=\"shop\"}}, not {arguments.fresh!r}")
    if arguments.stale_after is not None and not _told_by(arguments):
        raise BadQuestion("the age of what this query is made of cannot be told: name a selector as `fresh`")


def _latest(server: Server, found: Found, arguments: QueryArguments) -> float:
    if found.kind == "matrix":
        raise BadQuestion("the query gives many samples of each series: take a function such as rate() or "
                          "max_over_time(), or leave out the [5m] and write `range: 5m`")
    return _finite(_one(server, found, arguments).points)


def _one(server: Server, found: Found, arguments: QueryArguments) -> Series:
    """The series that is meant. Raises NoData unless it is exactly one."""
    if not found.series:
        raise NoData(_nothing(server, arguments.query))
    meant = [series for series in found.series if _has(series.labels, arguments.labels)]
    if not meant:
        raise NoData(f"none of the {len(found.series)} series has the labels {_spoken(arguments.labels)}")
    if len(meant) > 1:
        raise NoData(f"{len(meant)} series, told apart by {_differences(meant)}: choose one with `labels`, or make one "
                     "of them, such as with sum() or max()")
    return meant[0]


def _nothing(server: Server, expression: str) -> str:
    """Why there is no series. Of a plain selector it can be told whether there was one until just now."""
    if _SELECTOR.fullmatch(expression) and server.query(f"count(last_over_time({expression}[{_LOOK_BACK}]))").series:
        return (f"the series has ended: there was one within the last {_LOOK_BACK}, and its target is gone or can no "
                "longer be scraped")
    return "no series"


def _has(labels: Mapping[str, str], wanted: Mapping[str, str | int]) -> bool:
    return all(labels.get(name, "") == str(value) for name, value in wanted.items())


def _spoken(labels: Mapping[str, str | int]) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def _differences(series: Sequence[Series]) -> str:
    """The labels that differ, with some of their values."""
    names = sorted({name for one in series for name in one.labels})
    told = {name: sorted({one.labels.get(name, "") for one in series}) for name in names}
    return " and ".join(f"{name} ({', '.join(values[:_SHOWN_MOST])}{', …' if len(values) > _SHOWN_MOST else ''})"
                        for name, values in told.items() if len(values) > 1) or "nothing"


def _finite(points: Sequence[Point]) -> float:
    """The number of the newest point."""
    if not points:
        raise NoData("no sample")
    return _known(_number(points[-1][1]))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as problem:
        raise NoData(f"Prometheus gave {text!r:.80}, which is no number") from problem


def _known(value: float) -> float:
    if isnan(value):
        raise NoData("NaN: the query divides nothing by nothing, or its metric has no number")
    if isinf(value):
        raise NoData("an infinite number: the query divides by nothing")
    return value


def _reduced(server: Server, arguments: QueryArguments, range_s: float) -> tuple[float, list[str]]:
    """One number of many points, the last of them now; and what there is to note."""
    window = _window(server, range_s, arguments.step or range_s / _STEPS)
    found = server.query_range(arguments.query, window)
    series = _one(server, found, arguments)
    newest_ms = round(series.points[-1][0] * 1000) if series.points else 0
    if newest_ms < window.end_ms:
        raise NoData(f"the series ended {spoken_seconds((window.end_ms - newest_ms) / 1000)} ago")
    if arguments.reduce == "last":
        return _finite(series.points), found.warnings
    numbers = [number for point in series.points if not isnan(number := _number(point[1]))]
    if not numbers:
        raise NoData("NaN at every point")
    left_out = window.steps + 1 - len(numbers)
    notes = [f"{left_out} of {window.steps + 1} points have no number"] if left_out else []
    return _known(_REDUCE[arguments.reduce](numbers)), [*found.warnings, *notes]


def _average(numbers: Sequence[float]) -> float:
    return fsum(numbers) / len(numbers)


_REDUCE: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {"max": max, "min": min, "avg": _average}


def _window(server: Server, range_s: float, step_s: float) -> Window:
    """Up to now, by the server's clock: ours may be another."""
    [now] = server.query("time()").series
    step_ms = max(1, round(step_s * 1000))
    return Window(round(_number(now.points[0][1]) * 1000), step_ms, floor(range_s * 1000 / step_ms))


def _told_by(arguments: QueryArguments) -> str:
    """The selector whose samples tell how old the data are. Empty where there is none."""
    return arguments.fresh or (arguments.query if _SELECTOR.fullmatch(arguments.query) else "")


def _refuse_stale(server: Server, arguments: QueryArguments) -> None:
    selector = _told_by(arguments)
    if not selector:
        return
    most_s = _STALE_AFTER_S if arguments.stale_after is None else arguments.stale_after
    labels = {} if arguments.fresh else {name: value for name, value in arguments.labels.items() if name != "__name__"}
    times = [series.points[0] for series in server.query(f"timestamp({selector})").series
             if series.points and _has(series.labels, labels)]
    if not times:
        raise NoData(f"nothing tells how old the data are: no series matches {selector.strip()}")
    age_s = max(now_s - _number(taken) for now_s, taken in times)
    if age_s > most_s:
        raise NoData(f"stale: the newest sample is {spoken_seconds(age_s)} old (older than {spoken_seconds(most_s)})")


# ── prometheus.alert ────────────────────────────────────────────────────────────────────────────────────────────────

_STATES: Final = ("inactive", "pending", "firing")


@probe(AlertArguments, Unit.COUNT, _STATES,
       example={"arguments": {"alert": "CheckoutDown"}, "equals": "inactive", "every": "5s"})
def alert(arguments: AlertArguments) -> Reading:
    """The state of an alert, a word: `equals: firing`, or `pending`, or `inactive`. Of several alerts the worst counts.

    Silenced and inhibited alerts fire all the same, with a note: a silence says that nobody is told, not that all is
    well. Raises NoData when no rule has that name and these labels, when its rule cannot be evaluated or was not for
    too long, and when nobody answers. An Alertmanager that is asked alone cannot know which rules there are: what it
    has not received is "inactive", so ask Prometheus too, whose word is then needed. It never has a "pending" alert.
    """
    states: list[str] = []
    notes: list[str] = []
    if arguments.url or not arguments.alertmanager:
        states.append(_by_rules(arguments))
    if arguments.alertmanager:
        received = _received(arguments)
        states.append("firing" if received else "inactive")
        notes = _suppressions(received)
    return Reading(value=max(states, key=_STATES.index), note="; ".join(notes))


def _by_rules(arguments: AlertArguments) -> str:
    server = Server("Prometheus", arguments.url or _URL, arguments)
    groups, now = server.groups(arguments.alert)
    meant = _meant(groups, arguments)
    for rule, group in meant:
        _refuse_mute(rule, now, _patience_s(group, arguments.stale_after))
    found = [alert.state for rule, _ in meant for alert in rule.alerts if _has(alert.labels, arguments.labels)]
    return max((state for state in found if state in _STATES), key=_STATES.index, default="inactive")


def _meant(groups: Sequence[Group], arguments: AlertArguments) -> list[tuple[Rule, Group]]:
    """The rules that can make such an alert. Raises NoData when there is none: it would be "inactive" for ever."""
    named = [(rule, group) for group in groups for rule in group.rules if rule.name == arguments.alert]
    if not named:
        raise NoData(f"no rule of the name {arguments.alert}")
    meant = [(rule, group) for rule, group in named if _can_have(rule, arguments.labels)]
    if not meant:
        raise NoData(f"no rule of the name {arguments.alert} makes alerts with {_spoken(arguments.labels)}")
    return meant


def _can_have(rule: Rule, wanted: Mapping[str, str | int]) -> bool:
    """A rule's own labels are known; those with a template, and those of its series, only while there is an alert."""
    return all("{{" in rule.labels.get(name, "{{") or rule.labels[name] == str(value) for name, value in wanted.items())


def _patience_s(group: Group, wanted_s: float | None) -> float:
    return max(_STALE_AFTER_S, 2 * group.interval) if wanted_s is None else wanted_s


def _refuse_mute(rule: Rule, now: datetime, patience_s: float) -> None:
    if rule.health == "unknown":
        raise NoData(f"the rule {rule.name} has not been evaluated yet")
    if rule.health != "ok":
        raise NoData(f"the rule {rule.name} cannot be evaluated: {rule.last_error or rule.health}")
    age_s = (now - _moment(rule.last_evaluation)).total_seconds()
    if age_s > patience_s:
        raise NoData(f"stale: the rule {rule.name} was last evaluated {spoken_seconds(age_s)} ago")


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError as problem:
        raise NoData(f"Prometheus gave {text!r:.80}, which is no time") from problem


def _received(arguments: AlertArguments) -> list[Received]:
    server = Server("Alertmanager", arguments.alertmanager, arguments)
    return server.alerts({"alertname": arguments.alert, **arguments.labels})


def _suppressions(received: Sequence[Received]) -> list[str]:
    """What keeps people from being told of an alert that fires."""
    words = {"silenced": [one for one in received if one.status.silenced_by],
             "inhibited": [one for one in received if one.status.inhibited_by]}
    return [f"{len(found)} of {len(received)} {word}" for word, found in words.items() if found]
