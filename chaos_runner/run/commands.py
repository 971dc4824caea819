"""What the loop may ask of the world. Each has a key, so that nothing is asked twice while it is under way."""

from enum import StrEnum

from msgspec import Struct

from chaos_runner.run.events import Phase


class Command(Struct, frozen=True):
    """The root of everything that can be asked for."""

    @property
    def key(self) -> str:
        raise TypeError("a command has a key")


class Check(Command, frozen=True):
    """Look whom a fault would hit, before anything is touched. Answered by Checked or Declined."""

    step: str

    @property
    def key(self) -> str:
        return f"check:{self.step}"


class Prepare(Command, frozen=True):
    """Look again, right before the apply. Answered by Prepared or Declined."""

    step: str

    @property
    def key(self) -> str:
        return f"step:{self.step}"


class Apply(Command, frozen=True):
    """Apply one recorded act. Answered by Applied or ApplyFailed."""

    entry: str

    @property
    def key(self) -> str:
        return f"apply:{self.entry}"


class RunStep(Command, frozen=True):
    """Call a Chaos Toolkit activity, or a native probe of the method. Answered by StepEnded."""

    step: str

    @property
    def key(self) -> str:
        return f"step:{self.step}"


class KillStep(Command, frozen=True):
    """End the process group of a busy process step. Its StepEnded follows."""

    step: str

    @property
    def key(self) -> str:
        return f"kill:{self.step}"


class Read(Command, frozen=True):
    """Read a probe once. Answered by Sampled."""

    probe: int
    phase: Phase

    @property
    def key(self) -> str:
        return f"read:{self.probe}"


class Undo(Command, frozen=True):
    """Undo one entry. Answered by Undone or UndoFailed."""

    entry: str

    @property
    def key(self) -> str:
        return f"undo:{self.entry}"


class Verify(Command, frozen=True):
    """Look whether one entry is back. Answered by Verified."""

    entry: str

    @property
    def key(self) -> str:
        return f"verify:{self.entry}"


class Timer(StrEnum):
    """What a moment was waited for."""

    SAMPLE = "sample"
    BASELINE = "baseline"
    PAUSE_BEFORE = "pause-before"
    PAUSE_AFTER = "pause-after"
    DURATION = "duration"
    RETRY = "retry"
    UNDO_LATE = "undo-late"
    VERIFY_LATE = "verify-late"
    GRACE = "grace"
    RECOVERY = "recovery"


class Wake(Command, frozen=True):
    """Say so when the run is `at` seconds old. Answered by Woke."""

    at: float
    timer: Timer
    subject: str = ""

    @property
    def key(self) -> str:
        return f"{self.timer}:{self.subject}"


class Woke(Struct, frozen=True):
    """The answer to Wake. Not an event: time passing is nothing that happened."""

    t: float
    wake: Wake
