"""The one fold. `Run.after(event)` is the only way a run's state comes about, live and from a journal alike."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from functools import reduce
from itertools import groupby, islice
from operator import attrgetter
from typing import Any

from msgspec import Struct, structs

from chaos_runner.contracts import Act, Answer, Evidence, Grade
from chaos_runner.experiment.model import ProviderUndo, Step, StepKind
from chaos_runner.plan.limits import Aim, aims_of
from chaos_runner.plan.model import Plan
from chaos_runner.run import events as ev
from chaos_runner.run.events import Phase, Stage
from chaos_runner.run.tally import Tally


class EntryState(StrEnum):
    """Where an act stands between its record and its return."""

    RECORDED = "recorded"
    APPLIED = "applied"
    REFUSED = "refused"
    UNDOING = "undoing"
    UNDONE = "undone"
    UNDO_FAILED = "undo-failed"
    LOOKED_AT = "looked-at"


class Entry(Struct, frozen=True, kw_only=True):
    """One recorded act and its way back. `key` is the step's key and a number: m0.0, m0.1, …"""

    key: str
    step: str
    act: Act | None = None
    undo: ProviderUndo | None = None
    round: int = 0
    """Which round of a fault that acts again, from 1 on."""
    reversible: bool = True
    state: EntryState = EntryState.RECORDED
    evidence: Evidence | None = None
    attempts: int = 0
    unsure: bool = False
    """Whether its apply may still land, or did land after an undo: one undo more is needed before it is settled."""
    undo_error: str = ""
    answer: Answer | None = None
    blind: bool = False
    diff: str = ""
    by_hand: str = ""
    aftermath: list[str] | None = None
    """What became of its target. None until somebody has looked."""
    applied_t: float | None = None
    undone_t: float | None = None

    @property
    def label(self) -> str:
        """What people call the target."""
        return self.act.label if self.act else "a provider's undo"

    @property
    def is_back(self) -> bool:
        """Whether it was seen to be back, or gone, or somebody else's by now; or cannot be seen and raised nothing."""
        if self.blind:
            return not self.undo_error
        return self.answer is not None and self.answer is not Answer.NOT_RESTORED

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be done for it."""
        return not self.reversible or self.state in (EntryState.LOOKED_AT, EntryState.REFUSED)


class StepRun(Struct, frozen=True, kw_only=True):
    """What became of one step."""

    key: str
    began_t: float | None = None
    ended_t: float | None = None
    ok: bool | None = None
    grade: Grade = Grade.NONE
    output: Any = None
    error: list[str] = []
    note: str = ""
    off: str = ""
    refusal: ev.Refusal | None = None
    missed: int = 0
    """How often a fault that acts again found nobody to hit."""
    abandoned: bool = False
    dry: bool = False


class Said(Struct, frozen=True, kw_only=True):
    """What the single-shot probes have said in one stage: in `method` in rounds, elsewhere once."""

    met: bool = True
    raised: bool = False
    rounds: int = 0
    bad_rounds: int = 0
    failed_fast: bool = False

    def after(self, sample: ev.Sampled, plan: Plan) -> "Said":
        """This, with one reading more. As in chaoslib, what gave no answer and what cannot be judged has raised."""
        rounds = max(1, self.rounds + (sample.probe == plan.single_shot[0]))
        if sample.good:
            return structs.replace(self, rounds=rounds)
        bad = self.bad_rounds + 1
        fast = plan.manner.fail_fast and 100 * bad / rounds >= plan.manner.fail_fast_percent
        return Said(met=False, raised=self.raised or (self.met and sample.value is None and not sample.good),
                    rounds=rounds, bad_rounds=bad, failed_fast=self.failed_fast or fast)


class Pending(Struct, frozen=True, kw_only=True):
    """What is under way in this very process, and therefore in no journal: nothing of it survives a crash."""

    asked: dict[str, float] = {}
    cursor: int = 0
    foreground: str = ""
    open: frozenset[str] = frozenset()
    expired: frozenset[str] = frozenset()
    paused: frozenset[str] = frozenset()
    attended: bool = False
    """Whether controls are called: from the beginning, until one does not come back."""
    begun: dict[str, str] = {}
    """What was asked for in readings of the hypothesis and of controls, in that order, to be asked for only once."""
    reading: str = ""
    broken: frozenset[str] = frozenset()
    """The readings of the hypothesis in which a probe did not hold."""
    round: int = 0


class Run(Struct, frozen=True, kw_only=True):
    """Everything known about a run at one moment."""

    plan: Plan
    t: float = 0.0
    stage: Stage = Stage.CHECKING
    stages: dict[Stage, float] = {}
    steps: dict[str, StepRun] = {}
    looked: dict[str, list[Act]] = {}
    """How it was before a Chaos Toolkit action that has not begun yet."""
    entries: dict[str, Entry] = {}
    tallies: dict[tuple[int, Phase], Tally] = {}
    said: dict[Stage, Said] = {}
    checked: dict[str, list[Aim]] = {}
    declined: tuple[ev.Declined, ...] = ()
    limited: str = ""
    rehearsals: dict[int, ev.Rehearsed] = {}
    stop: ev.Stopped | None = None
    signals: int = 0
    """How often a person, or what stands for one, has asked to stop. The third time they want to leave."""
    signal_t: float = 0.0
    first_applied_t: float | None = None
    first_undo_t: float | None = None
    last_undo_t: float | None = None
    bug: ev.BugMet | None = None
    ended: ev.RunEnded | None = None
    let_go: frozenset[str] = frozenset()
    """The faults that no longer keep other runs off."""
    reopened: bool = False
    """Whether the run was over before, and only what was left is brought back now."""
    pending: Pending = Pending()

    @classmethod
    def of(cls, started: ev.RunStarted) -> "Run":
        """A run at its first event."""
        return cls(plan=started.plan)

    def after(self, event: ev.Event) -> "Run":
        """This run, with one more thing having happened."""
        changes = _changes(self, event)
        grown = {name: {**getattr(self, name), **changes.pop(name)} for name in _GROWING & changes.keys()}
        return structs.replace(self, t=max(self.t, event.t), **changes, **grown)

    def after_all(self, events: Iterable[ev.Event]) -> "Run":
        """This run after these events: the same as one by one, and much sooner, because samples are taken together.

        That may be, since no other event looks at what samples change, and they at nothing of it but the stage.
        """
        run = structs.replace(self, **{name: dict(getattr(self, name)) for name in _GROWING})
        samples = list[ev.Sampled]()
        for event in events:
            if type(event) is ev.Sampled:
                samples.append(event)
                continue
            if samples and type(event) is ev.StageBegan:
                run, samples = run.after_samples(samples), []
            run = _grown(run, event)
        return run.after_samples(samples) if samples else run

    def after_samples(self, samples: Sequence[ev.Sampled]) -> "Run":
        """This run after these samples, one at least: the same as one by one, for journals that have a million."""
        of_probes: dict[int, list[ev.Sampled]] = defaultdict(list)
        for sample in samples:
            of_probes[sample.probe].append(sample)
        latest_t = max([sample.t for sample in samples])
        run = structs.replace(self, t=max(self.t, latest_t), tallies=dict(self.tallies))
        for number, of_probe in of_probes.items():
            for phase, row in groupby(of_probe, _PHASE):
                key = (number, phase)
                run.tallies[key] = run.begun(*key).after_all(row, run.plan.watched[number])
        single = frozenset(of_probes).intersection(run.plan.single_shot)
        if not single:
            return run
        said = _said(run, [sample for sample in samples if sample.probe in single])
        return structs.replace(run, said={**run.said, run.stage: said})

    @property
    def over(self) -> bool:
        return self.ended is not None

    @property
    def leaving(self) -> bool:
        """Whether it was asked for the third time to stop, and there is still something to wait for."""
        return self.signals >= LEAVING and not self.over

    @property
    def phase(self) -> Phase:
        """The phase a sample taken now speaks for."""
        if self.stage in (Stage.AFTER, Stage.OVER):
            return Phase.AFTER
        if self.acted or self.stage in (Stage.READING, Stage.UNDOING):
            return Phase.DURING
        return Phase.BEFORE

    @property
    def acted(self) -> bool:
        """Whether any action was started, so that the system may have been changed."""
        return self.first_applied_t is not None

    @property
    def hit(self) -> dict[str, list[Aim]]:
        """Whom each fault has hit, in all its rounds; before it began, whom it was found to hit."""
        recorded = {step.key: [aim for entry in self.entries_of(step.key) if entry.act
                               for aim in aims_of(step.call, [entry.act], entry.round)]
                    for step in self.plan.experiment.method if step.is_fault}
        return {key: found or self.checked.get(key, []) for key, found in recorded.items()}

    @property
    def first_effect_t(self) -> float | None:
        """When the first fault acted, or the first Chaos Toolkit action was called."""
        called = [state.began_t for step, state in self.actions_begun() if not step.is_fault]
        acted = [entry.applied_t for entry in self.entries.values()]
        return min((t for t in (*called, *acted) if t is not None), default=None)

    @property
    def undid(self) -> bool:
        """Whether anything was undone or rolled back."""
        return self.last_undo_t is not None

    def tally(self, probe: int, phase: Phase) -> Tally:
        """What the samples of a probe in a phase add up to so far."""
        return self.tallies.get((probe, phase), _EMPTY)

    def begun(self, probe: int, phase: Phase) -> Tally:
        """The tally that the next sample adds to. An outage that is under way at the end of a phase goes on in the
        next: `for` counts it as one.
        """
        tally = self.tallies.get((probe, phase))
        if tally or phase is Phase.BEFORE or self.plan.watched[probe].held_for_s is None:
            return tally or _EMPTY
        last = self.tally(probe, _EARLIER[phase])
        return structs.replace(_EMPTY, bad_since=last.bad_since, bad_until_t=last.bad_until_t)

    def step(self, key: str) -> StepRun:
        """What became of a step so far."""
        return self.steps.get(key) or StepRun(key=key)

    def entries_of(self, step: str) -> list[Entry]:
        """The recorded acts of a step, in the order they were recorded."""
        return [entry for entry in self.entries.values() if entry.step == step]

    def round_of(self, step: str) -> int:
        """How many rounds a fault that acts again has begun; 0 for any other."""
        return max((entry.round for entry in self.entries_of(step)), default=0)

    def misses(self, step: str, why: ev.Refusal | None) -> bool:
        """Whether a round that ends so is only left out: it found nobody, and an earlier one has acted."""
        return (why is ev.Refusal.NO_TARGET and self.plan.step(step).every_s is not None
                and any(entry.evidence for entry in self.entries_of(step)))

    def is_due(self, rollback: str) -> bool:
        """Whether a rollback is still to be run: also again, when an action ended only after the rollback had begun."""
        state = self.step(rollback)
        if state.abandoned:
            return False
        if state.began_t is None or (state.ended_t is None and f"step:{rollback}" not in self.pending.asked):
            return True
        return any(state.began_t < (action.ended_t or 0.0) for _, action in self.actions_begun())

    def actions_begun(self) -> Iterator[tuple[Step, StepRun]]:
        """The method's actions that were started, with what became of them."""
        for step in self.plan.experiment.method:
            state = self.steps.get(step.key)
            if step.kind is StepKind.ACTION and state and state.began_t is not None and not state.dry:
                yield step, state


def fold(events: Iterable[ev.Event]) -> Run:
    """The run that these events tell of. Raises ValueError when the first is not RunStarted."""
    stream = iter(events)
    first = next(stream, None)
    if not isinstance(first, ev.RunStarted):
        raise ValueError("a run's first event is RunStarted")
    run = Run.of(first)
    while events_next := list(islice(stream, AT_ONCE)):
        run = run.after_all(events_next)
    return run


AT_ONCE = 2000
"""Events that are folded at once: many, and few enough for a processor's cache."""
TOGETHER_S = 0.2
"""Signals that come so soon after another are the same one, told by several."""
LEAVING = 3
"""The signal that asks to leave at once, whatever is still to be undone."""
_EMPTY = Tally()
_EARLIER = {Phase.DURING: Phase.BEFORE, Phase.AFTER: Phase.DURING}
_PHASE = attrgetter("phase")
Changes = dict[str, Any]
"""What is new in a run: a field's value, or of those that grow, what is added to it."""
_GROWING = frozenset(("stages", "steps", "looked", "entries", "tallies", "said", "checked", "rehearsals"))


def _changes(run: Run, event: ev.Event) -> Changes:
    fold = _FOLDS.get(type(event))
    changes: Changes = fold(run, event) if fold else {}
    return changes


def _grown(run: Run, event: ev.Event) -> Run:
    """The same as `run.after(event)`, for a run that nobody else has seen: what grows is added to where it is."""
    changes = _changes(run, event)
    for name in _GROWING & changes.keys():
        getattr(run, name).update(changes.pop(name))
    return structs.replace(run, t=max(run.t, event.t), **changes)


def _stage_began(_: Run, event: ev.StageBegan) -> Changes:
    return {"stage": event.stage, "stages": {event.stage: event.t}}


def _checked(_: Run, event: ev.Checked) -> Changes:
    return {"checked": {event.step: event.targets}}


def _declined(run: Run, event: ev.Declined) -> Changes:
    if run.misses(event.step, event.why):
        return {"steps": {event.step: _missed(run, event.step, event.text)}}
    state = structs.replace(run.step(event.step), ok=False, note=event.text, refusal=event.why, ended_t=event.t)
    return {"declined": (*run.declined, event), "steps": {event.step: state}}


def _missed(run: Run, key: str, text: str) -> StepRun:
    state = run.step(key)
    times = "once" if not state.missed else f"{state.missed + 1} times"
    return structs.replace(state, missed=state.missed + 1, note=f"{times} there was nobody to hit: {text}")


def _limited(_: Run, event: ev.Limited) -> Changes:
    return {"limited": event.text}


def _rehearsed(_: Run, event: ev.Rehearsed) -> Changes:
    return {"rehearsals": {event.probe: event}}


def _prepared(run: Run, event: ev.Prepared) -> Changes:
    """Each round of a fault that acts again has acts of its own; it began with the first."""
    reversible = run.plan.cards[event.step].reversible
    before = len(run.entries_of(event.step))
    number = run.round_of(event.step) + 1 if run.plan.step(event.step).every_s else 0
    entries = [Entry(key=f"{event.step}.{place}", step=event.step, act=act, reversible=reversible, round=number)
               for place, act in enumerate(event.acts, before)]
    began = {} if before else _begin(run, event.step, event.t)
    return {"entries": {entry.key: entry for entry in entries}, **began}


def _looked(_: Run, event: ev.Looked) -> Changes:
    return {"looked": {event.step: event.acts}}


def _step_began(run: Run, event: ev.StepBegan) -> Changes:
    changes = _begin(run, event.step, event.t)
    if event.undo:
        entry = Entry(key=f"{event.step}.0", step=event.step, undo=event.undo, applied_t=event.t)
        changes["entries"] = {entry.key: entry}
    elif acts := run.looked.get(event.step):
        entries = [Entry(key=f"{event.step}.{number}", step=event.step, act=act, applied_t=event.t)
                   for number, act in enumerate(acts)]
        changes["entries"] = {entry.key: entry for entry in entries}
    return changes


def _begin(run: Run, key: str, t: float) -> Changes:
    changes: Changes = {"steps": {key: structs.replace(run.step(key), began_t=t)}}
    if run.first_applied_t is None and key.startswith("m") and run.plan.step(key).kind is StepKind.ACTION:
        changes["first_applied_t"] = t
    return changes


def _applied(run: Run, event: ev.Applied) -> Changes:
    before = run.entries[event.entry]
    late = before.state is not EntryState.RECORDED
    entry = structs.replace(before, state=before.state if late else EntryState.APPLIED, evidence=event.evidence,
                            applied_t=event.t, unsure=late)
    if before.state is EntryState.LOOKED_AT:
        entry = structs.replace(entry, state=EntryState.APPLIED, unsure=False, answer=None)
    state = run.step(entry.step)
    first = all(other.evidence is None for other in run.entries_of(entry.step))
    grade = event.evidence.grade if first else min(state.grade, event.evidence.grade, key=_TRUST.index)
    step = structs.replace(state, ok=True, grade=grade, ended_t=event.t)
    return {"entries": {entry.key: entry}, "steps": {entry.step: step}}


def _apply_failed(run: Run, event: ev.ApplyFailed) -> Changes:
    before = run.entries[event.entry]
    refused = EntryState.REFUSED if not event.may_have_changed else before.state
    entry = structs.replace(before, state=refused, unsure=event.may_have_changed)
    if run.misses(entry.step, event.why):
        return {"entries": {entry.key: entry},
                "steps": {entry.step: _missed(run, entry.step, event.text)}}
    step = structs.replace(run.step(entry.step), ok=False, grade=Grade.NONE, note=event.text, ended_t=event.t,
                           refusal=event.why)
    return {"entries": {entry.key: entry}, "steps": {entry.step: step}}


def _step_ended(run: Run, event: ev.StepEnded) -> Changes:
    step = structs.replace(run.step(event.step), ok=event.ok, grade=event.grade, output=event.output,
                           error=event.error, note=event.note, off=event.off, ended_t=event.t)
    changes: Changes = {"steps": {event.step: step}}
    if event.step.startswith("r"):
        changes |= _undo_called(run, event)
    return changes


def _undo_called(run: Run, event: ev.Undone | ev.UndoFailed | ev.StepEnded) -> Changes:
    first_t = event.called_t if run.first_undo_t is None else run.first_undo_t
    return {"first_undo_t": first_t, "last_undo_t": event.t}


def _step_skipped(_: Run, event: ev.StepSkipped) -> Changes:
    step = StepRun(key=event.step, began_t=event.t, ended_t=event.t, ok=True, dry=True, note="dry: not called")
    return {"steps": {event.step: step}}


def _step_abandoned(run: Run, event: ev.StepAbandoned) -> Changes:
    step = structs.replace(run.step(event.step), abandoned=True, ok=False, ended_t=event.t,
                           note="still busy when the run ended, left behind")
    return {"steps": {event.step: step}}


def _sampled(run: Run, event: ev.Sampled) -> Changes:
    key = (event.probe, event.phase)
    changes: Changes = {"tallies": {key: run.begun(*key).after(event, run.plan.watched[event.probe])}}
    if run.plan.is_single_shot(event.probe):
        changes["said"] = {run.stage: _said(run, [event])}
    return changes


def _said(run: Run, samples: Sequence[ev.Sampled]) -> Said:
    """What chaoslib would say after these readings, in the order in which they came."""
    return reduce(lambda before, sample: before.after(sample, run.plan), samples, run.said.get(run.stage, Said()))


def _undo_began(run: Run, event: ev.UndoBegan) -> Changes:
    before = run.entries[event.entry]
    entry = structs.replace(before, state=EntryState.UNDOING, attempts=before.attempts + 1)
    return {"entries": {entry.key: entry}}


def _undone(run: Run, event: ev.Undone) -> Changes:
    entry = structs.replace(run.entries[event.entry], state=EntryState.UNDONE, undone_t=event.t, undo_error="")
    return {"entries": {entry.key: entry}, **_undo_called(run, event)}


def _undo_failed(run: Run, event: ev.UndoFailed) -> Changes:
    entry = structs.replace(run.entries[event.entry], state=EntryState.UNDO_FAILED, undo_error=event.text,
                            by_hand=event.by_hand)
    return {"entries": {entry.key: entry}, **_undo_called(run, event)}


def _verified(run: Run, event: ev.Verified) -> Changes:
    before = run.entries[event.entry]
    settled = EntryState.RECORDED if before.unsure else EntryState.LOOKED_AT
    entry = structs.replace(before, state=settled, unsure=False, answer=event.answer, diff=event.diff,
                            by_hand=event.by_hand or before.by_hand, blind=event.blind)
    return {"entries": {entry.key: entry}, "last_undo_t": event.t}


def _looked_back(run: Run, event: ev.LookedBack) -> Changes:
    entry = structs.replace(run.entries[event.entry], aftermath=event.lines)
    return {"entries": {entry.key: entry}}


def _was_let_go(run: Run, event: ev.WasLetGo) -> Changes:
    return {"let_go": run.let_go | {event.step}}


def _stopped(run: Run, event: ev.Stopped) -> Changes:
    return {"stop": run.stop or event}


def _runner_died(run: Run, event: ev.RunnerDied) -> Changes:
    """What was under way is no more. What may not be restored is open again: recorded acts, and failed rollbacks."""
    abandoned = {key for key, step in run.steps.items() if step.abandoned}
    entries = {key: _reopened(entry) if entry.step in abandoned or not entry.is_back else entry
               for key, entry in run.entries.items()}
    steps = {key: StepRun(key=key) for key, step in run.steps.items() if key.startswith("r") and not step.ok}
    return {"ended": None, "entries": entries, "steps": steps, "pending": Pending(), "signals": 0,
            "reopened": event.over}


def _reopened(entry: Entry) -> Entry:
    if not entry.reversible or entry.state is EntryState.REFUSED:
        return entry
    return structs.replace(entry, state=EntryState.RECORDED, attempts=0, unsure=False, undo_error="", answer=None)


def _signal_came(run: Run, event: ev.SignalCame) -> Changes:
    """A lost terminal hangs up two or three times, and a wrapper passes on the Ctrl-C that we have heard already: that
    is no more than having been asked once.
    """
    if run.signals and (event.signal == "SIGHUP" or event.t - run.signal_t < TOGETHER_S):
        return {}
    return {"signals": run.signals + 1, "signal_t": event.t}


def _bug_met(run: Run, event: ev.BugMet) -> Changes:
    return {"bug": run.bug or event}


def _ended(_: Run, event: ev.RunEnded) -> Changes:
    return {"ended": event}


_TRUST = (Grade.NONE, Grade.REPORTED, Grade.PROVEN)
_FOLDS: dict[type[ev.Event], Any] = {
    ev.StageBegan: _stage_began, ev.Checked: _checked, ev.Declined: _declined, ev.Limited: _limited,
    ev.Rehearsed: _rehearsed, ev.Prepared: _prepared,
    ev.Looked: _looked, ev.StepBegan: _step_began, ev.Applied: _applied, ev.ApplyFailed: _apply_failed,
    ev.StepEnded: _step_ended, ev.StepSkipped: _step_skipped,
    ev.StepAbandoned: _step_abandoned, ev.Sampled: _sampled, ev.UndoBegan: _undo_began, ev.Undone: _undone,
    ev.UndoFailed: _undo_failed, ev.Verified: _verified,
    ev.LookedBack: _looked_back, ev.WasLetGo: _was_let_go, ev.Stopped: _stopped, ev.SignalCame: _signal_came,
    ev.RunnerDied: _runner_died, ev.BugMet: _bug_met, ev.RunEnded: _ended,
}
