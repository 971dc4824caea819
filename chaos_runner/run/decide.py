"""All control flow of a run: no clock, no thread, no file.

`decide(run, item)` says what has happened because of one item and what is to be done next. An item is a fact from the
world (a step ended, a sample came, a signal arrived) or a moment that was waited for. The stages of a run, each leading
only to a later one:

    checking ─▶ before ─▶ rehearsing ─▶ method ─▶ reading ─▶ undoing ─▶ after ─▶ over
        └─────────┴────────────┴──────────┴─────────┴──▶ a stop leads from any of these straight to undoing

Undo is never interrupted: a stop that arrives while undoing only means that recovery is not sampled afterwards.
"""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Final, NamedTuple

from msgspec import structs

from chaos_runner.contracts import Answer
from chaos_runner.experiment.model import Probe, Provider, Step
from chaos_runner.plan.limits import Aim, duration_s, exceeded, faults_s, too_long
from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run.commands import Command, Timer, Wake, Woke
from chaos_runner.run.conditions import (
    failed_rehearsals,
    recovered,
    should_roll_back,
    tripped,
    went_blind,
    would_trip,
)
from chaos_runner.run.events import Phase, RestoredState, Stage, StopKind
from chaos_runner.run.run import LEAVING, Entry, EntryState, Run
from chaos_runner.run.verdict import entry_state, judge
from chaos_runner.units import spoken_seconds

GRACE_S: Final = 2.0
"""How long a step that cannot be cut is waited for once everything else is undone."""
_TIE_S: Final = 0.001
UNDO_ATTEMPTS: Final = 3
UNDO_RETRY_S: Final = 0.5
REREAD_S: Final = 1.0
"""How long a single-shot probe that does not hold after the undo is left alone before it is read again."""
VERB_LATE_S: Final = 60.0
"""After this a prepare or an apply that has not come back counts as refused or failed."""
CONTROL_LATE_S: Final = 5.0
"""How long a control is waited for while undoing and afterwards. After that no control is called any more."""
READING_LATE_S: Final = 600.0
"""After this a single-shot probe that has not come back gave no answer. Chaos Toolkit waits for ever."""
AT_ONCE: Final = 8
APART_S: Final = 0.01
"""So many probes are sampled at the same moment, and the next ones so much later: a hundred that knock at once would
wait for each other, and measure that.
"""
SETTLE_S: Final = 5.0
"""How long an apply that raised may still land: after it, its act is undone and looked at once more."""
UNDO_LATE_S: Final = 20.0
"""After this an undo that has not come back counts as failed."""

_MAY_HANG: Final = (co.Check, co.Prepare, co.Apply, co.Read, co.Control, co.Trip)
"""What calls foreign code and is given up after its time. One timer for each is enough, however often it is asked."""

Item = ev.Fact | Woke


class Decision(NamedTuple):
    """The run after the item, the events that tell how it came there, and what to start now."""

    run: Run
    events: list[ev.Event]
    commands: list[Command]


def begin(started: ev.RunStarted) -> Decision:
    """The first breath of a run: every fault is looked at before anything is touched."""
    turn = _Turn(Run.of(started))
    turn.events.append(started)
    turn.pend(attended=started.plan.manner.attended)
    _enter(turn, Stage.CHECKING)
    _advance(turn)
    return turn.decision()


def decide(run: Run, item: Item) -> Decision:
    """What has happened because of this item, and what is to be done next."""
    turn = _Turn(run)
    if isinstance(item, Woke):
        turn.woke(item)
    else:
        item = _in_its_phase(run, item)
        turn.note(item)
    _CONSEQUENCES.get(type(item), _nothing)(turn, item)
    _advance(turn)
    return turn.decision()


class _Turn:
    """One breath of the loop: collects events and commands while the run moves on."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.events: list[ev.Event] = []
        self.commands: list[Command] = []

    @property
    def t(self) -> float:
        return self.run.t

    def decision(self) -> Decision:
        return Decision(self.run, self.events, self.commands)

    def note(self, event: ev.Event) -> None:
        self.run = self.run.after(event)
        self.events.append(event)
        answered = _ANSWERS.get(type(event))
        if answered:
            self._drop(answered(event))

    def woke(self, woke: Woke) -> None:
        self.run = structs.replace(self.run, t=max(self.run.t, woke.t))
        self._drop(woke.wake.key)

    def ask(self, command: Command) -> None:
        key = command.key
        self.commands.append(command)
        asked = self.run.pending.asked.copy()  # much sooner than `{**asked}`, and with many probes it is long
        asked[key] = self.t
        self.pend(asked=asked)
        if isinstance(command, _MAY_HANG) and not self.asked(f"{Timer.LATE}:{key}"):
            self.wake_in(_late_s(self.run, command), Timer.LATE, key)

    def wake_in(self, after_s: float, timer: Timer, subject: str = "") -> None:
        self.ask(Wake(self.t + after_s, timer, subject, self.t))

    def asked(self, key: str) -> bool:
        return key in self.run.pending.asked

    def pend(self, **changes: object) -> None:
        self.run = structs.replace(self.run, pending=structs.replace(self.run.pending, **changes))

    def _drop(self, key: str) -> None:
        asked = self.run.pending.asked
        if key in asked:
            left = asked.copy()
            del left[key]
            self.pend(asked=left)

    def stop(self, kind: StopKind, text: str, *, exit: int = 4, rule: str = "", sample_t: float | None = None) -> None:  # noqa: A002
        """The run ends early. The first reason counts; undoing that has begun goes on."""
        if self.run.stop is not None or self.run.stage is Stage.OVER:
            return
        self.note(ev.Stopped(t=self.t, kind=kind, text=text, exit=exit, rule=rule, sample_t=sample_t))
        if _ORDER.index(self.run.stage) < _ORDER.index(Stage.UNDOING):
            _enter(self, Stage.UNDOING)


def _in_its_phase(run: Run, fact: ev.Fact) -> ev.Fact:
    """A reading that began before the first fault and ended after it has met the fault: it speaks for "during"."""
    if isinstance(fact, ev.Sampled) and fact.phase is Phase.BEFORE and run.phase is Phase.DURING:
        return structs.replace(fact, phase=Phase.DURING)
    return fact


# ── what follows from a fact ────────────────────────────────────────────────────────────────────────────────────────

def _nothing(turn: _Turn, item: Item) -> None:
    """Most facts speak through the run alone."""


def _on_woke(turn: _Turn, item: Woke) -> None:
    react = _TIMERS.get(item.wake.timer)
    if react:
        react(turn, item.wake)


def _on_sampled(turn: _Turn, item: ev.Sampled) -> None:
    number = item.probe - len(turn.run.plan.probes)
    if not item.good and turn.run.plan.is_single_shot(item.probe):
        turn.pend(broken=turn.run.pending.broken | {turn.run.pending.reading})
        _fail_fast(turn, item)
    if number < 0 or turn.run.stage in (Stage.AFTER, Stage.OVER):
        return
    rule = turn.run.plan.experiment.stop_rules[number]
    tally = turn.run.tally(item.probe, item.phase)
    if tripped(rule, tally):
        turn.stop(StopKind.RULE, f'stop rule "{rule.name}" tripped', rule=rule.name, sample_t=item.t)
    elif tally.doubt or tally.blind:
        _blind(turn, rule)


def _fail_fast(turn: _Turn, item: ev.Sampled) -> None:
    """Ends the run; by chaoslib's rules only what has not begun is left out."""
    if turn.run.stage is not Stage.METHOD or not turn.run.said[Stage.METHOD].failed_fast:
        return
    if turn.run.plan.manner.chaoslib:
        turn.pend(cursor=len(turn.run.plan.experiment.method))
    else:
        name = turn.run.plan.probes[item.probe].name
        turn.stop(StopKind.FAIL_FAST, f'"{name}" did not hold, and fail-fast was asked for', sample_t=item.t)


def _on_controlled(turn: _Turn, item: ev.Controlled) -> None:
    if item.late:
        turn.pend(attended=False)
    if item.interrupt and not (item.level == "experiment" and item.moment == "after"):
        turn.stop(StopKind.CONTROL, item.interrupt)
    if item.level != "activity" or turn.run.stage is not Stage.METHOD or not item.subject.startswith("m"):
        return
    if item.moment == "before":
        _begin_step(turn, turn.run.plan.step(item.subject))
    else:
        _shut(turn, item.subject)


def _blind(turn: _Turn, probe: Probe) -> None:
    turn.stop(StopKind.BLIND, f'stop rule "{probe.name}" could not be read', rule=probe.name)


def _on_declined(turn: _Turn, item: ev.Declined) -> None:
    if not item.early:
        name = turn.run.plan.step(item.step).name
        turn.stop(StopKind.FAULT_FAILED, f'"{name}" was refused: {item.text}', exit=5)


def _on_prepared(turn: _Turn, item: ev.Prepared) -> None:
    _apply_next(turn, item.step)


def _on_applied(turn: _Turn, item: ev.Applied) -> None:
    _apply_next(turn, turn.run.entries[item.entry].step)


def _apply_next(turn: _Turn, step: str) -> None:
    if turn.run.stage is not Stage.METHOD:
        return
    waiting = [entry for entry in turn.run.entries_of(step) if entry.state is EntryState.RECORDED]
    if waiting:
        turn.ask(co.Apply(waiting[0].key))
        return
    lasts_s = turn.run.plan.step(step).duration_s
    if lasts_s is None:
        _finish_step(turn, step)
    else:
        left_s = _left_s(turn.run)  # applies took their time, which the duration must make up for
        turn.wake_in(lasts_s if left_s is None else max(0.0, min(lasts_s, left_s)), Timer.DURATION, step)


def _on_apply_failed(turn: _Turn, item: ev.ApplyFailed) -> None:
    name = turn.run.plan.step(turn.run.entries[item.entry].step).name
    turn.stop(StopKind.FAULT_FAILED, f'"{name}" failed: {item.text}', exit=5)


def _on_step_ended(turn: _Turn, item: ev.StepEnded) -> None:
    if turn.run.stage is Stage.METHOD and item.halts:
        turn.stop(item.halts, item.note)
    elif turn.run.stage is Stage.METHOD:
        _finish_step(turn, item.step)
    elif turn.run.stage is Stage.UNDOING:
        pause_s = float(turn.run.plan.step(item.step).pause_after)
        if pause_s:
            turn.wake_in(pause_s, Timer.PAUSE_AFTER, item.step)
        for entry in turn.run.entries_of(item.step):  # it may have acted after its undo: undo it once more
            _undo(turn, entry)


def _on_undone(turn: _Turn, item: ev.Undone) -> None:
    _verify(turn, item.entry)


def _on_undo_failed(turn: _Turn, item: ev.UndoFailed) -> None:
    if turn.run.entries[item.entry].attempts < UNDO_ATTEMPTS:
        turn.wake_in(UNDO_RETRY_S, Timer.RETRY, item.entry)
    else:
        _verify(turn, item.entry)


def _on_verified(turn: _Turn, item: ev.Verified) -> None:
    """One look is not enough after an apply that may still land, nor when an undo that did not fail had no effect."""
    entry = turn.run.entries[item.entry]
    if not entry.settled:
        turn.wake_in(SETTLE_S, Timer.SETTLE, entry.key)
    elif item.answer is Answer.NOT_RESTORED and entry.attempts < UNDO_ATTEMPTS:
        turn.wake_in(UNDO_RETRY_S, Timer.RETRY, entry.key)


def _verify(turn: _Turn, entry: str) -> None:
    if not turn.asked(f"verify:{entry}"):
        turn.ask(co.Verify(entry))
        turn.wake_in(UNDO_LATE_S, Timer.VERIFY_LATE, entry)


def _on_signal(turn: _Turn, item: ev.SignalCame) -> None:
    turn.stop(StopKind.SIGNAL, item.signal, exit=item.exit)


def _on_stop_requested(turn: _Turn, item: ev.StopRequested) -> None:
    turn.stop(StopKind.ASKED, f"stop was asked{f' by {item.by}' if item.by else ''}")


def _on_runner_died(turn: _Turn, item: ev.RunnerDied) -> None:
    if turn.run.stop is None and not item.over:
        turn.note(ev.Stopped(t=turn.t, kind=StopKind.DIED, text=f"the runner died; {item.by} undid what it left",
                             exit=137))
    _enter(turn, Stage.UNDOING)


def _on_journal_lost(turn: _Turn, item: ev.JournalLost) -> None:
    """A run whose end cannot be written is judged anew: nobody could prove that it passed."""
    if turn.run.stage is Stage.OVER and turn.run.stop is None:
        turn.note(ev.Stopped(t=turn.t, kind=StopKind.JOURNAL_LOST, text=item.text, exit=5))
        turn.note(judge(turn.run))
    turn.stop(StopKind.JOURNAL_LOST, item.text, exit=5)


def _on_bug(turn: _Turn, item: ev.BugMet) -> None:
    turn.stop(StopKind.BUG, item.text, exit=70)


# ── what follows from a moment ──────────────────────────────────────────────────────────────────────────────────────

def _sample_due(turn: _Turn, wake: Wake) -> None:
    probe = int(wake.subject)
    if not _sampling(turn.run, probe):
        return
    every_s = turn.run.plan.watched[probe].every_s or 1.0
    missed = int((turn.t - wake.at) / every_s)
    turn.ask(Wake(wake.at + (missed + 1) * every_s, Timer.SAMPLE, wake.subject))
    if not turn.asked(f"read:{probe}"):
        turn.ask(co.Read(probe, turn.run.phase))
    elif probe >= len(turn.run.plan.probes) and went_blind(turn.run, probe):
        _blind(turn, turn.run.plan.watched[probe])


def _sampling(run: Run, probe: int) -> bool:
    """The hypothesis is sampled to the very end, stop rules to the last undo."""
    last = Stage.AFTER if probe < len(run.plan.probes) else Stage.UNDOING
    return _ORDER.index(run.stage) <= _ORDER.index(last)


def _pause_before_over(turn: _Turn, wake: Wake) -> None:
    turn.pend(paused=turn.run.pending.paused | {wake.subject})
    if turn.run.stage is Stage.METHOD:
        _launch(turn, turn.run.plan.step(wake.subject))


def _pause_after_over(turn: _Turn, wake: Wake) -> None:
    _close(turn, wake.subject)


def _duration_over(turn: _Turn, wake: Wake) -> None:
    turn.pend(expired=turn.run.pending.expired | {wake.subject})


def _retry(turn: _Turn, wake: Wake) -> None:
    if not _under_way(turn, wake.subject):
        _undo(turn, turn.run.entries[wake.subject])


def _undo_late(turn: _Turn, wake: Wake) -> None:
    if turn.asked(f"undo:{wake.subject}"):
        turn.note(ev.UndoFailed(t=turn.t, entry=wake.subject, text=f"the undo did not end within {UNDO_LATE_S:.0f} s"))
        _verify(turn, wake.subject)


def _verify_late(turn: _Turn, wake: Wake) -> None:
    if turn.asked(f"verify:{wake.subject}"):
        turn.note(ev.Verified(t=turn.t, entry=wake.subject, answer=None,
                              diff=f"the target could not be read back within {UNDO_LATE_S:.0f} s"))


def _late_s(run: Run, command: Command) -> float:
    """A sampled probe is late when it is blind; a single-shot one may be a long wait of its author's."""
    if isinstance(command, co.Control):
        return CONTROL_LATE_S if _ORDER.index(run.stage) >= _ORDER.index(Stage.UNDOING) else READING_LATE_S
    if not isinstance(command, co.Read):
        return VERB_LATE_S
    probe = run.plan.watched[command.probe]
    return probe.missing_for_s if probe.every_s else READING_LATE_S


def _late(turn: _Turn, wake: Wake) -> None:
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
            _on_apply_failed(turn, failed)
        case "control":
            controlled = ev.Controlled(t=turn.t, **_point(subject), late=True)
            turn.note(controlled)
            _on_controlled(turn, controlled)
        case "trip":
            turn.note(ev.Tripped(t=turn.t, probe=int(subject), good=True, doubt="its judge gave no answer in its time"))
            turn.note(ev.Rehearsed(t=turn.t, probe=int(subject), trips=False, took_s=turn.t - asked_t))
        case _:
            item = ev.Declined(t=turn.t, step=subject, why=ev.Refusal.REFUSED, early=verb == "check",
                               text=f"looking at its target did not end within {VERB_LATE_S:g} s")
            if verb == "check" or turn.run.plan.step(subject).is_fault:
                turn.note(item)
                _on_declined(turn, item)


def _point(subject: str) -> dict[str, str]:
    """What a control was asked about, from its key."""
    return dict(zip(("level", "moment", "subject", "reading"), subject.split(":"), strict=True))


# ── the stages ──────────────────────────────────────────────────────────────────────────────────────────────────────

def _advance(turn: _Turn) -> None:
    """Moves on as far as the run allows: every stage either waits or enters the next."""
    while True:
        stage = turn.run.stage
        _STAGES[stage](turn)
        if turn.run.stage is stage:
            return


def _enter(turn: _Turn, stage: Stage) -> None:
    turn.note(ev.StageBegan(t=turn.t, stage=stage))
    opening = _OPENINGS.get(stage)
    if opening:
        opening(turn)


def _open_checking(turn: _Turn) -> None:
    for step in turn.run.plan.experiment.method:
        if step.is_fault and not turn.run.plan.hypothesis_only:
            turn.ask(co.Check(step.key))


def _checking(turn: _Turn) -> None:
    if _any_asked(turn, "check:"):
        return
    said = _beyond_limits(turn.run)
    if said and not turn.run.limited:
        turn.note(ev.Limited(t=turn.t, text=said))
    if turn.run.declined or said:
        _enter(turn, Stage.OVER)
    elif _heard(turn, co.Control("experiment", "before")):
        _enter(turn, Stage.BEFORE)


def _beyond_limits(run: Run) -> str:
    limits = run.plan.safeguards.limits
    found = [aim for aims in run.checked.values() for aim in aims]
    return exceeded(limits, found) or too_long(limits, faults_s(run.plan.experiment))


def _open_before(turn: _Turn) -> None:
    count = len(turn.run.plan.watched)
    for number, probe in enumerate(turn.run.plan.watched):
        if probe.every_s and turn.run.plan.measures(number, before=True):
            turn.ask(co.Read(number, Phase.BEFORE))
            turn.wake_in(probe.every_s + _apart_s(number, count, probe.every_s), Timer.SAMPLE, str(number))
    if turn.run.plan.baseline_s:
        turn.wake_in(turn.run.plan.baseline_s, Timer.BASELINE)


def _apart_s(number: int, count: int, every_s: float) -> float:
    """How much later than the first probes this one is sampled. With few probes: not at all."""
    return number // AT_ONCE * min(APART_S, every_s * AT_ONCE / count)


def _before(turn: _Turn) -> None:
    if turn.run.plan.manner.hypothesis.reads_before and not _read_hypothesis(turn, "before", Phase.BEFORE):
        return
    if turn.asked(f"{Timer.BASELINE}:"):
        return
    unread = [number for number, probe in enumerate(turn.run.plan.watched)
              if probe.every_s and turn.run.plan.measures(number, before=True)
              and not turn.run.tally(number, Phase.BEFORE).readings]
    if any(not went_blind(turn.run, number) for number in unread):
        return
    steady = all(_holds(turn.run, number, Phase.BEFORE) for number in range(len(turn.run.plan.watched)))
    if turn.run.plan.hypothesis_only:
        _finish(turn)
    else:
        _enter(turn, Stage.REHEARSING if steady else Stage.UNDOING)


def _rehearsing(turn: _Turn) -> None:
    """Every stop rule in its turn, then the method; not the method when a rule would not have stopped it in time."""
    run = turn.run
    rules = range(len(run.plan.probes), len(run.plan.watched)) if run.plan.safeguards.rehearse else ()
    due = next((number for number in rules if number not in run.rehearsals), None)
    if due is None:
        _enter(turn, Stage.UNDOING if list(failed_rehearsals(run)) else Stage.METHOD)
    elif not turn.asked(f"trip:{due}") and not turn.asked(f"ready:{due}"):
        turn.ask(co.Trip(due))


def _on_tripped(turn: _Turn, item: ev.Tripped) -> None:
    turn.ask(co.BeReady(item.probe, would_trip(turn.run.plan.watched[item.probe], item), item.t))


def _holds(run: Run, number: int, phase: Phase) -> bool:
    tally, probe = run.tally(number, phase), run.plan.watched[number]
    if not run.plan.measures(number, before=True):
        return True
    if number >= len(run.plan.probes):
        return not tally.unknown
    return not tally.unknown and not tally.breached(probe)


def _method(turn: _Turn) -> None:
    _mind_the_longest(turn)
    pending = turn.run.pending
    due = [entry for entry in turn.run.entries.values() if entry.step in pending.expired]
    if pending.expired and not _undo_some(turn, due):
        _close_expired(turn, due)
    if not _heard(turn, co.Control("method", "before")):
        return
    reading = _go_round(turn)
    method = turn.run.plan.experiment.method
    while turn.run.stage is Stage.METHOD and not turn.run.pending.foreground and turn.run.pending.cursor < len(method):
        _start_step(turn)
    if turn.run.stage is not Stage.METHOD or turn.run.pending.open or turn.run.pending.cursor < len(method) or reading:
        return
    if _heard(turn, co.Control("method", "after")):
        _enter(turn, Stage.READING)


def _mind_the_longest(turn: _Turn) -> None:
    """From the first fault on, the time that limits allow runs. A fault whose own time is over then goes first."""
    left_s = None if turn.asked(f"{Timer.LIMIT}:") else _left_s(turn.run)
    if left_s is not None and left_s > 0:
        turn.wake_in(left_s + _TIE_S, Timer.LIMIT)


def _left_s(run: Run) -> float | None:
    """How long faults may still act; None when nothing says so, or none acts yet."""
    limit_s = duration_s(run.plan.safeguards.limits)
    first_t = run.first_effect_t if limit_s is not None and run.acted else None
    return None if limit_s is None or first_t is None else first_t + limit_s - run.t


def _longest_over(turn: _Turn, _: Wake) -> None:
    limit_s = duration_s(turn.run.plan.safeguards.limits) or 0.0
    if turn.run.stage in (Stage.METHOD, Stage.READING) and _still_acts(turn.run):
        turn.stop(StopKind.LIMIT, f"max-duration of {spoken_seconds(limit_s)} was over")


def _still_acts(run: Run) -> bool:
    """Whether anything acts, or will, that is not being undone already."""
    expired = run.pending.expired
    acting = any(not entry.settled and entry.step not in expired for entry in run.entries.values())
    return acting or bool(run.pending.open - expired) or run.pending.cursor < len(run.plan.experiment.method)


def _go_round(turn: _Turn) -> bool:
    """Reads the single-shot probes again and again while the method runs. True while a round is under way."""
    manner, pending = turn.run.plan.manner, turn.run.pending
    said = turn.run.said.get(Stage.METHOD)
    over = said is not None and said.failed_fast and f"during-{pending.round}" not in pending.broken
    if not manner.hypothesis.reads_during or not turn.run.plan.single_shot or over or turn.asked(f"{Timer.ROUND}:"):
        return False
    name = f"during-{pending.round}"
    if not _read_hypothesis(turn, name, turn.run.phase):
        return turn.run.stage is Stage.METHOD
    begun = {key: reading for key, reading in turn.run.pending.begun.items() if reading != name}
    turn.pend(round=pending.round + 1, begun=begun, broken=turn.run.pending.broken - {name})
    turn.wake_in(manner.frequency_s, Timer.ROUND)
    return False


def _close_expired(turn: _Turn, due: list[Entry]) -> None:
    expired = turn.run.pending.expired
    turn.pend(expired=frozenset())
    for step in expired:
        _finish_step(turn, step)
    for entry in due:
        if entry_state(turn.run.entries[entry.key]) in (RestoredState.NOT_RESTORED, RestoredState.UNKNOWN):
            turn.stop(StopKind.FAULT_FAILED, f"{entry.label} could not be restored", exit=5)


def _start_step(turn: _Turn) -> None:
    pending = turn.run.pending
    step = turn.run.plan.experiment.method[pending.cursor]
    turn.pend(cursor=pending.cursor + 1, open=pending.open | {step.key},
              foreground="" if step.background else step.key)
    if _heard(turn, co.Control("activity", "before", step.key)):
        _begin_step(turn, step)


def _begin_step(turn: _Turn, step: Step) -> None:
    if step.pause_before and turn.run.plan.pauses(step):
        turn.wake_in(float(step.pause_before), Timer.PAUSE_BEFORE, step.key)
    else:
        _launch(turn, step)


def _launch(turn: _Turn, step: Step) -> None:
    if not turn.run.plan.is_called(step):
        turn.note(ev.StepSkipped(t=turn.t, step=step.key))
        _finish_step(turn, step.key)
        return
    if step.is_fault:
        turn.ask(co.Prepare(step.key, _hit_by_others(turn.run, step.key)))
        return
    turn.note(ev.StepBegan(t=turn.t, step=step.key, undo=step.undo))
    turn.ask(co.RunStep(step.key))


def _hit_by_others(run: Run, key: str) -> tuple[Aim, ...]:
    """Whom every other fault hits that has been started: as recorded, or, before that, as it was found at first."""
    if not run.plan.safeguards.limits:
        return ()
    begun = {step.key for step in run.plan.experiment.method[:run.pending.cursor]} - {key}
    return tuple(aim for step, found in run.hit.items() if step in begun for aim in found)


def _finish_step(turn: _Turn, key: str) -> None:
    step = turn.run.plan.step(key)
    if step.pause_after and turn.run.plan.pauses(step):
        turn.wake_in(float(step.pause_after), Timer.PAUSE_AFTER, key)
    else:
        _close(turn, key)


def _close(turn: _Turn, key: str) -> None:
    if _heard(turn, co.Control("activity", "after", key)):
        _shut(turn, key)


def _shut(turn: _Turn, key: str) -> None:
    pending = turn.run.pending
    turn.pend(open=pending.open - {key}, foreground="" if pending.foreground == key else pending.foreground)


def _reading(turn: _Turn) -> None:
    unsampled = [number for number, probe in enumerate(turn.run.plan.probes)
                 if probe.every_s and turn.run.acted and turn.run.plan.measures(number, before=False)
                 and not turn.run.tally(number, Phase.DURING).readings]
    if turn.run.plan.manner.hypothesis.reads_after and not _read_hypothesis(turn, "after", Phase.DURING):
        return
    if not _read_next(turn, unsampled, Phase.DURING):
        _enter(turn, Stage.UNDOING)


def _open_undoing(turn: _Turn) -> None:
    turn.pend(cursor=0)
    if turn.run.stop is None:
        return
    for key in _busy(turn):
        turn.ask(co.KillStep(key))
    turn.wake_in(GRACE_S, Timer.GRACE)


def _undoing(turn: _Turn) -> None:
    grace = turn.asked(f"{Timer.GRACE}:")
    if grace and (_any_asked(turn, "apply:") or _preparing(turn)):
        landed = [entry for entry in turn.run.entries.values() if not turn.asked(f"apply:{entry.key}")]
        _undo_some(turn, landed)
        return
    if _undo_some(turn, turn.run.entries.values()) or (grace and _dying(turn)) or _closing(turn) or _rolling_back(turn):
        return
    if turn.run.stop is None and not turn.run.reopened:
        _enter(turn, Stage.AFTER) if _looks_after(turn.run) else _finish(turn)
    elif (not _busy(turn) or not grace or turn.run.signals > 1) and _heard(turn, co.Control("experiment", "after")):
        _leave_behind(turn)
        _enter(turn, Stage.OVER)


def _closing(turn: _Turn) -> bool:
    """Tells the controls of what a stop has cut short that it is over. True while one of them is waited for."""
    begun = [_point(key.partition(":")[2]) for key in turn.run.pending.begun if key.startswith("control:")]
    open_ones = [co.Control(**{**point, "moment": "after"}) for point in reversed(begun)
                 if point["level"] in ("activity", "hypothesis", "method") and not point["subject"].startswith("r")]
    return not all(_heard(turn, control) for control in open_ones)


def _rolling_back(turn: _Turn) -> bool:
    """Runs the author's rollbacks if they are to be run. True while there is anything to wait for."""
    if not should_roll_back(turn.run):
        return False
    return (not _heard(turn, co.Control("rollback", "before")) or _roll_back_next(turn)
            or not _heard(turn, co.Control("rollback", "after")))


def _finish(turn: _Turn) -> None:
    if _heard(turn, co.Control("experiment", "after")):
        _enter(turn, Stage.OVER)


def _preparing(turn: _Turn) -> bool:
    return any(turn.asked(f"step:{step}") and turn.run.plan.step(step).is_fault for step in turn.run.pending.open)


def _busy(turn: _Turn) -> list[str]:
    """Chaos Toolkit activities of the method that were called and have not come back."""
    return [step.key for step in turn.run.plan.experiment.method
            if turn.asked(f"step:{step.key}") and not step.is_fault]


def _dying(turn: _Turn) -> bool:
    """Whether a process step was killed and has not ended: in a moment it will have, and cannot act any more."""
    return any(isinstance(call := turn.run.plan.step(key).call, Provider) and call.kind == "process"
               for key in _busy(turn))


def _leave_behind(turn: _Turn) -> None:
    """What has not come back by now is not waited for. What it may still change is not known to be restored."""
    for key in _busy(turn):
        turn.note(ev.StepAbandoned(t=turn.t, step=key))
    for entry in list(turn.run.entries.values()):
        if turn.asked(f"apply:{entry.key}"):
            turn.note(ev.Verified(t=turn.t, entry=entry.key, answer=None, by_hand=entry.by_hand,
                                  diff="its apply has not come back and may still land"))
            turn.note(ev.StepAbandoned(t=turn.t, step=entry.step))


def _undo_some(turn: _Turn, entries: Iterable[Entry]) -> bool:
    """Undoes the newest entry that is not settled. True while there is anything to wait for."""
    waiting = [entry for entry in entries
               if not turn.run.entries[entry.key].settled or _under_way(turn, entry.key)]
    if not waiting:
        return False
    newest = turn.run.entries[waiting[-1].key]
    if not _under_way(turn, newest.key):
        _undo(turn, newest)
    return True


def _under_way(turn: _Turn, entry: str) -> bool:
    return any(turn.asked(f"{verb}:{entry}") for verb in ("undo", "verify", Timer.RETRY, Timer.SETTLE))


def _undo(turn: _Turn, entry: Entry) -> None:
    turn.note(ev.UndoBegan(t=turn.t, entry=entry.key))
    turn.ask(co.Undo(entry.key))
    turn.wake_in(UNDO_LATE_S, Timer.UNDO_LATE, entry.key)


def _roll_back_next(turn: _Turn) -> bool:
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
        if not _heard(turn, co.Control("activity", "after", step.key)):
            return True
    return False


def _given_up(turn: _Turn, key: str) -> bool:
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


def _pausing(turn: _Turn, key: str) -> bool:
    """Whether the author's pause around a rollback is to be waited for. A stop cuts it."""
    pauses = (f"{Timer.PAUSE_BEFORE}:{key}", f"{Timer.PAUSE_AFTER}:{key}")
    return turn.run.stop is None and any(map(turn.asked, pauses))


def _roll_back(turn: _Turn, step: Step) -> None:
    if not _heard(turn, co.Control("activity", "before", step.key)):
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


def _looks_after(run: Run) -> bool:
    return run.acted and bool(_looked_at_after(run))


def _looked_at_after(run: Run) -> list[int]:
    """Sampled probes; after an undo single-shot ones too, unless chaoslib's order is asked for."""
    again = run.undid and not run.plan.manner.chaoslib
    return [number for number, probe in enumerate(run.plan.probes)
            if run.plan.measures(number, before=False) and (probe.every_s or again)]


def _open_after(turn: _Turn) -> None:
    turn.wake_in(turn.run.plan.recovers_within_s, Timer.RECOVERY)


def _after(turn: _Turn) -> None:
    """Sampled probes go on by themselves; single-shot ones are read until they hold."""
    if turn.run.stop or not turn.asked(f"{Timer.RECOVERY}:"):
        _finish(turn)
        return
    lost = _lost(turn.run)
    if lost is None:
        _finish(turn)
    elif not turn.run.plan.probes[lost].every_s:
        _read_again(turn, lost)


def _lost(run: Run) -> int | None:
    """The number of a probe that does not hold yet: of a single-shot one if there is any, as somebody must read it."""
    probes = run.plan.probes
    single = [number for number, probe in enumerate(probes) if not probe.every_s and run.undid]
    sampled = (number for number, probe in enumerate(probes) if probe.every_s)
    return next((number for number in chain(single, sampled)
                 if not recovered(probes[number], run.tally(number, Phase.AFTER))), None)


def _read_again(turn: _Turn, number: int) -> None:
    if turn.asked(f"read:{number}") or turn.asked(f"{Timer.REREAD}:{number}"):
        return
    if turn.run.tally(number, Phase.AFTER).readings:
        turn.wake_in(REREAD_S, Timer.REREAD, str(number))
    else:
        turn.ask(co.Read(number, Phase.AFTER))


def _reread(turn: _Turn, wake: Wake) -> None:
    if turn.run.stage is Stage.AFTER:
        turn.ask(co.Read(int(wake.subject), Phase.AFTER))


def _open_over(turn: _Turn) -> None:
    turn.note(judge(turn.run))


def _over(turn: _Turn) -> None:
    """Nothing follows."""


def _heard(turn: _Turn, control: co.Control) -> bool:
    """Asks the controls once about a moment. True when they have been heard, or there are none (any more)."""
    pending = turn.run.pending
    if not pending.attended or (control.moment == "after" and control.beginning.key not in pending.begun):
        return True
    if control.key in pending.begun:
        return not turn.asked(control.key)
    turn.pend(begun={**pending.begun, control.key: control.reading})
    turn.ask(control)
    return False


def _read_hypothesis(turn: _Turn, name: str, phase: Phase) -> bool:
    """Reads the single-shot probes once, in file order. True when this reading is over.

    All of them are read before and after the method; in a round, and by chaoslib's rules, only to the first that fails.
    """
    probes = turn.run.plan.single_shot
    if not probes or not _heard(turn, co.Control("hypothesis", "before", "", name)):
        return not probes
    brief = turn.run.plan.manner.chaoslib or turn.run.stage is Stage.METHOD
    for number in probes:
        if brief and name in turn.run.pending.broken and f"{name}:{number}" not in turn.run.pending.begun:
            break
        if not _read_one(turn, name, co.Read(number, phase)):
            return False
    return _heard(turn, co.Control("hypothesis", "after", "", name))


def _read_one(turn: _Turn, name: str, read: co.Read) -> bool:
    """Reads one probe with the controls around it, unless the run is a dry one. True when that is done."""
    key, subject = f"{name}:{read.probe}", f"p{read.probe}"
    if key not in turn.run.pending.begun:
        if not _heard(turn, co.Control("activity", "before", subject, name)):
            return False
        turn.pend(begun={**turn.run.pending.begun, key: name}, reading=name)
        if turn.run.plan.is_called(turn.run.plan.probes[read.probe]):
            turn.ask(read)
    return not turn.asked(read.key) and _heard(turn, co.Control("activity", "after", subject, name))


def _read_next(turn: _Turn, probes: list[int], phase: Phase) -> bool:
    """Reads the first of these probes that has no reading in the phase. True while one is unread or under way."""
    for number in probes:
        if not turn.run.tally(number, phase).readings:
            if not turn.asked(f"read:{number}"):
                turn.ask(co.Read(number, phase))
            return True
    return False


def _any_asked(turn: _Turn, prefix: str) -> bool:
    return any(key.startswith(prefix) for key in turn.run.pending.asked)


_ORDER: Final = tuple(Stage)
_STAGES: Final[dict[Stage, Callable[[_Turn], None]]] = {
    Stage.CHECKING: _checking, Stage.BEFORE: _before, Stage.REHEARSING: _rehearsing,
    Stage.METHOD: _method, Stage.READING: _reading, Stage.UNDOING: _undoing, Stage.AFTER: _after, Stage.OVER: _over,
}
_OPENINGS: Final[dict[Stage, Callable[[_Turn], None]]] = {
    Stage.CHECKING: _open_checking, Stage.BEFORE: _open_before, Stage.UNDOING: _open_undoing,
    Stage.AFTER: _open_after, Stage.OVER: _open_over,
}
_CONSEQUENCES: Final[dict[type, Callable[..., None]]] = {
    Woke: _on_woke, ev.Sampled: _on_sampled, ev.Declined: _on_declined, ev.Prepared: _on_prepared,
    ev.Applied: _on_applied, ev.ApplyFailed: _on_apply_failed, ev.StepEnded: _on_step_ended, ev.Undone: _on_undone,
    ev.UndoFailed: _on_undo_failed, ev.Verified: _on_verified, ev.SignalCame: _on_signal,
    ev.StopRequested: _on_stop_requested, ev.Tripped: _on_tripped,
    ev.Controlled: _on_controlled, ev.BugMet: _on_bug, ev.JournalLost: _on_journal_lost, ev.RunnerDied: _on_runner_died,
}
_TIMERS: Final[dict[Timer, Callable[[_Turn, Wake], None]]] = {
    Timer.SAMPLE: _sample_due, Timer.PAUSE_BEFORE: _pause_before_over, Timer.PAUSE_AFTER: _pause_after_over,
    Timer.DURATION: _duration_over, Timer.LIMIT: _longest_over,
    Timer.RETRY: _retry, Timer.SETTLE: _retry, Timer.UNDO_LATE: _undo_late,
    Timer.VERIFY_LATE: _verify_late, Timer.REREAD: _reread, Timer.LATE: _late,
}
_ANSWERS: Final[dict[type, Callable[..., str]]] = {
    ev.Checked: lambda event: f"check:{event.step}",
    ev.Declined: lambda event: f"{'check' if event.early else 'step'}:{event.step}",
    ev.Prepared: lambda event: f"step:{event.step}",
    ev.Tripped: lambda event: f"trip:{event.probe}",
    ev.Rehearsed: lambda event: f"ready:{event.probe}",
    ev.Applied: lambda event: f"apply:{event.entry}",
    ev.ApplyFailed: lambda event: f"apply:{event.entry}",
    ev.StepEnded: lambda event: f"step:{event.step}",
    ev.Sampled: lambda event: f"read:{event.probe}",
    ev.Controlled: lambda event: f"control:{event.level}:{event.moment}:{event.subject}:{event.reading}",
    ev.Undone: lambda event: f"undo:{event.entry}",
    ev.UndoFailed: lambda event: f"undo:{event.entry}",
    ev.Verified: lambda event: f"verify:{event.entry}",
}
