"""The outcome of a run as other programs read it: `outcome.json` and `run --json`. A fold of the journal."""

from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from chaos_runner.clock import rfc3339
from chaos_runner.contracts import Grade
from chaos_runner.experiment.model import Native, Probe, Step
from chaos_runner.plan.limits import used
from chaos_runner.run.conditions import broke, lost
from chaos_runner.run.events import Phase, Reason, RestoredState, RunEnded, StopKind, Verdict
from chaos_runner.run.gates import GateAnswer, GateResult, again_at, gate_answers
from chaos_runner.run.measures import Detected, all_recovered_s, detected, time_to_detect_s, time_to_recover_s
from chaos_runner.run.run import Entry, Run, StepRun
from chaos_runner.run.sentences import limit_words
from chaos_runner.run.tally import has_order, nearest_bound
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
    """One probe in one phase. `state` is held, unknown or deviated. `bad_s` is in seconds, `area` in `area_unit`.

    `limit` is in words; `margin` is how far inside `bound` the worst value stayed, in `unit`, below zero beyond it.
    """

    name: str
    phase: Phase
    samples: int
    bad: int
    missing: int
    worst: Any
    unit: str
    state: str
    bad_s: float
    area: float
    area_unit: str
    time_to_detect_s: float | None
    time_to_recover_s: float | None
    limit: str = ""
    bound: float | None = None
    margin: float | None = None


class StopOutcome(Struct, frozen=True, kw_only=True):
    """What ended the run early, and how fast it reacted."""

    kind: StopKind
    rule: str
    text: str
    sample_to_undo_ms: float | None


class RehearsalOutcome(Struct, frozen=True, kw_only=True):
    """A stop rule in the rehearsal: whether it trips, and how soon after a bad sample an undo could have begun."""

    rule: str
    trips: bool
    sample_to_undo_ready_ms: float


class GateOutcome(Struct, frozen=True, kw_only=True):
    """What a gate said: pass, defer or deny, what it read in words, and when to try again where it defers."""

    name: str
    result: GateResult
    read: str
    again_at: str | None = None


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
    detected: Detected | None
    time_to_recover_s: float | None
    stop: StopOutcome | None
    environment: str
    limits: list[str]
    rehearsal: list[RehearsalOutcome]
    reasons: list[Reason]
    unrestored: list[UndoOutcome]
    digest: str = ""
    """Of the experiment: what it means, not how it is written."""
    gates: list[GateOutcome] = []
    """Those that were asked."""
    again_at: str | None = None
    """When to try again, where nothing but gates that defer kept the run from its first fault."""


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
        detected=detected(run), time_to_recover_s=all_recovered_s(run), stop=_stop(run),
        environment=plan.environment, limits=used(plan.safeguards.limits, run.hit),
        rehearsal=[RehearsalOutcome(rule=plan.watched[number].name, trips=found.trips,
                                    sample_to_undo_ready_ms=round(found.took_s * 1000, 3))
                   for number, found in run.rehearsals.items()], reasons=end.reasons,
        unrestored=list(_unrestored(run)), digest=plan.digest, gates=[_gate(answer) for answer in gate_answers(run)],
        again_at=_told_at(again_at(run)))


def moment(run: Run, t: float) -> str:
    """A moment of a run as wall time."""
    return rfc3339(datetime.fromisoformat(run.plan.started) + timedelta(seconds=t))


def probe_state(run: Run, number: int, phase: Phase) -> str:
    """held, unknown or deviated: the order of doubt, worst last."""
    tally = run.tally(number, phase)
    if _DEVIATED[phase](run, number):
        return "deviated"
    return "unknown" if tally.unknown else "held"


def _bad_before(run: Run, number: int) -> bool:
    return run.tally(number, Phase.BEFORE).breached(run.plan.probes[number])


_DEVIATED: Final = {Phase.BEFORE: _bad_before, Phase.DURING: broke, Phase.AFTER: lost}
"""After the undo a probe may still be bad for a while: what counts there is that it recovers."""


def _fault(run: Run, step: Step, state: StepRun) -> FaultOutcome:
    entries = run.entries_of(step.key)
    card = run.plan.cards.get(step.key)
    return FaultOutcome(
        name=step.name, fault=step.call.name if isinstance(step.call, Native) else f"provider:{step.call.kind}",
        targets=[entry.label for entry in entries if entry.act], applied=_at(run, state.began_t),
        undone=_at(run, max((entry.undone_t for entry in entries if entry.undone_t is not None), default=None)),
        grade=state.grade, evidence=_evidence(entries), restored=_worst(entries),
        irreversible=run.plan.healed_by(step), untracked=not entries and not card and not step.known, note=state.note)


def _at(run: Run, t: float | None) -> str | None:
    return None if t is None else moment(run, t)


def _evidence(entries: list[Entry]) -> dict[str, Any]:
    """Of each target; one that was hit again bears the number of the round."""
    found: dict[str, Any] = {}
    for entry in entries:
        if entry.evidence:
            label = entry.label if entry.label not in found else f"{entry.label} (round {entry.round})"
            found[label] = {"before": entry.evidence.before, "after": entry.evidence.after}
    return found


def _worst(entries: list[Entry]) -> RestoredState | None:
    states = [state for entry in entries if (state := entry_state(entry))]
    return worst_of(states) if states else None


def _probe(run: Run, number: int, phase: Phase) -> ProbeOutcome:
    probe, tally = run.plan.watched[number], run.tally(number, phase)
    state, ordered = probe_state(run, number, phase), has_order(probe.judge)
    detects = phase is not Phase.BEFORE and state == "deviated"
    bound, margin = nearest_bound(probe, tally.worst)
    return ProbeOutcome(
        name=probe.name, phase=phase, samples=tally.samples, bad=tally.bad, missing=tally.missing, worst=tally.worst,
        unit=probe.unit, state=state, bad_s=_micro(tally.bad_for_s),
        area=_micro(tally.area if ordered else tally.bad_for_s), area_unit=area_unit(probe),
        time_to_detect_s=time_to_detect_s(run, number) if detects else None,
        time_to_recover_s=time_to_recover_s(run, number) if phase is Phase.AFTER else None,
        limit=limit_words(probe), bound=bound, margin=None if margin is None else _micro(margin))


def area_unit(probe: Probe) -> str:
    """What the area over a limit is measured in: the probe's unit times seconds, or mere seconds without an order."""
    return f"{probe.unit or 1}·s" if has_order(probe.judge) else "s"


def _micro(value: float) -> float:
    """Without the digits that only rounding has made."""
    return float(f"{value:.9g}")


def _gate(answer: GateAnswer) -> GateOutcome:
    return GateOutcome(name=answer.name, result=answer.result, read=answer.read, again_at=_told_at(answer.again))


def _told_at(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None


def _stop(run: Run) -> StopOutcome | None:
    if run.stop is None:
        return None
    delay_ms = None
    if run.stop.sample_t is not None and run.first_undo_t is not None:
        delay_ms = round((run.first_undo_t - run.stop.sample_t) * 1000, 3)
    return StopOutcome(kind=run.stop.kind, rule=run.stop.rule, text=run.stop.text, sample_to_undo_ms=delay_ms)


def _unrestored(run: Run) -> list[UndoOutcome]:
    bad = (RestoredState.NOT_RESTORED, RestoredState.UNKNOWN)
    return [UndoOutcome(target=entry.label if entry.act else run.plan.step(entry.step).name, restored=state,
                        diff=entry.diff or entry.undo_error, by_hand=entry.by_hand)
            for entry in run.entries.values() if (state := entry_state(entry)) in bad]


