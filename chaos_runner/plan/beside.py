"""Which experiments may run at the same time: those whose faults hit different families of targets.

Finer than that nothing is known before a run has looked, and what was looked at may have changed by then.
"""

from chaos_runner.experiment.model import Experiment, Native, StepKind

Families = frozenset[str] | None
"""The families of the faults (`proxy`, `kubernetes`, …); None where an action may hit anything."""


def families(experiment: Experiment) -> Families:
    """What an experiment's faults may hit. Of Chaos Toolkit's actions, and of rollbacks, nobody knows."""
    calls = [step.call for step in experiment.steps if step.kind is StepKind.ACTION]
    if not all(isinstance(call, Native) for call in calls):
        return None
    return frozenset(call.name.partition(".")[0] for call in calls if isinstance(call, Native))


def may_run_beside(one: Families, other: Families) -> bool:
    """Whether two may run at the same time."""
    return one is not None and other is not None and one.isdisjoint(other)
