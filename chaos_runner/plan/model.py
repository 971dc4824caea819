"""The Plan: an experiment with everything decided that can be decided before anything is touched."""

from typing import Any

import msgspec
from msgspec import Struct

from chaos_runner.contracts import UNDO_S, Act, Band
from chaos_runner.experiment.model import (
    Dry,
    Experiment,
    Gate,
    HypothesisStrategy,
    Probe,
    RollbackStrategy,
    Safeguards,
    Step,
    StepKind,
)


class FaultCard(Struct, frozen=True, kw_only=True):
    """What the shelf says of a fault, kept with the run so that its journal can be read without the shelf.

    `does` and `way_back` are the two halves of its first line: "stops processes", "undo lets them go on".
    """

    band: Band
    healed_by: str = ""
    does: str = ""
    way_back: str = ""
    tells_aftermath: bool = False
    undo_s: float = UNDO_S
    holds: bool = False

    @property
    def reversible(self) -> bool:
        return not self.healed_by


class Planned(Struct, frozen=True, kw_only=True):
    """One target as a plan has it: what people call it, and what identifies it for good."""

    label: str
    target: dict[str, Any]

    @classmethod
    def of(cls, act: Act) -> "Planned":
        """The target of an act, as data that can be compared with what a file says."""
        return cls(label=act.label, target=msgspec.to_builtins(act.target))


class Origin(Struct, frozen=True, kw_only=True):
    """Who started the run, from where, with what. `through` is "a terminal", "CI" or "a script"."""

    user: str
    host: str
    pid: int
    version: str
    python: str
    platform: str
    through: str = ""


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
    safeguards: Safeguards = Safeguards()
    """Of the experiment and of all that surrounds it."""
    environment: str = ""
    production: bool = False
    planned: dict[str, list[Planned]] | None = None
    """Per fault, the only targets that may be hit: those that somebody has seen in a plan. None: whoever matches."""
    manner: Manner = Manner()

    @property
    def probes(self) -> tuple[Probe, ...]:
        """The hypothesis' probes, in file order."""
        return self.experiment.hypothesis.probes if self.experiment.hypothesis else ()

    @property
    def watched(self) -> tuple[Probe, ...]:
        """Every probe that may be read: the hypothesis' first, then the stop rules', then the gates'. A probe's number
        is its index.
        """
        return self.probes + self.experiment.stop_rules + tuple(gate.probe for gate in self.safeguards.gates)

    @property
    def gates(self) -> range:
        """The numbers of the gates' probes."""
        most = len(self.watched)
        return range(most - len(self.safeguards.gates), most)

    def gate(self, number: int) -> Gate:
        """The gate whose probe has that number."""
        return self.safeguards.gates[number - self.gates.start]

    @property
    def baseline_s(self) -> float:
        """How long "before" lasts: nothing when nothing is sampled in it."""
        if self.experiment.hypothesis is None or not any(probe.every_s for probe in self.probes):
            return 0.0
        return self.experiment.hypothesis.baseline_s

    def healed_by(self, step: Step) -> str:
        """Who heals what an action does, where it cannot be undone; "" where it can, or nobody knows."""
        if step.known:
            return step.known.healed_by
        return self.cards[step.key].healed_by if step.key in self.cards else ""

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

    def is_single_shot(self, number: int) -> bool:
        """Whether that probe is the hypothesis' and read at certain moments only. Asked with every sample."""
        probes = self.probes
        return number < len(probes) and not probes[number].every_s

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
