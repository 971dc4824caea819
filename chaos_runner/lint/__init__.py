"""What an experienced reader would say of an experiment that is valid: traps, told before anything is run.

    lint(experiment)             what `chaos-runner validate` adds to its findings
    lint_scheduled(experiment)   the same, and what matters only when nobody watches the run

Rules are small functions from an Experiment to Flaws, in one list. A flaw is no error: the experiment may mean it.
Nothing here raises on an experiment that was built, and nothing asks the network or the machine.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from chaos_runner.experiment.findings import Finding
from chaos_runner.experiment.model import Experiment
from chaos_runner.lint import measuring, proving, stopping, undoing
from chaos_runner.lint.flaw import Flaw, findings

Rule = Callable[[Experiment], Iterable[Flaw]]

RULES: Final[tuple[Rule, ...]] = (
    stopping.no_stop_rule,
    undoing.no_duration,
    undoing.no_way_back,
    undoing.unbounded_selector,
    stopping.slower_than_the_fault,
    stopping.trips_while_all_is_well,
    proving.nothing_to_judge,
    proving.nothing_is_done,
    measuring.blinded_by_the_fault,
    measuring.only_whether_it_answers,
    measuring.nothing_is_bad,
    measuring.too_slow_to_see_the_fault,
    proving.proof_that_cannot_come,
    measuring.not_watched,
    measuring.baseline_too_short,
    undoing.no_time_to_heal,
    undoing.undone_twice,
    measuring.limit_beyond_the_timeout,
)
SCHEDULED_RULES: Final[tuple[Rule, ...]] = (proving.fixed_seed,)


def lint(experiment: Experiment) -> list[Finding]:
    """The traps in an experiment, in the order of the rules. Pure, and never raises."""
    return _found(experiment, RULES)


def lint_scheduled(experiment: Experiment) -> list[Finding]:
    """The traps in an experiment that a schedule runs again and again. Pure, and never raises."""
    return _found(experiment, (*RULES, *SCHEDULED_RULES))


def _found(experiment: Experiment, rules: Sequence[Rule]) -> list[Finding]:
    return findings(experiment, [flaw for rule in rules for flaw in rule(experiment)])
