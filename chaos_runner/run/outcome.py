"""The outcome of a run as other programs read it: `outcome.json` and `run --json`. A fold of the journal."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from chaos_runner.clock import rfc3339
from chaos_runner.contracts import Grade
from chaos_runner.experiment.model import Native, Step
from chaos_runner.run.events import Phase, Reason, RestoredState, RunEnded, StopKind, Verdict
from chaos_runner.run.run import Entry, Run, StepRun
from chaos_runner.run.tally import Tally
from chaos_runner.run.verdict import entry_state, worst_of

SCHEMA = 1


class FaultOutcome(Struct, frozen=True, kw_only=True):
    """One action of the method: whom it hit, whether it acted, and whether that is undone."""

    name: str
    fault: str
    targets: list[str]
    applied: str | None
    undone: str | None
    grade: Grade
    evidence: dict[str, Any]
    restored: RestoredState | None
    irreversible: str = ""
    untracked: bool = False
    note: str = ""


class ProbeOutcome(Struct, frozen=True, kw_only=True):
    """One probe in one phase. `state` is held, unknown or deviated."""

    name: str
    phase: Phase
    samples: int
    bad: int
    missing: int
    worst: Any
    unit: str
    state: str


class StopOutcome(Struct, frozen=True, kw_only=True):
    """What ended the run early, and how fast it reacted."""

    kind: StopKind
    rule: str
    text: str
    sample_to_undo_ms: float | None


class UndoOutcome(Struct, frozen=True, kw_only=True):
    """One entry that is not known to be restored, and the command that finishes it."""

    target: str
    restored: RestoredState
    diff: str
    by_hand: str


class Outcome(Struct, frozen=True, kw_only=True):
    """The run in one object. Times are RFC 3339 in UTC; `exit` is the exit code of `run`."""

    schema: int = SCHEMA
    run: str
    title: str
    file: str
    verdict: Verdict
    restored: RestoredState
    exit: int
    sentence: str
    started: str
    ended: str
    seed: int
    faults: list[FaultOutcome]
    probes: list[ProbeOutcome]
    stop: StopOutcome | None
    reasons: list[Reason]
    unrestored: list[UndoOutcome]


def outcome(run: Run) -> Outcome:
    """The outcome of a run that is over. Raises LookupError for one that is not."""
    end = run.ended
    if end is None:
        raise LookupError(f"run {run.plan.run} is not over")
    return _outcome(run, end)


def _outcome(run: Run, end: RunEnded) -> Outcome:
    plan = run.plan
    return Outcome(
        run=plan.run, title=plan.experiment.title, file=plan.experiment.file, verdict=end.verdict,
        restored=end.restored, exit=end.exit, sentence=end.sentence, started=plan.started,
        ended=moment(run, end.t), seed=plan.seed,
        faults=[_fault(run, step, state) for step, state in run.actions_begun()],
        probes=[_probe(run, number, phase) for phase in Phase for number in range(len(plan.probes))
                if run.tally(number, phase).readings],
        stop=_stop(run), reasons=end.reasons, unrestored=list(_unrestored(run)))


def moment(run: Run, t: float) -> str:
    """A moment of a run as wall time."""
    return rfc3339(datetime.fromisoformat(run.plan.started) + timedelta(seconds=t))


def probe_state(run: Run, number: int, phase: Phase) -> str:
    """held, unknown or deviated: the order of doubt, worst last."""
    tally = run.tally(number, phase)
    if _deviated(run, number, phase, tally):
        return "deviated"
    return "unknown" if tally.unknown else "held"


def _deviated(run: Run, number: int, phase: Phase, tally: Tally) -> bool:
    """After the undo a probe may still be bad for a while: what counts there is that it recovers."""
    probe = run.plan.watched[number]
    if phase is Phase.AFTER:
        return any(reason.code == "V203" and reason.text.startswith(probe.name) for reason in _reasons(run))
    return tally.breached(probe)


def _reasons(run: Run) -> list[Reason]:
    return run.ended.reasons if run.ended else []


def _fault(run: Run, step: Step, state: StepRun) -> FaultOutcome:
    entries = run.entries_of(step.key)
    card = run.plan.cards.get(step.key)
    return FaultOutcome(
        name=step.name, fault=step.call.name if isinstance(step.call, Native) else f"provider:{step.call.kind}",
        targets=[entry.label for entry in entries if entry.act], applied=_at(run, state.began_t),
        undone=_at(run, max((entry.undone_t for entry in entries if entry.undone_t is not None), default=None)),
        grade=state.grade, evidence=_evidence(entries), restored=_worst(entries),
        irreversible=card.healed_by if card else "", untracked=not entries and not card, note=state.note)


def _at(run: Run, t: float | None) -> str | None:
    return None if t is None else moment(run, t)


def _evidence(entries: list[Entry]) -> dict[str, Any]:
    return {entry.label: {"before": entry.evidence.before, "after": entry.evidence.after}
            for entry in entries if entry.evidence}


def _worst(entries: list[Entry]) -> RestoredState | None:
    states = [state for entry in entries if (state := entry_state(entry))]
    return worst_of(states) if states else None


def _probe(run: Run, number: int, phase: Phase) -> ProbeOutcome:
    probe, tally = run.plan.watched[number], run.tally(number, phase)
    return ProbeOutcome(name=probe.name, phase=phase, samples=tally.samples, bad=tally.bad, missing=tally.missing,
                        worst=tally.worst, unit=probe.unit, state=probe_state(run, number, phase))


def _stop(run: Run) -> StopOutcome | None:
    if run.stop is None:
        return None
    delay_ms = None
    if run.stop.sample_t is not None and run.first_undo_t is not None:
        delay_ms = round((run.first_undo_t - run.stop.sample_t) * 1000, 3)
    return StopOutcome(kind=run.stop.kind, rule=run.stop.rule, text=run.stop.text, sample_to_undo_ms=delay_ms)


def _unrestored(run: Run) -> list[UndoOutcome]:
    bad = (RestoredState.NOT_RESTORED, RestoredState.UNKNOWN)
    return [UndoOutcome(target=entry.label, restored=state, diff=entry.diff or entry.undo_error, by_hand=entry.by_hand)
            for entry in run.entries.values() if (state := entry_state(entry)) in bad]


