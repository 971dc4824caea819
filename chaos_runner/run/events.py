"""What can happen in a run, one frozen type each. The journal is a list of these, and everything else is read from it.

Some are *facts* that come from the world (a sample, an act that was applied, a signal) and some are *decisions* that
the loop makes about them (a stage begins, the run stops). `durable` says that the event must be on disk before
whatever follows from it is done. `t` is seconds since the run began.
"""

from enum import StrEnum
from typing import Any, ClassVar, Final

from msgspec import Struct

from chaos_runner.contracts import Act, Answer, Evidence, Grade
from chaos_runner.experiment.model import ProviderUndo
from chaos_runner.plan.limits import Aim
from chaos_runner.plan.model import Plan

VERSION: Final = 1


class Stage(StrEnum):
    """Where a run is. Each leads only to a later one."""

    CHECKING = "checking"
    BEFORE = "before"
    REHEARSING = "rehearsing"
    METHOD = "method"
    READING = "reading"
    UNDOING = "undoing"
    AFTER = "after"
    OVER = "over"

    @property
    def place(self) -> int:
        """Its number in the order in which stages follow each other."""
        return tuple(Stage).index(self)


class Phase(StrEnum):
    """Which part of the hypothesis a sample speaks for: measured from the first apply and the last undo."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


class Verdict(StrEnum):
    """What a run says about the system."""

    PASSED = "passed"
    DEVIATED = "deviated"
    NOT_STARTED = "not-started"
    ABORTED = "aborted"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    INTERRUPTED = "interrupted"


class RestoredState(StrEnum):
    """Whether what the run touched is back. Never mixed with the verdict."""

    RESTORED = "restored"
    REPORTED = "reported"
    NOTHING = "nothing-to-restore"
    NOT_RESTORED = "not-restored"
    UNKNOWN = "unknown"


class StopKind(StrEnum):
    """What ended a run early."""

    RULE = "rule"
    GATE = "gate"
    BLIND = "blind"
    SIGNAL = "signal"
    ASKED = "asked"
    LIMIT = "limit"
    FAULT_FAILED = "fault-failed"
    DIED = "died"
    JOURNAL_LOST = "journal-lost"
    BUG = "bug"
    FAIL_FAST = "fail-fast"
    CONTROL = "control"
    STEP_BROKE = "step-broke"
    STEP_LEFT = "step-left"


class Refusal(StrEnum):
    """Why `prepare` said no."""

    REFUSED = "refused"
    NO_TARGET = "no-target"
    NO_EFFECT = "no-effect"


class Event(Struct, frozen=True, kw_only=True, tag_field="type"):
    """The root of everything that can happen."""

    durable: ClassVar[bool] = False
    sealed: ClassVar[bool] = True
    """Whether its line in a journal carries a hash of its own; what does not is in the hash of the next that does."""
    t: float


class RunStarted(Event, frozen=True, kw_only=True, tag=True):
    """The first event of every journal: with the plan alone, recovery knows all it may have to undo."""

    durable = True
    plan: Plan


class StageBegan(Event, frozen=True, kw_only=True, tag=True):
    """A decision: the run went on to its next stage."""

    stage: Stage


class Checked(Event, frozen=True, kw_only=True, tag=True):
    """A fault's first `prepare`, before anything was touched: these targets would be hit."""

    step: str
    targets: list[Aim]


class Limited(Event, frozen=True, kw_only=True, tag=True):
    """A decision: what the faults together would do is beyond a limit, so none is injected."""

    text: str


class Declined(Event, frozen=True, kw_only=True, tag=True):
    """A fault's `prepare` said no. `early` when that was before the first fault."""

    step: str
    why: Refusal
    text: str
    early: bool


class Prepared(Event, frozen=True, kw_only=True, tag=True):
    """The intention of a native fault: on disk before the first of these acts is applied. A fault that acts again has
    one for each round, whose acts are numbered on.
    """

    durable = True
    step: str
    acts: list[Act]


class Applied(Event, frozen=True, kw_only=True, tag=True):
    """An act came to its end, with the evidence that it did."""

    entry: str
    evidence: Evidence


class ApplyFailed(Event, frozen=True, kw_only=True, tag=True):
    """An act raised. Unless it was a refusal, something may have been changed."""

    entry: str
    text: str
    may_have_changed: bool
    why: Refusal | None = None


class Looked(Event, frozen=True, kw_only=True, tag=True):
    """How it was before a Chaos Toolkit action whose way back has to know: on disk before the action is called.

    `refused` says why there would be no way back: then it is not called. Without acts there is nothing to bring back.
    """

    durable = True
    step: str
    acts: list[Act] = []
    refused: str = ""


class StepBegan(Event, frozen=True, kw_only=True, tag=True):
    """The intention of a Chaos Toolkit activity: on disk before it is called. Carries the author's undo, if any."""

    durable = True
    step: str
    undo: ProviderUndo | None = None


class StepEnded(Event, frozen=True, kw_only=True, tag=True):
    """A Chaos Toolkit activity, or a native probe of the method, came to its end. `off`: its tolerance is not met."""

    step: str
    ok: bool
    grade: Grade
    output: Any = None
    error: list[str] = []
    note: str = ""
    off: str = ""
    called_t: float = 0.0
    halts: StopKind | None = None
    """By chaoslib's rules (`Manner.chaoslib`) an activity that could not be called, or that left, ends the run."""


class StepSkipped(Event, frozen=True, kw_only=True, tag=True):
    """A decision: this activity is gone through and not called, because the run is a dry one."""

    step: str


class Controlled(Event, frozen=True, kw_only=True, tag=True):
    """Chaos Toolkit's controls were called. `subject` is an activity: m0, r0, p0; `reading` is one of the hypothesis.

    `interrupt` is what a control said that wants the run to stop. `late` ones have not come back in their time.
    """

    level: str
    moment: str
    subject: str = ""
    reading: str = ""
    interrupt: str = ""
    note: str = ""
    late: bool = False


class StepAbandoned(Event, frozen=True, kw_only=True, tag=True):
    """A decision: this step could not be cut and is left behind."""

    step: str


class Sampled(Event, frozen=True, kw_only=True, tag=True, omit_defaults=True, gc=False):
    """A probe was read. `good` is None when nothing can be said: `missing` data, or a judge that raised (`doubt`)."""

    sealed = False
    probe: int
    phase: Phase
    good: bool | None
    value: Any = None
    missing: bool = False
    doubt: str = ""
    note: str = ""
    took_s: float = 0.0


class Tripped(Event, frozen=True, kw_only=True, tag=True):
    """In a rehearsal: a value was invented that a stop rule must call bad, and its judge was asked."""

    durable = True
    probe: int
    good: bool | None
    value: Any = None
    doubt: str = ""


class Rehearsed(Event, frozen=True, kw_only=True, tag=True):
    """In a rehearsal: so long after the invented sample an undo could have begun, had the rule tripped in earnest."""

    probe: int
    trips: bool
    took_s: float


class UndoBegan(Event, frozen=True, kw_only=True, tag=True):
    """A decision: this entry is undone now."""

    durable = True
    entry: str


class Undone(Event, frozen=True, kw_only=True, tag=True):
    """An undo came to its end without an error. `called_t` is when it was called."""

    entry: str
    called_t: float = 0.0


class UndoFailed(Event, frozen=True, kw_only=True, tag=True):
    """An undo raised, or did not end in its time."""

    entry: str
    text: str
    called_t: float = 0.0
    by_hand: str = ""


class Verified(Event, frozen=True, kw_only=True, tag=True):
    """Looking back: `answer` is None when it could not be told (or there is no way to look, `blind`)."""

    durable = True
    entry: str
    answer: Answer | None
    diff: str = ""
    by_hand: str = ""
    blind: bool = False


class LookedBack(Event, frozen=True, kw_only=True, tag=True):
    """What became of an entry's target since it was hit, line by line, as the platform tells it."""

    entry: str
    lines: list[str]


class WasLetGo(Event, frozen=True, kw_only=True, tag=True):
    """What a fault has kept other runs off is free for them again; `note` says why it may not be, until it expires."""

    step: str
    note: str = ""


class SignalCame(Event, frozen=True, kw_only=True, tag=True):
    """A signal asked the run to stop."""

    signal: str
    exit: int


class StopRequested(Event, frozen=True, kw_only=True, tag=True):
    """Somebody asked the run to stop. `by` is empty where only a signal said so."""

    by: str


class RunnerDied(Event, frozen=True, kw_only=True, tag=True):
    """The runner is gone, and `by` brings back what it left: the first event after a crash.

    It may also come after RunEnded (`over`): when a step that could not be cut was left behind and may have acted
    since, or when something was not restored and is tried again.
    """

    durable = True
    by: str
    over: bool = False


class JournalLost(Event, frozen=True, kw_only=True, tag=True):
    """The journal can no longer be written. Told to the loop, and to nobody who reads the journal."""

    text: str


class Stopped(Event, frozen=True, kw_only=True, tag=True):
    """A decision: the run ends early. `sample_t` is when the sample that tripped a rule was taken."""

    durable = True
    kind: StopKind
    text: str
    exit: int = 4
    rule: str = ""
    sample_t: float | None = None


class BugMet(Event, frozen=True, kw_only=True, tag=True):
    """An error in chaos-runner itself; `trace` is for its developers."""

    text: str
    trace: str


class Reason(Struct, frozen=True, kw_only=True):
    """Why the verdict is what it is. Codes are stable and explained by `chaos-runner explain`."""

    code: str
    text: str


class RunEnded(Event, frozen=True, kw_only=True, tag=True):
    """The last event of every complete journal."""

    durable = True
    verdict: Verdict
    restored: RestoredState
    exit: int
    sentence: str
    reasons: list[Reason]


AnyEvent = (
    RunStarted | StageBegan | Checked | Declined | Limited | Tripped | Rehearsed | Prepared | Applied | ApplyFailed
    | Looked | StepBegan | StepEnded | StepAbandoned | Sampled | UndoBegan | Undone | UndoFailed | Verified | LookedBack
    | SignalCame | StopRequested | Stopped | JournalLost | RunnerDied | BugMet | RunEnded | StepSkipped | Controlled
    | WasLetGo
)
Fact = (
    Checked | Declined | Tripped | Rehearsed | Prepared | Looked | Applied | ApplyFailed | StepEnded | Sampled | Undone
    | UndoFailed | Verified | LookedBack | SignalCame | StopRequested | JournalLost | RunnerDied | BugMet | Controlled
    | WasLetGo
)
