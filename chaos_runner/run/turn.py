"""One breath of the loop: collects events and commands while the run moves on."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import structs

from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run.commands import Command, Timer, Wake, Woke
from chaos_runner.run.events import Stage, StopKind
from chaos_runner.run.patience import late_s, may_hang
from chaos_runner.run.run import Run


class Turn:
    """What one item leads to. `openings` says what is done first in a stage that is entered."""

    def __init__(self, run: Run, openings: "Openings") -> None:
        self.run = run
        self.events: list[ev.Event] = []
        self.commands: list[Command] = []
        self._openings = openings

    @property
    def t(self) -> float:
        return self.run.t

    def note(self, event: ev.Event) -> None:
        """It has happened: it goes into the journal, and what asked for it is answered."""
        self.run = self.run.after(event)
        self.events.append(event)
        answered = _ANSWERS.get(type(event))
        if answered:
            self._drop(answered(event))

    def woke(self, woke: Woke) -> None:
        """A moment that was waited for has come."""
        self.run = structs.replace(self.run, t=max(self.run.t, woke.t))
        self._drop(woke.wake.key)

    def ask(self, command: Command) -> None:
        """It is to be done. What may hang is given up after its time: one timer each is enough."""
        key = command.key
        self.commands.append(command)
        asked = self.run.pending.asked.copy()  # much sooner than `{**asked}`, and with many probes it is long
        asked[key] = self.t
        self.pend(asked=asked)
        if may_hang(command) and not self.asked(f"{Timer.LATE}:{key}"):
            self.wake_in(late_s(self.run, command), Timer.LATE, key)

    def wake_in(self, after_s: float, timer: Timer, subject: str = "") -> None:
        """The run is to go on at that moment at the latest."""
        self.ask(Wake(self.t + after_s, timer, subject, self.t))

    def asked(self, key: str) -> bool:
        """Whether that is under way."""
        return key in self.run.pending.asked

    def any_asked(self, prefix: str) -> bool:
        """Whether anything of that kind is under way."""
        return any(key.startswith(prefix) for key in self.run.pending.asked)

    def pend(self, **changes: object) -> None:
        """Changes what is known of this process alone."""
        self.run = structs.replace(self.run, pending=structs.replace(self.run.pending, **changes))

    def heard(self, control: co.Control) -> bool:
        """Asks the controls once about a moment. True when they have been heard, or there are none (any more)."""
        pending = self.run.pending
        if not pending.attended or (control.moment == "after" and control.beginning.key not in pending.begun):
            return True
        if control.key in pending.begun:
            return not self.asked(control.key)
        self.pend(begun={**pending.begun, control.key: control.reading})
        self.ask(control)
        return False

    def enter(self, stage: Stage) -> None:
        """The run goes on to that stage."""
        self.note(ev.StageBegan(t=self.t, stage=stage))
        opening = self._openings.get(stage)
        if opening:
            opening(self)

    def stop(self, kind: StopKind, text: str, *, exit: int = 4, rule: str = "", sample_t: float | None = None) -> None:  # noqa: A002
        """The run ends early. The first reason counts; undoing that has begun goes on."""
        if self.run.stop is not None or self.run.stage is Stage.OVER:
            return
        self.note(ev.Stopped(t=self.t, kind=kind, text=text, exit=exit, rule=rule, sample_t=sample_t))
        if self.run.stage.place < Stage.UNDOING.place:
            self.enter(Stage.UNDOING)

    def _drop(self, key: str) -> None:
        asked = self.run.pending.asked
        if key in asked:
            left = asked.copy()
            del left[key]
            self.pend(asked=left)


Openings = Mapping[Stage, Callable[[Turn], None]]
_ANSWERS: Final[dict[type, Callable[..., str]]] = {
    ev.Checked: lambda event: f"check:{event.step}",
    ev.Declined: lambda event: f"{'check' if event.early else 'step'}:{event.step}",
    ev.Prepared: lambda event: f"step:{event.step}",
    ev.Looked: lambda event: f"look:{event.step}",
    ev.Tripped: lambda event: f"trip:{event.probe}",
    ev.Rehearsed: lambda event: f"ready:{event.probe}",
    ev.Applied: lambda event: f"apply:{event.entry}",
    ev.ApplyFailed: lambda event: f"apply:{event.entry}",
    ev.StepEnded: lambda event: f"step:{event.step}",
    ev.Sampled: lambda event: f"read:{event.probe}",
    ev.Controlled: lambda event: f"control:{event.level}:{event.moment}:{event.subject}:{event.reading}",
    ev.Undone: lambda event: f"undo:{event.entry}",
    ev.UndoFailed: lambda event: f"undo:{event.entry}",
    ev.WasLetGo: lambda event: f"let-go:{event.step}",
    ev.LookedBack: lambda event: f"aftermath:{event.entry}",
    ev.Verified: lambda event: f"verify:{event.entry}",
}
