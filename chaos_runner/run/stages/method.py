"""The faults and activities, one after the other or beside each other, until their time is over."""

from chaos_runner.contracts import Act, Grade
from chaos_runner.experiment.model import Step
from chaos_runner.plan.limits import Aim, duration_s
from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run import hypothesis
from chaos_runner.run.commands import Timer, Wake
from chaos_runner.run.events import RestoredState, Stage, StopKind
from chaos_runner.run.patience import TIE_S
from chaos_runner.run.run import Entry, EntryState, Run
from chaos_runner.run.stages import undoing
from chaos_runner.run.turn import Turn
from chaos_runner.run.verdict import entry_state
from chaos_runner.units import spoken_seconds


def go_on(turn: Turn) -> None:
    _mind_the_longest(turn)
    expired = frozenset(step for step in turn.run.pending.expired if not _in_a_round(turn, step))
    due = [entry for entry in turn.run.entries.values() if entry.step in expired]
    if expired and not undoing.undo_some(turn, due):
        _close_expired(turn, expired, due)
    if not turn.heard(co.Control("method", "before")):
        return
    reading = _go_round(turn)
    method = turn.run.plan.experiment.method
    while turn.run.stage is Stage.METHOD and not turn.run.pending.foreground and turn.run.pending.cursor < len(method):
        _start_step(turn)
    if turn.run.stage is not Stage.METHOD or turn.run.pending.open or turn.run.pending.cursor < len(method) or reading:
        return
    if turn.heard(co.Control("method", "after")):
        turn.enter(Stage.READING)


def _mind_the_longest(turn: Turn) -> None:
    """From the first fault on, the time that limits allow runs. A fault whose own time is over then goes first."""
    left_s = None if turn.asked(f"{Timer.LIMIT}:") else _left_s(turn.run)
    if left_s is not None and left_s > 0:
        turn.wake_in(left_s + TIE_S, Timer.LIMIT)


def _left_s(run: Run) -> float | None:
    """How long faults may still act; None when nothing says so, or none acts yet."""
    limit_s = duration_s(run.plan.safeguards.limits)
    first_t = run.first_effect_t if limit_s is not None and run.acted else None
    return None if limit_s is None or first_t is None else first_t + limit_s - run.t


def longest_over(turn: Turn, _: Wake) -> None:
    limit_s = duration_s(turn.run.plan.safeguards.limits) or 0.0
    if turn.run.stage in (Stage.METHOD, Stage.READING) and _still_acts(turn.run):
        turn.stop(StopKind.LIMIT, f"max-duration of {spoken_seconds(limit_s)} was over")


def _still_acts(run: Run) -> bool:
    """Whether anything acts, or will, that is not being undone already."""
    expired = run.pending.expired
    acting = any(not entry.settled and entry.step not in expired for entry in run.entries.values())
    return acting or bool(run.pending.open - expired) or run.pending.cursor < len(run.plan.experiment.method)


def _go_round(turn: Turn) -> bool:
    """Reads the single-shot probes again and again while the method runs. True while a round is under way."""
    manner, pending = turn.run.plan.manner, turn.run.pending
    said = turn.run.said.get(Stage.METHOD)
    over = said is not None and said.failed_fast and f"during-{pending.round}" not in pending.broken
    if not manner.hypothesis.reads_during or not turn.run.plan.single_shot or over or turn.asked(f"{Timer.ROUND}:"):
        return False
    name = f"during-{pending.round}"
    if not hypothesis.read_hypothesis(turn, name, turn.run.phase):
        return turn.run.stage is Stage.METHOD
    begun = {key: reading for key, reading in turn.run.pending.begun.items() if reading != name}
    turn.pend(round=pending.round + 1, begun=begun, broken=turn.run.pending.broken - {name})
    turn.wake_in(manner.frequency_s, Timer.ROUND)
    return False


def _in_a_round(turn: Turn, step: str) -> bool:
    """Whether a fault that acts again is just doing so: what it has begun is waited for."""
    return turn.asked(f"step:{step}") or any(turn.asked(f"apply:{entry.key}") for entry in turn.run.entries_of(step))


def _close_expired(turn: Turn, expired: frozenset[str], due: list[Entry]) -> None:
    turn.pend(expired=turn.run.pending.expired - expired)
    for step in expired:
        _finish_step(turn, step)
    for entry in due:
        if entry_state(turn.run.entries[entry.key]) in (RestoredState.NOT_RESTORED, RestoredState.UNKNOWN):
            turn.stop(StopKind.FAULT_FAILED, f"{entry.label} could not be restored", exit=5)


def _start_step(turn: Turn) -> None:
    pending = turn.run.pending
    step = turn.run.plan.experiment.method[pending.cursor]
    turn.pend(cursor=pending.cursor + 1, open=pending.open | {step.key},
              foreground="" if step.background else step.key)
    if turn.heard(co.Control("activity", "before", step.key)):
        begin_step(turn, step)


def begin_step(turn: Turn, step: Step) -> None:
    if step.pause_before and turn.run.plan.pauses(step):
        turn.wake_in(float(step.pause_before), Timer.PAUSE_BEFORE, step.key)
    else:
        _launch(turn, step)


def _launch(turn: Turn, step: Step) -> None:
    if not turn.run.plan.is_called(step):
        turn.note(ev.StepSkipped(t=turn.t, step=step.key))
        _finish_step(turn, step.key)
        return
    if step.is_fault:
        _prepare(turn, step)
    elif step.known and step.known.looks:
        turn.ask(co.Look(step.key, _done_before(turn.run)))
    else:
        _call(turn, step)


def _prepare(turn: Turn, step: Step) -> None:
    number = turn.run.round_of(step.key) + 1 if step.every_s else 0
    turn.ask(co.Prepare(step.key, _hit_by_others(turn.run, step.key), number))


def _done_before(run: Run) -> tuple[Act, ...]:
    """What actions with a known way back have done in this run."""
    return tuple(entry.act for entry in run.entries.values() if entry.act and run.plan.step(entry.step).known)


def looked(turn: Turn, item: ev.Looked) -> None:
    """What was seen is on disk: now the action may be called. Not when it was seen too late."""
    state, step = turn.run.step(item.step), turn.run.plan.step(item.step)
    if turn.run.stage is not Stage.METHOD or state.began_t is not None or state.ended_t is not None:
        return
    if item.refused:
        turn.note(ev.StepEnded(t=turn.t, step=step.key, ok=False, grade=Grade.NONE, error=[item.refused],
                               note=f"not called, there would be no way back: {item.refused}"))
        _finish_step(turn, step.key)
    else:
        _call(turn, step)


def _call(turn: Turn, step: Step) -> None:
    turn.note(ev.StepBegan(t=turn.t, step=step.key, undo=step.undo))
    turn.ask(co.RunStep(step.key))


def _hit_by_others(run: Run, key: str) -> tuple[Aim, ...]:
    """Whom every other fault hits that has been started: as recorded, or, before that, as it was found at first. Also
    whom this very one has hit in earlier rounds.
    """
    if not run.plan.safeguards.limits:
        return ()
    begun = {step.key for step in run.plan.experiment.method[:run.pending.cursor]
             if step.key != key or run.round_of(key)}
    return tuple(aim for step, found in run.hit.items() if step in begun for aim in found)


def _finish_step(turn: Turn, key: str) -> None:
    step = turn.run.plan.step(key)
    if step.pause_after and turn.run.plan.pauses(step):
        turn.wake_in(float(step.pause_after), Timer.PAUSE_AFTER, key)
    else:
        _close(turn, key)


def _close(turn: Turn, key: str) -> None:
    if turn.heard(co.Control("activity", "after", key)):
        shut(turn, key)


def shut(turn: Turn, key: str) -> None:
    pending = turn.run.pending
    turn.pend(open=pending.open - {key}, foreground="" if pending.foreground == key else pending.foreground)


def prepared(turn: Turn, item: ev.Prepared) -> None:
    _apply_next(turn, item.step)


def applied(turn: Turn, item: ev.Applied) -> None:
    _apply_next(turn, turn.run.entries[item.entry].step)


def _apply_next(turn: Turn, step: str) -> None:
    if turn.run.stage is not Stage.METHOD:
        return
    waiting = [entry for entry in turn.run.entries_of(step) if entry.state is EntryState.RECORDED]
    if waiting:
        turn.ask(co.Apply(waiting[0].key))
        return
    lasts_s = turn.run.plan.step(step).duration_s
    if lasts_s is None:
        _finish_step(turn, step)
    elif not turn.asked(f"{Timer.DURATION}:{step}") and step not in turn.run.pending.expired:
        left_s = _left_s(turn.run)  # applies took their time, which the duration must make up for
        turn.wake_in(lasts_s if left_s is None else max(0.0, min(lasts_s, left_s)), Timer.DURATION, step)
    _act_again_later(turn, turn.run.plan.step(step))


def _act_again_later(turn: Turn, step: Step) -> None:
    """At the next of its moments, counted from its beginning: a round that took long has no effect on later ones."""
    began_t = turn.run.step(step.key).began_t
    if step.every_s is None or began_t is None:
        return
    number = int((turn.t - began_t) / step.every_s + TIE_S) + 1
    if number < step.rounds:
        turn.wake_in(began_t + number * step.every_s - turn.t, Timer.AGAIN, step.key)


def again(turn: Turn, wake: Wake) -> None:
    """A fault acts again, unless it is over."""
    pending = turn.run.pending
    if turn.run.stage is Stage.METHOD and wake.subject in pending.open - pending.expired:
        _prepare(turn, turn.run.plan.step(wake.subject))


def declined(turn: Turn, item: ev.Declined) -> None:
    """A round that found nobody to hit is left out; anything else that keeps a fault from acting ends the run."""
    if turn.run.misses(item.step, item.why):
        _apply_next(turn, item.step)
    elif not item.early:
        name = turn.run.plan.step(item.step).name
        turn.stop(StopKind.FAULT_FAILED, f'"{name}" was refused: {item.text}', exit=5)


def apply_failed(turn: Turn, item: ev.ApplyFailed) -> None:
    if turn.run.misses(turn.run.entries[item.entry].step, item.why):
        _apply_next(turn, turn.run.entries[item.entry].step)
        return
    name = turn.run.plan.step(turn.run.entries[item.entry].step).name
    turn.stop(StopKind.FAULT_FAILED, f'"{name}" failed: {item.text}', exit=5)


def step_ended(turn: Turn, item: ev.StepEnded) -> None:
    if turn.run.stage is Stage.METHOD and item.halts:
        turn.stop(item.halts, item.note)
    elif turn.run.stage is Stage.METHOD:
        _finish_step(turn, item.step)
    elif turn.run.stage is Stage.UNDOING:
        pause_s = float(turn.run.plan.step(item.step).pause_after)
        if pause_s:
            turn.wake_in(pause_s, Timer.PAUSE_AFTER, item.step)
        for entry in turn.run.entries_of(item.step):  # it may have acted after its undo: undo it once more
            undoing.undo(turn, entry)


def pause_before_over(turn: Turn, wake: Wake) -> None:
    turn.pend(paused=turn.run.pending.paused | {wake.subject})
    if turn.run.stage is Stage.METHOD:
        _launch(turn, turn.run.plan.step(wake.subject))


def pause_after_over(turn: Turn, wake: Wake) -> None:
    _close(turn, wake.subject)


def duration_over(turn: Turn, wake: Wake) -> None:
    turn.pend(expired=turn.run.pending.expired | {wake.subject})
