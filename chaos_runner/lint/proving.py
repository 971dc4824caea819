"""Rules about what a run of the experiment can prove."""

from collections.abc import Iterator

from chaos_runner.experiment.model import Experiment, Native, Provider
from chaos_runner.experiment.suggest import did_you_mean
from chaos_runner.lint import facts
from chaos_runner.lint.flaw import Flaw, Path


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
    if not experiment.require_proof:
        return
    for at, step in facts.actions(experiment):
        if isinstance(step.call, Provider) and step.expect is None:
            yield Flaw(code="W417", says=f'"{step.name}" can only be reported, and `require-proof` asks for more: '
                       "every run is inconclusive", at=(*at, "name"),
                       help="add `expect:` with the output that means success")


def name_that_means_nothing(experiment: Experiment) -> Iterator[Flaw]:
    """chaoslib leaves a name that it does not know as it is, and so do we. To a process it may be the shell's."""
    known = _known_names(experiment)
    for at, call in _calls(experiment):
        if isinstance(call, Provider) and call.kind == "process":
            continue
        for name in dict.fromkeys(facts.names_in(facts.spec_of(call))):
            if name not in known:
                close = did_you_mean(name, known)
                yield Flaw(code="W418", says=f"nothing gives ${{{name}}} a value, so it stays as it is", at=at,
                           help=f"did you mean ${{{close}}}?" if close else "declare it under `configuration`")


def _known_names(experiment: Experiment) -> list[str]:
    """The configuration's, and those of the secrets with and without their groups."""
    groups = [group for group in experiment.secrets.values() if isinstance(group, dict)]
    return [*experiment.configuration, *experiment.secrets, *(str(name) for group in groups for name in group)]


def _calls(experiment: Experiment) -> Iterator[tuple[Path, Native | Provider]]:
    for at, probe in (*facts.probes(experiment), *facts.stop_rules(experiment)):
        yield at, probe.call
    for key, steps in (("method", experiment.method), ("rollbacks", experiment.rollbacks)):
        for number, step in enumerate(steps):
            yield (key, number), step.call
