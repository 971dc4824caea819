"""Rules about what the probes can see."""

from collections.abc import Iterator
from itertools import product
from typing import Final

from chaos_runner.experiment.model import (
    STEADY_SAMPLES,
    Comparison,
    Experiment,
    Limit,
    Native,
    Probe,
    Provider,
    Tolerance,
)
from chaos_runner.lint import facts
from chaos_runner.lint.flaw import Flaw
from chaos_runner.lint.limits import meets
from chaos_runner.lint.reaching import blinds
from chaos_runner.units import Unit, spoken_seconds

_ALLOW_MAX: Final = 0.5
_SERVER_ERRORS: Final = (500, 503)
_ANSWERS: Final = ("http.status", "tcp.connect", "process.running")
"""Probes that tell whether somebody is there, and neither how fast nor how well the work is done."""


def blinded_by_the_fault(experiment: Experiment) -> Iterator[Flaw]:
    watched = (*facts.probes(experiment), *facts.stop_rules(experiment))
    for (at, probe), (_, step, fault) in product(watched, facts.faults(experiment)):
        why = blinds(experiment, fault, probe.call)
        if why:
            yield Flaw(code="W413", says=f'"{probe.name}" sees the fault and not the system: "{step.name}" {why}',
                       at=at, help="ask from where customers ask, or by a way that the fault leaves open")


def only_whether_it_answers(experiment: Experiment) -> Iterator[Flaw]:
    probes = [probe for _, probe in facts.probes(experiment)]
    if probes and all(map(_only_answers, probes)):
        yield Flaw(code="W414", says="the hypothesis asks only whether somebody answers, not how fast or how well",
                   at=("steady-state-hypothesis", "probes"),
                   help="add what customers notice: `http.latency` with a limit, or the share of requests that fail")


def _only_answers(probe: Probe) -> bool:
    if isinstance(probe.call, Native):
        return probe.call.name in _ANSWERS
    wanted = probe.judge.spec if isinstance(probe.judge, Tolerance) else None
    statuses = wanted if isinstance(wanted, list) else [wanted]
    return probe.call.kind == "http" and all(type(status) is int for status in statuses)


def nothing_is_bad(experiment: Experiment) -> Iterator[Flaw]:
    for at, probe in facts.probes(experiment):
        if probe.allow is not None and probe.allow >= _ALLOW_MAX:
            yield Flaw(code="W415", says=f'"{probe.name}" holds although every second sample is bad',
                       at=(*at, "allow"), help="allow what customers would not notice, such as `allow: 1%`")
        limit = probe.judge
        if isinstance(limit, Limit) and _takes_server_errors(limit, probe.call):
            yield Flaw(code="W415", says=f'"{probe.name}" calls the status 500 or 503 good',
                       at=(*at, limit.comparison), help="write `equals: 200` or `between: [200, 399]`")


def _takes_server_errors(limit: Limit, call: Native | Provider) -> bool:
    return (isinstance(call, Native) and call.name == "http.status"
            and any(meets(limit, status) for status in _SERVER_ERRORS))


def too_slow_to_see_the_fault(experiment: Experiment) -> Iterator[Flaw]:
    acting_s = facts.acting_s_max(experiment)
    for at, probe in facts.probes(experiment):
        breaks_s = facts.breaks_after_s(probe)
        if acting_s is not None and breaks_s is not None and breaks_s >= acting_s:
            yield Flaw(code="W416", says=f'"{probe.name}" cannot break while the faults act: it takes '
                       f"{spoken_seconds(breaks_s)}, and they act for {spoken_seconds(acting_s)}",
                       at=(*at, "for" if probe.held_for_s is not None else "every"),
                       help="sample more often, shorten `for`, or let the fault last longer")


def not_watched(experiment: Experiment) -> Iterator[Flaw]:
    probes = [probe for _, probe in facts.probes(experiment)]
    if probes and not any(probe.every_s for probe in probes):
        yield Flaw(code="W451", says="nothing is watched while the faults act: every probe is read once a phase",
                   at=("steady-state-hypothesis", "probes"),
                   help="give a probe `every: 1s`; what breaks and recovers between two readings stays unseen")


def baseline_too_short(experiment: Experiment) -> Iterator[Flaw]:
    baseline_s = facts.baseline_s(experiment.hypothesis)
    slowest = max((probe.every_s or 0.0 for _, probe in facts.probes(experiment)), default=0.0)
    if baseline_s < STEADY_SAMPLES * slowest:
        yield Flaw(code="W452", says=f"{spoken_seconds(baseline_s)} before the fault are fewer than {STEADY_SAMPLES} "
                   "samples of a probe", at=("steady-state-hypothesis", "baseline"),
                   help=f"write `baseline: {STEADY_SAMPLES * slowest:g}s`, or sample more often")


def limit_beyond_the_timeout(experiment: Experiment) -> Iterator[Flaw]:
    for at, probe in facts.probes(experiment):
        limit, timeout_s = probe.judge, facts.timeout_s(probe)
        if isinstance(limit, Limit) and timeout_s is not None and _upper_s(limit) >= timeout_s:
            yield Flaw(code="W455", says=f'"{probe.name}" waits {spoken_seconds(timeout_s)} at most, so no answer can '
                       "be slower than its limit", at=(*at, limit.comparison),
                       help="lower the limit, or give the probe a longer `timeout`")


def _upper_s(limit: Limit) -> float:
    """The most seconds that are good; none for any other limit."""
    upper = limit.comparison in (Comparison.BELOW, Comparison.AT_MOST, Comparison.BETWEEN)
    bound = limit.bounds[-1] if limit.bounds and upper and limit.unit is Unit.SECONDS else None
    return float(bound) if isinstance(bound, int | float) else -1.0
