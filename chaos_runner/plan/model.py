"""The Plan: an experiment with everything decided that can be decided before anything is touched."""

from msgspec import Struct

from chaos_runner.contracts import Band
from chaos_runner.experiment.model import Experiment, Probe, RollbackStrategy, Step


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

    def step(self, key: str) -> Step:
        """The step of that key. Raises KeyError."""
        steps = self.experiment.method if key.startswith("m") else self.experiment.rollbacks
        return steps[int(key[1:])]
