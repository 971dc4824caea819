"""The nouns of an experiment, as its author wrote them: frozen, typed, with units already turned into numbers.

`${name}` is kept as written: configuration and secrets meet it only in the engine, so that no value of a secret ever
stands in an Experiment, a Plan or a journal.
"""

from enum import StrEnum
from math import ceil
from typing import Any

from msgspec import Struct

from chaos_runner.contracts import UNDO_S
from chaos_runner.experiment.findings import Place
from chaos_runner.units import Unit

NATIVE_INTERVAL_S = 1.0
BASELINE_S = 5.0
MISSING_FOR_S = 10.0
STEADY_SAMPLES = 5
"""Good samples in a row that make a sampled probe recovered."""


class Native(Struct, frozen=True, tag=True):
    """A fault or a probe from our own shelf."""

    name: str
    arguments: dict[str, Any] = {}
    target: dict[str, Any] = {}


class Provider(Struct, frozen=True, tag=True):
    """A Chaos Toolkit provider, kept as the mapping chaoslib reads: `type` is python, process or http."""

    spec: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.spec.get("type", ""))


Call = Native | Provider


class Comparison(StrEnum):
    """How a limit compares. `between` includes both ends."""

    BELOW = "below"
    ABOVE = "above"
    AT_LEAST = "at-least"
    AT_MOST = "at-most"
    BETWEEN = "between"
    EQUALS = "equals"


class Limit(Struct, frozen=True, tag=True, kw_only=True):
    """A native condition on a value: `bounds` has two members for `between`, one otherwise."""

    comparison: Comparison
    bounds: tuple[Any, ...]
    unit: Unit = Unit.COUNT


class Tolerance(Struct, frozen=True, tag=True):
    """A Chaos Toolkit tolerance, judged by chaoslib's own function."""

    spec: Any


class AnyAnswer(Struct, frozen=True, tag=True):
    """Every value is good, as long as there is one: a stop rule that has only `missing-for`."""


Judge = Limit | Tolerance | AnyAnswer


class StepKind(StrEnum):
    """An action changes the system, a probe only looks."""

    ACTION = "action"
    PROBE = "probe"


class Dry(StrEnum):
    """What is only gone through and not called, as in Chaos Toolkit. `pause` leaves the pauses out and calls all."""

    PROBES = "probes"
    ACTIONS = "actions"
    ACTIVITIES = "activities"
    PAUSE = "pause"

    def covers(self, kind: StepKind) -> bool:
        """Whether activities of this kind are not called."""
        return self is Dry.ACTIVITIES or self.value == f"{kind}s"


class Probe(Struct, frozen=True, kw_only=True):
    """A question to the system. Without `every_s` it is single-shot: read before, at the end, and after the undo."""

    name: str
    call: Call
    judge: Judge
    place: Place
    every_s: float | None = None
    allow: float | None = None
    held_for_s: float | None = None
    missing_for_s: float = MISSING_FOR_S
    unit: Unit = Unit.COUNT
    dry: Dry | None = None
    bad_when_met: bool = False
    """True for a stop rule with a condition: it says which values are bad, every other judge which are good."""


class Hypothesis(Struct, frozen=True, kw_only=True):
    """The steady state, and how long "before" is sampled and "after" may take."""

    title: str
    probes: tuple[Probe, ...]
    baseline_s: float = BASELINE_S
    recovers_within_s: float | None = None


class ProviderUndo(Struct, frozen=True, kw_only=True):
    """The author's way back of a Chaos Toolkit action: a provider call, and a probe that verifies it."""

    call: Provider
    verify: Probe | None = None


class KnownUndo(Struct, frozen=True, kw_only=True):
    """The way back that we know of an action of another package, and that looks how it was before it is called.

    `action` is its whole path, `says` how it is undone in a few words, `undo_s` the longest that this may take. What
    cannot be undone has `healed_by` instead.
    """

    action: str
    says: str = ""
    healed_by: str = ""
    undo_s: float = UNDO_S

    @property
    def looks(self) -> bool:
        return not self.healed_by


class Step(Struct, frozen=True, kw_only=True):
    """One activity of the method or the rollbacks. `key` names it in the journal: m0, m1, … and r0, r1, …

    `tolerance` is Chaos Toolkit's, which ignores it there: when it is not met, no run passes.
    """

    key: str
    name: str
    kind: StepKind
    call: Call
    place: Place
    duration_s: float | None = None
    every_s: float | None = None
    """How often a fault acts again, until its duration is over: one that its platform heals."""
    background: bool = False
    pause_before: float | str = 0.0
    pause_after: float | str = 0.0
    expect: Any = None
    tolerance: Tolerance | None = None
    undo: ProviderUndo | None = None
    known: KnownUndo | None = None
    dry: Dry | None = None

    @property
    def is_fault(self) -> bool:
        """True for a native fault: it has the four verbs and needs no rollback."""
        return self.kind is StepKind.ACTION and isinstance(self.call, Native)

    @property
    def rounds(self) -> int:
        """How often it acts: at its beginning, and again each `every_s` before its duration is over."""
        return ceil(round((self.duration_s or 0.0) / self.every_s, 6)) if self.every_s else 1


class RollbackStrategy(StrEnum):
    """When the author's rollbacks run. `safe`: as soon as any action was started. The rest are Chaos Toolkit's."""

    SAFE = "safe"
    DEFAULT = "default"
    ALWAYS = "always"
    NEVER = "never"
    DEVIATED = "deviated"


class Limits(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run never exceeds, and who says so. Of several, each holds. An empty list of patterns allows everything.

    `max_share` is of each group that targets are chosen from, all faults together, in each round of one that acts
    again; `max_targets` is of all faults and all rounds together; `max_duration_s` is from the first fault to the
    beginning of the undo.
    """

    source: str
    max_share: float | None = None
    max_targets: int | None = None
    max_duration_s: float | None = None
    namespaces: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()


class Protected(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What no fault may hit, and who says so: by the patterns of its name, or by a label or tag and its value."""

    source: str
    names: tuple[str, ...] = ()
    labels: dict[str, str] = {}


class ConfirmAbove(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From where on a person is asked: more than that share of a group, or more than so many targets."""

    share: float | None = None
    targets: int | None = None


class Gate(Struct, frozen=True, kw_only=True):
    """A question that must have a good answer before the first fault, and who asks it. Without an answer it is closed.

    With `probe.every_s` it is asked again and again, and ends the run when it closes. With `defer_s` one that was read
    and is closed only puts the run off: it may be tried again so much later.
    """

    source: str
    probe: Probe
    defer_s: float | None = None


class Safeguards(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that only ever narrows what a run may do. Experiment, chaos.yaml, environment and policy all have it.
    """

    limits: tuple[Limits, ...] = ()
    protected: tuple[Protected, ...] = ()
    gates: tuple[Gate, ...] = ()
    confirm_above: tuple[ConfirmAbove, ...] = ()
    require_proof: bool = False
    require_verified_undo: bool = False
    rehearse: bool = False
    locks: tuple[str, ...] = ()
    abort_latency_max_s: float | None = None

    def and_also(self, other: "Safeguards") -> "Safeguards":
        """Both: whatever either forbids is forbidden."""
        latencies_s = [found for found in (self.abort_latency_max_s, other.abort_latency_max_s) if found is not None]
        return Safeguards(
            limits=self.limits + other.limits, protected=self.protected + other.protected,
            gates=self.gates + other.gates, confirm_above=self.confirm_above + other.confirm_above,
            require_proof=self.require_proof or other.require_proof,
            require_verified_undo=self.require_verified_undo or other.require_verified_undo,
            rehearse=self.rehearse or other.rehearse, locks=tuple(dict.fromkeys(self.locks + other.locks)),
            abort_latency_max_s=min(latencies_s, default=None))


class Used(Struct, frozen=True, kw_only=True):
    """A reusable probe that `use:` has put into the experiment: its name, its file, and its part of that file's text.

    Secrets in the text are redacted before it reaches a journal.
    """

    name: str
    file: str
    text: str


class HypothesisStrategy(StrEnum):
    """When Chaos Toolkit's single-shot probes are read. What has `every` is sampled all the time in any case."""

    DEFAULT = "default"
    BEFORE_METHOD = "before-method-only"
    AFTER_METHOD = "after-method-only"
    DURING_METHOD = "during-method-only"
    CONTINUOUSLY = "continuously"
    SKIP = "skip"

    @classmethod
    def of(cls, word: str) -> "HypothesisStrategy":
        """The strategy of that name; Chaos Toolkit's other two spellings of `continuously` too. Raises ValueError."""
        return cls.CONTINUOUSLY if word in OTHER_SPELLINGS else cls(word)

    @property
    def reads_before(self) -> bool:
        return self in (HypothesisStrategy.DEFAULT, HypothesisStrategy.BEFORE_METHOD, HypothesisStrategy.CONTINUOUSLY)

    @property
    def reads_during(self) -> bool:
        return self in (HypothesisStrategy.DURING_METHOD, HypothesisStrategy.CONTINUOUSLY)

    @property
    def reads_after(self) -> bool:
        return self in (HypothesisStrategy.DEFAULT, HypothesisStrategy.AFTER_METHOD, HypothesisStrategy.CONTINUOUSLY)


OTHER_SPELLINGS = ("continously", "continuous")


class Experiment(Struct, frozen=True, kw_only=True):
    """What is asked."""

    title: str
    description: str
    file: str
    hypothesis: Hypothesis | None
    method: tuple[Step, ...]
    rollbacks: tuple[Step, ...] = ()
    stop_rules: tuple[Probe, ...] = ()
    configuration: dict[str, Any] = {}
    secrets: dict[str, Any] = {}
    tags: tuple[str, ...] = ()
    owner: str = ""
    seed: int | None = None
    safeguards: Safeguards = Safeguards()
    rollback_strategy: RollbackStrategy | None = None
    hypothesis_strategy: HypothesisStrategy | None = None
    has_runtime: bool = False
    """Whether the file has `runtime` at all: then neither of the settings' strategies counts, as in Chaos Toolkit."""
    dry: Dry | None = None
    controlled: bool = False
    """Whether anything in the file has controls."""
    controls_left_out: tuple[str, ...] = ()
    """What was said of controls that cannot be imported: chaoslib goes on without them, and so do we."""
    source: str = ""
    """The file's own text, for the report; secrets in it are redacted before it reaches a journal."""
    used: tuple[Used, ...] = ()
    """The reusable probes that it uses, each once; the probes above are what came of them."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """Method and rollbacks, in file order."""
        return self.method + self.rollbacks
