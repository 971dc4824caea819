"""The one sentence that says what a run found, made from its numbers and nothing else."""

from collections.abc import Mapping
from math import inf
from typing import Any

from chaos_runner.experiment.model import AnyAnswer, Comparison, Gate, Limit, Probe, Tolerance
from chaos_runner.run.events import Phase
from chaos_runner.run.run import Run
from chaos_runner.run.tally import Tally
from chaos_runner.units import Unit, spoken, spoken_seconds

_CLOSE_S = 1.0
"""A sample that began so shortly before a fault, and ended badly, is put down to it."""
_LONG_S = 99.5
"""Where seconds become minutes, which seconds times seconds have not."""
_WORDS = {
    Comparison.BELOW: "below {}", Comparison.ABOVE: "above {}", Comparison.AT_LEAST: "at least {}",
    Comparison.AT_MOST: "at most {}", Comparison.BETWEEN: "{} to {}", Comparison.EQUALS: "{}",
}


def limit_words(probe: Probe) -> str:
    """The limit as people say it: "below 300 ms", "200 to 299", for a stop rule "stops when above 5 %"."""
    judge = probe.judge
    if isinstance(judge, AnyAnswer):
        return f"stops without data for {spoken_seconds(probe.missing_for_s)}"
    if isinstance(judge, Tolerance):
        return tolerance_words(judge.spec)
    words = _WORDS[judge.comparison].format(*(value_words(bound, judge.unit) for bound in judge.bounds))
    return f"stops when {words}" if probe.bad_when_met else words


def gate_words(gate: Gate) -> str:
    """When a gate is asked beside the once before everything, and what it means when it is closed."""
    again = f", asked again every {spoken_seconds(gate.probe.every_s)}" if gate.probe.every_s else ""
    return again + (f", else try again after {spoken_seconds(gate.defer_s)}" if gate.defer_s else "")


def value_words(value: Any, unit: Unit) -> str:
    """A read value as people say it. Long ones are cut."""
    if value is None:
        return "no data"
    if isinstance(value, Mapping) and isinstance(value.get("status"), int):
        return f"HTTP status {value['status']}" if "headers" in value else f"exit status {value['status']}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _brief(value)
    return spoken(_as_float(value), unit)


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond every float
        return inf if value > 0 else -inf


def area_words(area: float, unit: Unit) -> str:
    """An area over a limit as people say it: "8.06 s·s" is a second too slow for eight seconds, or two for four."""
    if unit is Unit.SECONDS and area >= _LONG_S:
        return f"{area:,.0f} s·s"
    return f"{spoken(area, unit)}·s" if unit else f"{spoken(area, unit)} times seconds"


def tolerance_words(spec: Any) -> str:
    """A Chaos Toolkit tolerance as people say it: "true", "1 to 5", "matching /ok/"."""
    match spec:
        case bool():
            return str(spec).lower()
        case [int() | float() as low, int() | float() as high]:
            return f"{low} to {high}"
        case list():
            return f"one of {', '.join(map(str, spec))}"
        case {"type": "range", "range": [low, high]}:
            return f"{low} to {high}"
        case {"type": "regex", "pattern": pattern}:
            return f"matching /{pattern}/"
        case {"type": "jsonpath", "path": path}:
            return f"jsonpath {path}"
        case {"type": "probe", **rest}:
            return f"as {rest.get('name') or 'its own probe'} judges"
        case _:
            return _brief(spec)


def off(tolerance: Tolerance, value: Any) -> str:
    """What a step gave whose tolerance is not met."""
    return f"gave {value_words(value, Unit.COUNT)} (tolerance {tolerance_words(tolerance.spec)})"


def found(probe: Probe, tally: Tally) -> str:
    """What a probe gave last: "found HTTP status 503 (limit 200)"."""
    return f"found {read_words(probe, tally)} (limit {limit_words(probe)})"


def read_words(probe: Probe, tally: Tally) -> str:
    """What a probe gave last, and what it said beside it: "3, INC-7, INC-9 and INC-12"."""
    last = value_words(tally.last, probe.unit) if tally.last is not None else tally.note or "no value"
    beside = f", {tally.note}" if tally.note and tally.last is not None and tally.note not in last else ""
    return f"{last}{beside}"


def breach(run: Run, number: int, phase: Phase) -> str:
    """What broke, how far past which limit, for how long, and how soon after which fault."""
    probe, tally = run.plan.watched[number], run.tally(number, phase)
    return f"{probe.name}: {_extent(probe, tally)}{_delay(run, tally)}"


def _extent(probe: Probe, tally: Tally) -> str:
    limit = limit_words(probe) if probe.bad_when_met else f"limit {limit_words(probe)}"
    if probe.every_s is None:
        return found(probe, tally)
    lasted = f", {spoken_seconds(tally.bad_for_s)} in all" if tally.bad > 1 else ""
    if tally.unanswered == tally.bad:
        return f"{tally.note or 'no value'} in {tally.bad} of {tally.samples} samples ({limit}){lasted}"
    silent = f", {tally.unanswered} of them without an answer" if tally.unanswered else ""
    worst = value_words(tally.worst, probe.unit)
    return f"reached {worst} ({limit}), {tally.bad} of {tally.samples} samples bad{silent}{lasted}"


def _delay(run: Run, tally: Tally) -> str:
    if tally.first_bad_t is None:
        return ""
    begun = [(state.began_t, step.name) for step, state in run.actions_begun()
             if state.began_t is not None and state.began_t <= tally.first_bad_t + _CLOSE_S]
    if not begun:
        return ""
    began_t, name = max(begun)
    return f', {spoken_seconds(max(0.0, tally.first_bad_t - began_t))} after "{name}"'


def margin(run: Run) -> str:
    """How close the nearest probe came to its limit while the fault acted: what a passing run teaches."""
    shares = [(_used(probe, run.tally(number, Phase.DURING)), number) for number, probe in enumerate(run.plan.probes)]
    used, number = max(shares, default=(0.0, 0))
    if not used:
        return ""
    probe, tally = run.plan.probes[number], run.tally(number, Phase.DURING)
    if tally.bad:
        allowed = f", {spoken(probe.allow, Unit.SHARE)} allowed" if probe.allow else ""
        return f"; closest: {probe.name}, {tally.bad} of {tally.samples} samples outside{allowed}"
    return f"; closest: {probe.name}, {value_words(tally.worst, probe.unit)} ({limit_words(probe)}, {used:.0%})"


def _used(probe: Probe, tally: Tally) -> float:
    """The share of its limit that a probe used up. More than all of it where single bad samples were forgiven."""
    judge = probe.judge
    if tally.bad:
        return 1.0 + tally.bad / tally.samples
    if not isinstance(judge, Limit) or not isinstance(tally.worst, int | float) or judge.bounds[0] <= 0:
        return 0.0
    if judge.comparison in (Comparison.BELOW, Comparison.AT_MOST):
        return float(tally.worst / judge.bounds[0])
    if judge.comparison in (Comparison.ABOVE, Comparison.AT_LEAST) and tally.worst > 0:
        return float(judge.bounds[0] / tally.worst)
    return 0.0


def passed(run: Run) -> str:
    """What a green run proved, and what it did not."""
    count = len(run.plan.probes)
    all_of_them = "Both" if count == 2 else f"All {count}"
    held = f"{all_of_them} probes stayed" if count > 1 else f"{run.plan.probes[0].name} stayed"
    watched = any(probe.every_s for probe in run.plan.probes) or run.plan.manner.hypothesis.reads_during
    caveat = "" if watched else "; not watched while the fault acted"
    return f"{held} inside the limits{margin(run)}{caveat}"


def _brief(value: Any, most: int = 80) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= most else f"{text[:most - 1]}…"
