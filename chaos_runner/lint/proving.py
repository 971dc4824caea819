"""Rules about what a run of the experiment can prove."""

from collections.abc import Iterator

from chaos_runner.experiment.model import Experiment, Provider
from chaos_runner.lint import facts
from chaos_runner.lint.flaw import Flaw


def fixed_seed(experiment: Experiment) -> Iterator[Flaw]:
    """For an experiment that a schedule runs."""
    if experiment.seed is not None:
        yield Flaw(code="W405", says="the same targets are chosen at every run of the schedule: the seed is fixed",
                   at=("seed",), help="remove `seed`: each run draws one, and its journal tells which")


def nothing_to_judge(experiment: Experiment) -> Iterator[Flaw]:
    if not any(facts.probes(experiment)):
        yield Flaw(code="W411", says="no probe says what must hold, so every run is inconclusive",
                   at=("steady-state-hypothesis",), help="add `steady-state-hypothesis:` with a probe and its limit")


def nothing_is_done(experiment: Experiment) -> Iterator[Flaw]:
    if not any(facts.actions(experiment)):
        yield Flaw(code="W412", says="the method has no action, so every run is inconclusive", at=("method",),
                   help="add a fault, or look at the steady state only: `run --hypothesis-only`")


def proof_that_cannot_come(experiment: Experiment) -> Iterator[Flaw]:
    if not experiment.safeguards.require_proof:
        return
    for at, step in facts.actions(experiment):
        if isinstance(step.call, Provider) and step.expect is None:
            yield Flaw(code="W417", says=f'"{step.name}" can only be reported, and `require-proof` asks for more: '
                       "every run is inconclusive", at=(*at, "name"),
                       help="add `expect:` with the output that means success")
