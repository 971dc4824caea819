"""Everything recorded goes back, newest first; then the author's rollbacks run."""

from collections.abc import Iterable

from msgspec import structs

from chaos_runner.contracts import UNDO_ATTEMPTS, Answer
from chaos_runner.experiment.model import Provider, Step
from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run.commands import Timer, Wake
from chaos_runner.run.conditions import should_roll_back
from chaos_runner.run.events import Stage, StopKind
from chaos_runner.run.patience import GRACE_S, READING_LATE_S, SETTLE_S, UNDO_RETRY_S, undo_late_s
from chaos_runner.run.run import LEAVING, Entry
from chaos_runner.run.stages import after, over
from chaos_runner.run.turn import Turn


def open_stage(turn: Turn) -> None:
    turn.pend(cursor=0)
    if turn.run.stop is None:
        return
    for key in _busy(turn):
        turn.ask(co.KillStep(key))
    turn.wake_in(GRACE_S, Timer.GRACE)


def go_on(turn: Turn) -> None:
    grace = turn.asked(f"{Timer.GRACE}:")
    if grace and (turn.any_asked("apply:") or _preparing(turn)):
        landed = [entry for entry in turn.run.entries.values() if not turn.asked(f"apply:{entry.key}")]
        undo_some(turn, landed)
        return
    if undo_some(turn, turn.run.entries.values()) or (grace and _dying(turn)) or _closing(turn) or _rolling_back(turn):
        return
    if turn.run.stop is None and not turn.run.reopened:
        turn.enter(Stage.AFTER) if after.looks_after(turn.run) else over.finish(turn)
    elif ((not _busy(turn) or not grace or turn.run.signals > 1) and over.looked_back(turn)
          and over.let_go(turn) and turn.heard(co.Control("experiment", "after"))):
        _leave_behind(turn)
        turn.enter(Stage.OVER)


def _closing(turn: Turn) -> bool:
    """Tells the controls of what a stop has cut short that it is over. True while one of them is waited for."""
    begun = [co.Control.of(key) for key in turn.run.pending.begun if key.startswith("control:")]
    open_ones = [structs.replace(control, moment="after") for control in reversed(begun)
                 if control.level in ("activity", "hypothesis", "method") and not control.subject.startswith("r")]
    return not all(turn.heard(control) for control in open_ones)


def _rolling_back(turn: Turn) -> bool:
    """Runs the author's rollbacks if they are to be run. True while there is anything to wait for."""
    if not should_roll_back(turn.run):
        return False
    return (not turn.heard(co.Control("rollback", "before")) or _roll_back_next(turn)
            or not turn.heard(co.Control("rollback", "after")))


def _preparing(turn: Turn) -> bool:
    return any(turn.asked(f"step:{step}") and turn.run.plan.step(step).is_fault for step in turn.run.pending.open)


def _busy(turn: Turn) -> list[str]:
    """Chaos Toolkit activities of the method that were called and have not come back."""
    return [step.key for step in turn.run.plan.experiment.method
            if turn.asked(f"step:{step.key}") and not step.is_fault]


def _dying(turn: Turn) -> bool:
    """Whether a process step was killed and has not ended: in a moment it will have, and cannot act any more."""
    return any(isinstance(call := turn.run.plan.step(key).call, Provider) and call.kind == "process"
               for key in _busy(turn))


def _leave_behind(turn: Turn) -> None:
    """What has not come back by now is not waited for. What it may still change is not known to be restored."""
    for key in _busy(turn):
        turn.note(ev.StepAbandoned(t=turn.t, step=key))
    for entry in list(turn.run.entries.values()):
        if turn.asked(f"apply:{entry.key}"):
            turn.note(ev.Verified(t=turn.t, entry=entry.key, answer=None, by_hand=entry.by_hand,
                                  diff="its apply has not come back and may still land"))
            turn.note(ev.StepAbandoned(t=turn.t, step=entry.step))


def undo_some(turn: Turn, entries: Iterable[Entry]) -> bool:
    """Undoes the newest entry that is not settled. True while there is anything to wait for."""
    waiting = [entry for entry in entries
               if not turn.run.entries[entry.key].settled or _under_way(turn, entry.key)]
    if not waiting:
        return False
    newest = turn.run.entries[waiting[-1].key]
    if not _under_way(turn, newest.key):
        undo(turn, newest)
    return True


def _under_way(turn: Turn, entry: str) -> bool:
    return any(turn.asked(f"{verb}:{entry}") for verb in ("undo", "verify", Timer.RETRY, Timer.SETTLE))


def undo(turn: Turn, entry: Entry) -> None:
    turn.note(ev.UndoBegan(t=turn.t, entry=entry.key))
    turn.ask(co.Undo(entry.key))
    turn.wake_in(undo_late_s(turn.run, entry.key), Timer.UNDO_LATE, entry.key)


def _roll_back_next(turn: Turn) -> bool:
    """Starts the author's next rollback, in file order. True while there is anything to wait for."""
    for step in turn.run.plan.experiment.rollbacks:
        if turn.asked(f"step:{step.key}") and not _given_up(turn, step.key):
            return True
        if _pausing(turn, step.key):
            return True
        if turn.run.is_due(step.key):
            _roll_back(turn, step)
            if not turn.run.step(step.key).dry:
                return True
        if not turn.heard(co.Control("activity", "after", step.key)):
            return True
    return False


def _given_up(turn: Turn, key: str) -> bool:
    """Whether a rollback that does not end is left behind: after its time, or when somebody wants to leave."""
    state, stop = turn.run.step(key), turn.run.stop
    if state.abandoned:
        return True
    patience = 0 if stop and stop.kind is StopKind.DIED else LEAVING - 1
    late = state.began_t is not None and turn.t - state.began_t > READING_LATE_S
    if late or turn.run.signals > patience:
        turn.note(ev.StepAbandoned(t=turn.t, step=key))
        return True
    return False


def _pausing(turn: Turn, key: str) -> bool:
    """Whether the author's pause around a rollback is to be waited for. A stop cuts it."""
    pauses = (f"{Timer.PAUSE_BEFORE}:{key}", f"{Timer.PAUSE_AFTER}:{key}")
    return turn.run.stop is None and any(map(turn.asked, pauses))


def _roll_back(turn: Turn, step: Step) -> None:
    if not turn.heard(co.Control("activity", "before", step.key)):
        return
    pauses = step.pause_before and turn.run.plan.pauses(step)
    if pauses and turn.run.stop is None and step.key not in turn.run.pending.paused:
        turn.wake_in(float(step.pause_before), Timer.PAUSE_BEFORE, step.key)
        return
    if not turn.run.plan.is_called(step):
        turn.note(ev.StepSkipped(t=turn.t, step=step.key))
        return
    turn.note(ev.StepBegan(t=turn.t, step=step.key))
    turn.ask(co.RunStep(step.key))
    turn.wake_in(READING_LATE_S + 1, Timer.LATE, f"rollback:{step.key}")


def undone(turn: Turn, item: ev.Undone) -> None:
    _verify(turn, item.entry)


def undo_failed(turn: Turn, item: ev.UndoFailed) -> None:
    if turn.run.entries[item.entry].attempts < UNDO_ATTEMPTS:
        turn.wake_in(UNDO_RETRY_S, Timer.RETRY, item.entry)
    else:
        _verify(turn, item.entry)


def verified(turn: Turn, item: ev.Verified) -> None:
    """One look is not enough after an apply that may still land, nor when an undo that did not fail had no effect."""
    entry = turn.run.entries[item.entry]
    if not entry.settled:
        turn.wake_in(SETTLE_S, Timer.SETTLE, entry.key)
    elif item.answer is Answer.NOT_RESTORED and entry.attempts < UNDO_ATTEMPTS:
        turn.wake_in(UNDO_RETRY_S, Timer.RETRY, entry.key)


def _verify(turn: Turn, entry: str) -> None:
    if not turn.asked(f"verify:{entry}"):
        turn.ask(co.Verify(entry))
        turn.wake_in(undo_late_s(turn.run, entry), Timer.VERIFY_LATE, entry)


def retry(turn: Turn, wake: Wake) -> None:
    if not _under_way(turn, wake.subject):
        undo(turn, turn.run.entries[wake.subject])


def undo_late(turn: Turn, wake: Wake) -> None:
    if turn.asked(f"undo:{wake.subject}"):
        late_s = undo_late_s(turn.run, wake.subject)
        turn.note(ev.UndoFailed(t=turn.t, entry=wake.subject, text=f"the undo did not end within {late_s:.0f} s"))
        _verify(turn, wake.subject)


def verify_late(turn: Turn, wake: Wake) -> None:
    if turn.asked(f"verify:{wake.subject}"):
        turn.note(ev.Verified(t=turn.t, entry=wake.subject, answer=None,
                              diff="the target could not be read back within "
                                   f"{undo_late_s(turn.run, wake.subject):.0f} s"))
