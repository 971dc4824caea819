"""Rules about ending a run early."""

from collections.abc import Iterator
from math import ceil

from chaos_runner.experiment.model import Comparison, Experiment, Limit, Native, Probe
from chaos_runner.lint import facts
from chaos_runner.lint.facts import BAD_IN_A_ROW
from chaos_runner.lint.flaw import Flaw
from chaos_runner.lint.limits import meets
from chaos_runner.units import Unit, spoken_seconds

_WELL = 200


def no_stop_rule(experiment: Experiment) -> Iterator[Flaw]:
    if any(facts.actions(experiment)) and not experiment.stop_rules:
        yield Flaw(code="W401", says="nothing stops the run when it hurts more than it should", at=("method",),
                   help="add `stop-when:` with a probe and the limit at which to undo everything at once")


def slower_than_the_fault(experiment: Experiment) -> Iterator[Flaw]:
    acting_s = facts.acting_s_max(experiment)
    for at, rule in facts.stop_rules(experiment):
        trips_s = _trips_after_s(rule)
        if acting_s is not None and trips_s is not None and trips_s >= acting_s:
            yield Flaw(code="W406", says=f'"{rule.name}" cannot trip before the faults are over: it takes '
                       f"{spoken_seconds(trips_s)}, and they act for {spoken_seconds(acting_s)}", at=(*at, _slow(rule)),
                       help="let it trip sooner: a shorter `for` or `every`, or a larger `allow`")


def _trips_after_s(rule: Probe) -> float | None:
    """A share is judged once a single bad sample does not exceed it."""
    if rule.allow and rule.every_s:
        return max(ceil(1 / rule.allow), BAD_IN_A_ROW) * rule.every_s
    return facts.breaks_after_s(rule)


def _slow(rule: Probe) -> str:
    return "for" if rule.held_for_s is not None else "allow" if rule.allow else "every"


def trips_while_all_is_well(experiment: Experiment) -> Iterator[Flaw]:
    """A limit in a stop rule says what is bad; in the hypothesis it says what is good."""
    for at, rule in facts.stop_rules(experiment):
        limit = rule.judge
        if isinstance(limit, Limit) and isinstance(rule.call, Native) and _is_well(limit, rule.call):
            yield Flaw(code="W407", says=f'"{rule.name}" stops the run while all is well', at=(*at, limit.comparison),
                       help="the limit of a stop rule says what is bad: write the opposite, such as `above: 499`")


def _is_well(limit: Limit, call: Native) -> bool:
    if call.name == "http.status":
        return meets(limit, _WELL)
    return limit.unit is Unit.SECONDS and limit.comparison in (Comparison.BELOW, Comparison.AT_MOST)
