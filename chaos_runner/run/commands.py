"""What the loop may ask of the world. Each has a key, so that nothing is asked twice while it is under way."""

from enum import StrEnum
from typing import ClassVar, Final

from msgspec import Struct

from chaos_runner.contracts import Act
from chaos_runner.plan.limits import Aim
from chaos_runner.run.events import Phase


class Command(Struct, frozen=True):
    """The root of everything that can be asked for. `verb` and the first field make its key."""

    verb: ClassVar[str]

    @property
    def key(self) -> str:
        """What this asks for, and of whom."""
        return f"{self.verb}:{getattr(self, self.__struct_fields__[0])}"


class Check(Command, frozen=True):
    """Look whom a fault would hit, before anything is touched. Answered by Checked or Declined."""

    verb = "check"
    step: str


class Prepare(Command, frozen=True):
    """Look again, right before the apply. Answered by Prepared or Declined."""

    verb = "step"
    step: str
    others: tuple[Aim, ...] = ()
    """Whom other faults, and other rounds of this one, hit already: limits hold for all together."""
    round: int = 0
    """Which round of a fault that acts again, from 1 on."""


class Apply(Command, frozen=True):
    """Apply one recorded act. Answered by Applied or ApplyFailed."""

    verb = "apply"
    entry: str


class RunStep(Command, frozen=True):
    """Call a Chaos Toolkit activity, or a native probe of the method. Answered by StepEnded."""

    verb = "step"
    step: str


class Look(Command, frozen=True):
    """Look how it is before a Chaos Toolkit action whose way back has to know is called. Answered by Looked."""

    verb = "look"
    step: str
    earlier: tuple[Act, ...] = ()
    """What such actions of this run have done before."""


class KillStep(Command, frozen=True):
    """End the process group of a busy process step. Its StepEnded follows."""

    verb = "kill"
    step: str


class Read(Command, frozen=True):
    """Read a probe once. Answered by Sampled."""

    verb = "read"
    probe: int
    phase: Phase


class Trip(Command, frozen=True):
    """Invent a bad sample of a stop rule. Answered by Tripped."""

    verb = "trip"
    probe: int


class BeReady(Command, frozen=True):
    """Be where an undo would begin, after a rehearsed trip at `since_t`. Answered by Rehearsed."""

    verb = "ready"
    probe: int
    trips: bool
    since_t: float


class Control(Command, frozen=True):
    """Call Chaos Toolkit's controls, and who else attends the run, about one moment. Answered by Controlled."""

    verb = "control"
    level: str
    moment: str
    subject: str = ""
    reading: str = ""

    @property
    def key(self) -> str:
        """About which moment, of what."""
        return f"{self.verb}:{self.level}:{self.moment}:{self.subject}:{self.reading}"

    @classmethod
    def of(cls, key: str) -> "Control":
        """The one that has this key."""
        return cls(*key.split(":")[1:])

    @property
    def beginning(self) -> "Control":
        """The same about the moment before."""
        return Control(self.level, "before", self.subject, self.reading)


class Undo(Command, frozen=True):
    """Undo one entry. Answered by Undone or UndoFailed."""

    verb = "undo"
    entry: str


class Verify(Command, frozen=True):
    """Look whether one entry is back. Answered by Verified."""

    verb = "verify"
    entry: str


class LookBack(Command, frozen=True):
    """Look what became of one entry's target. Answered by LookedBack."""

    verb = "aftermath"
    entry: str


class LetGo(Command, frozen=True):
    """Let go of what a fault's run has kept others off. Answered by WasLetGo."""

    verb = "let-go"
    step: str
    acts: tuple[Act, ...]


OF_AN_ENTRY: Final = (Apply, Undo, Verify, LookBack)
"""What is done to one recorded act, or asked about it."""


class Timer(StrEnum):
    """What a moment was waited for."""

    SAMPLE = "sample"
    BASELINE = "baseline"
    PAUSE_BEFORE = "pause-before"
    PAUSE_AFTER = "pause-after"
    DURATION = "duration"
    AGAIN = "again"
    LIMIT = "limit"
    RETRY = "retry"
    SETTLE = "settle"
    UNDO_LATE = "undo-late"
    VERIFY_LATE = "verify-late"
    GRACE = "grace"
    LATE = "late"
    RECOVERY = "recovery"
    REREAD = "reread"
    ROUND = "round"


class Wake(Command, frozen=True):
    """Say so when the run is `at` seconds old. Answered by Woke."""

    verb = "wake"
    at: float
    timer: Timer
    subject: str = ""
    asked_t: float = 0.0

    @property
    def key(self) -> str:
        """Which timer, and of whom."""
        return f"{self.timer}:{self.subject}"


class Woke(Struct, frozen=True):
    """The answer to Wake. Not an event: time passing is nothing that happened."""

    t: float
    wake: Wake
