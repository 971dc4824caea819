"""The Plan: an experiment with everything decided that can be decided before anything is touched."""

from msgspec import Struct

from chaos_runner.contracts import Band
from chaos_runner.experiment.model import (
    Dry,
    Experiment,
    HypothesisStrategy,
    Probe,
    RollbackStrategy,
    Step,
    StepKind,
)


class FaultCard(Struct, frozen=True, kw_only=True):
    """What the shelf says of a fault, kept with the run so that its journal can be read without the shelf."""

    band: Band
    healed_by: str = ""

    @property
    def reversible(self) -> bool:
        return not self.healed_by


class Origin(Struct, frozen=True, kw_only=True):
    """Who started the run, where, with what."""

    user: str
    host: str
    pid: int
    version: str
    python: str
    platform: str


class Manner(Struct, frozen=True, kw_only=True):
    """What Chaos Toolkit lets people ask of a run beside its file. `fail_fast_percent` is of the rounds so far."""

    hypothesis: HypothesisStrategy = HypothesisStrategy.DEFAULT
    frequency_s: float = 1.0
    fail_fast: bool = False
    fail_fast_percent: float = 0.0
    dry: Dry | None = None
    attended: bool = False
    """Whether anybody is to be called around what is done: controls, or those who handle events."""
    chaoslib: bool = False
    """The policy of `toolkit.run_experiment`: chaoslib's order, and its rules for the author's rollbacks."""


class Plan(Struct, frozen=True, kw_only=True):
    """What the loop follows. `longest_s` is the longest the run may take, undo included; marks expire after it."""

    run: str
    experiment: Experiment
    origin: Origin
    seed: int
    cards: dict[str, FaultCard]
    strategy: RollbackStrategy
    recovers_within_s: float
    longest_s: float
    expires: str
    started: str
    digest: str
    hypothesis_only: bool = False
    manner: Manner = Manner()

    @property
    def probes(self) -> tuple[Probe, ...]:
        """The hypothesis' probes, in file order."""
        return self.experiment.hypothesis.probes if self.experiment.hypothesis else ()

    @property
    def watched(self) -> tuple[Probe, ...]:
        """Every probe that may be read: the hypothesis' first, then the stop rules'. A probe's number is its index."""
        return self.probes + self.experiment.stop_rules

    @property
    def baseline_s(self) -> float:
        """How long "before" lasts: nothing when nothing is sampled in it."""
        if self.experiment.hypothesis is None or not any(probe.every_s for probe in self.probes):
            return 0.0
        return self.experiment.hypothesis.baseline_s

    def is_called(self, activity: Step | Probe) -> bool:
        """Whether the activity is called, and not only gone through by a dry run."""
        kind = activity.kind if isinstance(activity, Step) else StepKind.PROBE
        return not any(dry and dry.covers(kind) for dry in (activity.dry, self.manner.dry))

    def pauses(self, step: Step) -> bool:
        """Whether the pauses around a step are kept: no dry run keeps those of what it does not call."""
        return self.is_called(step) and Dry.PAUSE not in (step.dry, self.manner.dry)

    @property
    def single_shot(self) -> tuple[int, ...]:
        """The numbers of the hypothesis' probes that are read at certain moments only."""
        return tuple(number for number, probe in enumerate(self.probes) if not probe.every_s)

    def measures(self, number: int, *, before: bool) -> bool:
        """Whether a probe of the hypothesis is read before, or after, the method at all. Stop rules always are."""
        if number >= len(self.probes):
            return True
        probe, strategy = self.probes[number], self.manner.hypothesis
        moment = strategy.reads_before if before else strategy.reads_after
        return self.is_called(probe) and (probe.every_s is not None or moment)

    def step(self, key: str) -> Step:
        """The step of that key. Raises KeyError."""
        steps = self.experiment.method if key.startswith("m") else self.experiment.rollbacks
        return steps[int(key[1:])]
