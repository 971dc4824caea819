"""All control flow of a run: no clock, no thread, no file.

`decide(run, item)` says what has happened because of one item and what is to be done next. An item is a fact from the
world (a step ended, a sample came, a signal arrived) or a moment that was waited for. The stages of a run, each leading
only to a later one:

    checking ─▶ before ─▶ rehearsing ─▶ method ─▶ reading ─▶ undoing ─▶ after ─▶ over
        └─────────┴────────────┴──────────┴─────────┴──▶ a stop leads from any of these straight to undoing

Undo is never interrupted: a stop that arrives while undoing only means that recovery is not sampled afterwards.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from msgspec import structs

from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run import sampling
from chaos_runner.run.commands import Command, Timer, Wake, Woke
from chaos_runner.run.events import Phase, Stage, StopKind
from chaos_runner.run.patience import AFTERMATH_LATE_S, VERB_LATE_S
from chaos_runner.run.run import Run
from chaos_runner.run.stages import after, before, checking, method, over, reading, rehearsing, undoing
from chaos_runner.run.turn import Turn
from chaos_runner.run.verdict import judge

Item = ev.Fact | Woke


class Decision(NamedTuple):
    """The run after the item, the events that tell how it came there, and what to start now."""

    run: Run
    events: list[ev.Event]
    commands: list[Command]


def begin(started: ev.RunStarted) -> Decision:
    """The first breath of a run: every fault is looked at before anything is touched."""
    turn = Turn(Run.of(started), _OPENINGS)
    turn.events.append(started)
    turn.pend(attended=started.plan.manner.attended)
    turn.enter(Stage.CHECKING)
    _advance(turn)
    return Decision(turn.run, turn.events, turn.commands)


def decide(run: Run, item: Item) -> Decision:
    """What has happened because of this item, and what is to be done next."""
    turn = Turn(run, _OPENINGS)
    if isinstance(item, Woke):
        turn.woke(item)
    else:
        item = _in_its_phase(run, item)
        turn.note(item)
    _CONSEQUENCES.get(type(item), _nothing)(turn, item)
    _advance(turn)
    return Decision(turn.run, turn.events, turn.commands)


def _in_its_phase(run: Run, fact: ev.Fact) -> ev.Fact:
    """A reading that began before the first fault and ended after it has met the fault: it speaks for "during"."""
    if isinstance(fact, ev.Sampled) and fact.phase is Phase.BEFORE and run.phase is Phase.DURING:
        return structs.replace(fact, phase=Phase.DURING)
    return fact


def _nothing(turn: Turn, item: Item) -> None:
    """Most facts speak through the run alone."""


def _on_woke(turn: Turn, item: Woke) -> None:
    react = _TIMERS.get(item.wake.timer)
    if react:
        react(turn, item.wake)


def _on_controlled(turn: Turn, item: ev.Controlled) -> None:
    if item.late:
        turn.pend(attended=False)
    if item.interrupt and not (item.level == "experiment" and item.moment == "after"):
        turn.stop(StopKind.CONTROL, item.interrupt)
    if item.level != "activity" or turn.run.stage is not Stage.METHOD or not item.subject.startswith("m"):
        return
    if item.moment == "before":
        method.begin_step(turn, turn.run.plan.step(item.subject))
    else:
        method.shut(turn, item.subject)


def _on_signal(turn: Turn, item: ev.SignalCame) -> None:
    turn.stop(StopKind.SIGNAL, item.signal, exit=item.exit)


def _on_stop_requested(turn: Turn, item: ev.StopRequested) -> None:
    turn.stop(StopKind.ASKED, f"stop was asked{f' by {item.by}' if item.by else ''}")


def _on_runner_died(turn: Turn, item: ev.RunnerDied) -> None:
    if turn.run.stop is None and not item.over:
        turn.note(ev.Stopped(t=turn.t, kind=StopKind.DIED, text=f"the runner died; {item.by} undid what it left",
                             exit=137))
    turn.enter(Stage.UNDOING)


def _on_journal_lost(turn: Turn, item: ev.JournalLost) -> None:
    """A run whose end cannot be written is judged anew: nobody could prove that it passed."""
    if turn.run.stage is Stage.OVER and turn.run.stop is None:
        turn.note(ev.Stopped(t=turn.t, kind=StopKind.JOURNAL_LOST, text=item.text, exit=5))
        turn.note(judge(turn.run))
    turn.stop(StopKind.JOURNAL_LOST, item.text, exit=5)


def _on_bug(turn: Turn, item: ev.BugMet) -> None:
    turn.stop(StopKind.BUG, item.text, exit=70)


def _late(turn: Turn, wake: Wake) -> None:
    """Something asked for has not come back in its time: nothing waits for it any longer."""
    verb, _, subject = wake.subject.partition(":")
    asked_t = turn.run.pending.asked.get(wake.subject)
    if asked_t is None:
        return
    if asked_t > wake.asked_t:  # it came back, and was asked for anew: that has its own time
        turn.ask(Wake(asked_t + wake.at - wake.asked_t, Timer.LATE, wake.subject, asked_t))
        return
    match verb:
        case "read":
            phase = turn.run.phase
            turn.note(ev.Sampled(t=turn.t, probe=int(subject), phase=phase, good=None, doubt="no answer in its time"))
        case "apply":
            text = f"it did not end within {VERB_LATE_S:g} s"
            failed = ev.ApplyFailed(t=turn.t, entry=subject, text=text, may_have_changed=True)
            turn.note(failed)
            turn.pend(asked={**turn.run.pending.asked, wake.subject: asked_t})  # it may still land
            method.apply_failed(turn, failed)
        case "control":
            point = co.Control.of(wake.subject)
            controlled = ev.Controlled(t=turn.t, level=point.level, moment=point.moment, subject=point.subject,
                                       reading=point.reading, late=True)
            turn.note(controlled)
            _on_controlled(turn, controlled)
        case "aftermath" | "let-go":
            turn.note(ev.LookedBack(t=turn.t, entry=subject, lines=[]) if verb == "aftermath"
                      else ev.WasLetGo(t=turn.t, step=subject, note=_LET_GO_LATE))
        case "look":
            looked = ev.Looked(t=turn.t, step=subject, refused=_LOOKED_LATE)
            turn.note(looked)
            method.looked(turn, looked)
        case "trip":
            turn.note(ev.Tripped(t=turn.t, probe=int(subject), good=True, doubt="its judge gave no answer in its time"))
            turn.note(ev.Rehearsed(t=turn.t, probe=int(subject), trips=False, took_s=turn.t - asked_t))
        case _:
            item = ev.Declined(t=turn.t, step=subject, why=ev.Refusal.REFUSED, early=verb == "check",
                               text=_LOOKED_LATE)
            if verb == "check" or turn.run.plan.step(subject).is_fault:
                turn.note(item)
                method.declined(turn, item)


def _advance(turn: Turn) -> None:
    """Moves on as far as the run allows: every stage either waits or enters the next."""
    while True:
        stage = turn.run.stage
        _STAGES[stage](turn)
        if turn.run.stage is stage:
            return


_LOOKED_LATE: Final = f"looking at its target did not end within {VERB_LATE_S:g} s"
_LET_GO_LATE: Final = f"letting go of it did not end within {AFTERMATH_LATE_S:g} s: it expires by itself"
_STAGES: Final[dict[Stage, Callable[[Turn], None]]] = {
    Stage.CHECKING: checking.go_on, Stage.BEFORE: before.go_on, Stage.REHEARSING: rehearsing.go_on,
    Stage.METHOD: method.go_on, Stage.READING: reading.go_on, Stage.UNDOING: undoing.go_on, Stage.AFTER: after.go_on,
    Stage.OVER: over.go_on,
}
_OPENINGS: Final[dict[Stage, Callable[[Turn], None]]] = {
    Stage.CHECKING: checking.open_stage, Stage.BEFORE: before.open_stage, Stage.UNDOING: undoing.open_stage,
    Stage.AFTER: after.open_stage, Stage.OVER: over.open_stage,
}
_CONSEQUENCES: Final[dict[type, Callable[..., None]]] = {
    Woke: _on_woke, ev.Sampled: sampling.sampled, ev.Declined: method.declined, ev.Tripped: rehearsing.tripped,
    ev.Prepared: method.prepared, ev.Looked: method.looked, ev.Applied: method.applied,
    ev.ApplyFailed: method.apply_failed, ev.StepEnded: method.step_ended, ev.Undone: undoing.undone,
    ev.UndoFailed: undoing.undo_failed,
    ev.Verified: undoing.verified, ev.Controlled: _on_controlled, ev.SignalCame: _on_signal,
    ev.StopRequested: _on_stop_requested, ev.BugMet: _on_bug, ev.JournalLost: _on_journal_lost,
    ev.RunnerDied: _on_runner_died,
}
_TIMERS: Final[dict[Timer, Callable[[Turn, Wake], None]]] = {
    Timer.SAMPLE: sampling.sample_due, Timer.PAUSE_BEFORE: method.pause_before_over,
    Timer.PAUSE_AFTER: method.pause_after_over, Timer.DURATION: method.duration_over, Timer.AGAIN: method.again,
    Timer.LIMIT: method.longest_over,
    Timer.RETRY: undoing.retry, Timer.SETTLE: undoing.retry, Timer.UNDO_LATE: undoing.undo_late,
    Timer.VERIFY_LATE: undoing.verify_late, Timer.REREAD: after.reread, Timer.LATE: _late,
}
