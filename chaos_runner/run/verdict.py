"""The two answers of a run: the verdict, and whether everything is restored. Rules as lists a person can read.

The first rule that speaks wins. A rule returns its findings, worst first; the first one's sentence is the run's.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec import Struct

from chaos_runner.contracts import Answer, Grade
from chaos_runner.run import events as ev
from chaos_runner.run import sentences
from chaos_runner.run.conditions import broke, closed_gates, failed_rehearsals, lost, tripped
from chaos_runner.run.events import Phase, Reason, Refusal, RestoredState, RunEnded, StopKind, Verdict
from chaos_runner.run.gates import DEFERRED, GateAnswer, GateResult, gate_answer, gate_answers, was_read
from chaos_runner.run.run import Entry, EntryState, Run, StepRun
from chaos_runner.units import spoken_seconds

EXITS: Final = {
    Verdict.PASSED: 0, Verdict.DEVIATED: 1, Verdict.NOT_STARTED: 3, Verdict.ABORTED: 4, Verdict.INCONCLUSIVE: 5,
    Verdict.ERROR: 5, Verdict.INTERRUPTED: 130,
}
NOT_RESTORED_EXIT: Final = 6


class Finding(Struct, frozen=True, kw_only=True):
    """One reason for a verdict."""

    code: str
    verdict: Verdict
    text: str


Rule = Callable[[Run], Iterator[Finding]]
Told = Callable[[Run, ev.Stopped], str]


def judge(run: Run) -> RunEnded:
    """The end of a run: what it found, whether it left anything, and why."""
    findings = next(found for rule in RULES if (found := list(rule(run))))
    restored = restored_state(run)
    reasons = [Reason(code=finding.code, text=finding.text) for finding in findings]
    return RunEnded(t=run.t, verdict=findings[0].verdict, restored=restored, exit=_exit(run, findings[0], restored),
                    sentence=findings[0].text, reasons=reasons)


def _exit(run: Run, finding: Finding, restored: RestoredState) -> int:
    if restored in (RestoredState.NOT_RESTORED, RestoredState.UNKNOWN):
        return NOT_RESTORED_EXIT
    if run.bug:
        return 70
    if finding.verdict is Verdict.INTERRUPTED and run.stop:
        return run.stop.exit
    return EXITS[finding.verdict]


# ── restored ────────────────────────────────────────────────────────────────────────────────────────────────────────

def restored_state(run: Run) -> RestoredState:
    """Whether what the run touched is back: the worst answer of every entry and every rollback."""
    answers = [answer for entry in run.entries.values() if (answer := entry_state(entry))]
    answers += [_rollback_state(state) for step in run.plan.experiment.rollbacks
                if (state := run.step(step.key)).began_t is not None]
    return worst_of(answers)


def worst_of(answers: Iterable[RestoredState]) -> RestoredState:
    """The worst of several answers; nothing to restore when there is none."""
    return max(answers, key=_WORST.index, default=RestoredState.NOTHING)


def entry_state(entry: Entry) -> RestoredState | None:
    """The answer of one entry. None for what needs no undo: refused, or irreversible by nature."""
    if not entry.reversible or entry.state is EntryState.REFUSED:
        return None
    if entry.answer is Answer.NOT_RESTORED:
        return RestoredState.NOT_RESTORED
    if entry.answer is not None:
        return RestoredState.RESTORED
    if entry.undo_error:
        return RestoredState.NOT_RESTORED
    return RestoredState.REPORTED if entry.blind else RestoredState.UNKNOWN


def _rollback_state(state: StepRun) -> RestoredState:
    return RestoredState.REPORTED if state.ok else RestoredState.UNKNOWN


_WORST: Final = (RestoredState.NOTHING, RestoredState.RESTORED, RestoredState.REPORTED, RestoredState.UNKNOWN,
                 RestoredState.NOT_RESTORED)


# ── the verdict ─────────────────────────────────────────────────────────────────────────────────────────────────────

def met_a_bug(run: Run) -> Iterator[Finding]:
    """chaos-runner itself broke before anything was touched."""
    if run.bug and not run.acted:
        yield Finding(code="V490", verdict=Verdict.ERROR, text=f"a bug in chaos-runner: {run.bug.text}")


def refused(run: Run) -> Iterator[Finding]:
    """A fault's `prepare` said no before the first fault."""
    for declined in run.declined:
        if not run.acted:
            name = run.plan.step(declined.step).name
            yield _DECLINED[declined.early, declined.why](f'"{name}": {declined.text}')


def stopped_early(run: Run) -> Iterator[Finding]:
    """A signal, a request or a stop rule came before the first fault."""
    if run.acted or run.stop is None:
        return
    code, verdict, told = _EARLY.get(run.stop.kind, _ERRED)
    text, deferred = told(run, run.stop), _deferred(run, run.stop)
    if deferred:
        code, text = DEFERRED, f"{text}; try again at {deferred.again_words}"
    yield Finding(code=code, verdict=verdict, text=text)


def _deferred(run: Run, stop: ev.Stopped) -> GateAnswer | None:
    """The gate that closed and says when to try again, where one did."""
    answers = gate_answers(run) if stop.kind is StopKind.GATE else ()
    return next((one for one in answers if one.name == stop.rule and one.result is GateResult.DEFER), None)


def steady_state_missing(run: Run) -> Iterator[Finding]:
    """The steady state was not there, or could not be read, before the first fault."""
    if run.acted or ev.Stage.METHOD in run.stages:
        return
    for number, probe in enumerate(run.plan.watched):
        tally = run.tally(number, Phase.BEFORE)
        if not run.plan.measures(number, before=True):
            continue
        if number < len(run.plan.probes) and tally.breached(probe):
            yield Finding(code="V102", verdict=Verdict.NOT_STARTED,
                          text=f"the steady state was not there before any fault: "
                               f"{sentences.breach(run, number, Phase.BEFORE)}")
        elif tally.unknown:
            doubt = tally.doubt or tally.note or "no data"
            code = "V103" if number < len(run.plan.probes) else "V105"
            yield Finding(code=code, verdict=Verdict.NOT_STARTED,
                          text=f"before any fault, {probe.name} could not be judged: {doubt}")


def shut_out(run: Run) -> Iterator[Finding]:
    """A gate was closed, or could not be read, before anything began."""
    if ev.Stage.BEFORE not in run.stages and not run.acted:
        answers = [gate_answer(run, number) for number in closed_gates(run)]
        yield from (_shut_by(run, answer) for answer in sorted(answers, key=lambda one: one.result is GateResult.DEFER))


def _shut_by(run: Run, answer: GateAnswer) -> Finding:
    """Those that deny come first: a run that one denies need not be tried again when another would let it in."""
    probe, tally = run.plan.watched[answer.number], run.tally(answer.number, Phase.BEFORE)
    if answer.result is GateResult.DEFER:
        text = f'the gate "{answer.name}" defers: {sentences.found(probe, tally)}; try again at {answer.again_words}'
        return Finding(code=DEFERRED, verdict=Verdict.NOT_STARTED, text=text)
    text = (f'the gate "{answer.name}" is closed: {sentences.found(probe, tally)}' if was_read(tally)
            else f'the gate "{answer.name}" could not be read, and so is closed: {answer.read}')
    return Finding(code="V109", verdict=Verdict.NOT_STARTED, text=text)


def limited(run: Run) -> Iterator[Finding]:
    """What the faults together would do is beyond a limit."""
    if run.limited:
        yield Finding(code="V106", verdict=Verdict.NOT_STARTED, text=run.limited)


def unrehearsed(run: Run) -> Iterator[Finding]:
    """A rehearsal showed that a stop rule would not have stopped the run, or not in time."""
    for found in failed_rehearsals(run) if not run.acted else ():
        name = run.plan.watched[found.probe].name
        if not found.trips:
            yield Finding(code="V107", verdict=Verdict.NOT_STARTED,
                          text=f'the rehearsal failed: stop rule "{name}" does not trip, whatever it reads')
        else:
            most_s = run.plan.safeguards.abort_latency_max_s or 0.0
            yield Finding(code="V108", verdict=Verdict.NOT_STARTED,
                          text=f'the rehearsal failed: from a bad sample of "{name}" to an undo it took '
                               f"{spoken_seconds(found.took_s)} (max-abort-latency {spoken_seconds(most_s)})")


def only_the_hypothesis(run: Run) -> Iterator[Finding]:
    """The run was asked for the steady state only, and it is there."""
    if run.plan.hypothesis_only:
        if not run.plan.probes:
            yield Finding(code="V501", verdict=Verdict.INCONCLUSIVE, text="there is no hypothesis to measure")
        elif any(not run.plan.measures(number, before=True) for number in range(len(run.plan.probes))):
            yield Finding(code="V507", verdict=Verdict.INCONCLUSIVE, text="the steady state was not measured")
        else:
            yield Finding(code="V002", verdict=Verdict.PASSED,
                          text=f"the steady state holds ({len(run.plan.probes)} probes); no fault was asked for")


def deviated(run: Run) -> Iterator[Finding]:
    """A probe left its limit while or after the fault acted, also when it had recovered by the end."""
    if not run.acted:
        return
    broken = [number for number in range(len(run.plan.probes)) if broke(run, number)]
    broken.sort(key=lambda number: -run.tally(number, Phase.DURING).bad_for_s)
    for number in broken:
        yield Finding(code="V201", verdict=Verdict.DEVIATED, text=sentences.breach(run, number, Phase.DURING))
    for number, probe in enumerate(run.plan.probes):
        if lost(run, number):
            within = f"{run.plan.recovers_within_s:g} s after the undo"
            found = sentences.found(probe, run.tally(number, Phase.AFTER))
            yield Finding(code="V203", verdict=Verdict.DEVIATED,
                          text=f"{probe.name} did not recover within {within}: {found}")


def aborted(run: Run) -> Iterator[Finding]:
    """A stop rule tripped or went blind, or somebody asked."""
    if run.stop and run.stop.kind in _ABORTED:
        code, told = _ABORTED[run.stop.kind]
        yield Finding(code=code, verdict=Verdict.ABORTED, text=told(run, run.stop))


def interrupted(run: Run) -> Iterator[Finding]:
    """A signal came."""
    if run.stop and run.stop.kind is StopKind.SIGNAL:
        yield Finding(code="V301", verdict=Verdict.INTERRUPTED, text=f"{run.stop.text} stopped the run")
    if run.stop and run.stop.kind is StopKind.DIED:
        yield Finding(code="V302", verdict=Verdict.INTERRUPTED, text=run.stop.text)


def step_errored(run: Run) -> Iterator[Finding]:
    """chaos-runner, a step or a rollback broke."""
    if run.bug:
        yield Finding(code="V490", verdict=Verdict.ERROR, text=f"a bug in chaos-runner: {run.bug.text}")
    if run.stop and run.stop.kind is StopKind.JOURNAL_LOST:
        yield Finding(code="V403", verdict=Verdict.ERROR, text=run.stop.text)
    for step in run.plan.experiment.steps:
        state = run.step(step.key)
        if state.ok is False and state.refusal in (None, Refusal.REFUSED):
            code = "V402" if step.key.startswith("r") else "V401"
            what = "rollback" if step.key.startswith("r") else step.kind
            yield Finding(code=code, verdict=Verdict.ERROR, text=f'{what} "{step.name}" failed: {state.note}')


def dry_run(run: Run) -> Iterator[Finding]:
    """Activities were only gone through."""
    skipped = [step for step in run.plan.experiment.method if run.step(step.key).dry]
    if skipped:
        names = ", ".join(f'"{step.name}"' for step in skipped[:3]) + (", …" if len(skipped) > 3 else "")
        yield Finding(code="V508", verdict=Verdict.INCONCLUSIVE, text=f"a dry run: {names} not called, nothing tested")
    if any(not run.plan.is_called(probe) for probe in run.plan.probes):
        yield Finding(code="V508", verdict=Verdict.INCONCLUSIVE, text="a dry run: the hypothesis was not measured")


def not_measured(run: Run) -> Iterator[Finding]:
    """The hypothesis strategy left single-shot probes unread before or after the method."""
    strategy = run.plan.manner.hypothesis
    missing = [when for when, read in (("before", strategy.reads_before), ("after", strategy.reads_after)) if not read]
    if missing and run.plan.single_shot:
        name = run.plan.probes[run.plan.single_shot[0]].name
        yield Finding(code="V507", verdict=Verdict.INCONCLUSIVE,
                      text=f'"{name}" was not measured {" and ".join(missing)} the method (strategy {strategy}), so it '
                           "is not known to have held")


def nothing_proven(run: Run) -> Iterator[Finding]:
    """Something that a judgement needs is missing."""
    for step in run.plan.experiment.method:
        state = run.step(step.key)
        if state.refusal in (Refusal.NO_TARGET, Refusal.NO_EFFECT):
            yield _DECLINED[False, state.refusal](f'"{step.name}": {state.note}')
        if state.off:
            yield Finding(code="V509", verdict=Verdict.INCONCLUSIVE, text=f'"{step.name}" of the method {state.off}')
    if not run.plan.probes:
        yield Finding(code="V501", verdict=Verdict.INCONCLUSIVE,
                      text="there is no hypothesis, so nothing was learned about the system")
    actions = list(run.actions_begun())
    if not actions:
        yield Finding(code="V502", verdict=Verdict.INCONCLUSIVE, text="no action was run, so nothing was tested")
    for step, state in actions:
        if state.grade is Grade.NONE:
            why = f": {state.note}" if state.note else _evidence_against(run, step.key) or ": its own evidence says so"
            yield Finding(code="V503", verdict=Verdict.INCONCLUSIVE, text=f'"{step.name}" had no effect{why}')
        elif state.grade is Grade.REPORTED and run.plan.safeguards.require_proof:
            yield Finding(code="V504", verdict=Verdict.INCONCLUSIVE,
                          text=f'"{step.name}" is reported, not measured, and require-proof asks for more')


def _evidence_against(run: Run, step: str) -> str:
    """On how many targets the fault did not act, and what was measured on the first of them."""
    told = [(entry.label, entry.evidence) for entry in run.entries_of(step) if entry.evidence]
    vain = [f"{label}: {found.after}" for label, found in told if found.grade is Grade.NONE and found.after]
    if not vain:
        return ""
    part = f" on {len(vain)} of {len(told)} targets" if len(vain) < len(told) else ""
    return f"{part}: {vain[0]}"


def unattended(run: Run) -> Iterator[Finding]:
    """A control was asked for and left out: whatever it was to guard or to measure, it did not."""
    for said in run.plan.experiment.controls_left_out:
        yield Finding(code="V510", verdict=Verdict.INCONCLUSIVE, text=f"{said}; the run went without it")


def data_missing(run: Run) -> Iterator[Finding]:
    """A probe could not be judged while or after the fault acted."""
    phases = [Phase.DURING] + ([Phase.AFTER] if ev.Stage.AFTER in run.stages else [])
    for phase in phases:
        for number, probe in enumerate(run.plan.probes):
            tally = run.tally(number, phase)
            looked = phase is Phase.DURING or probe.every_s or run.undid
            if tally.unknown and looked and run.plan.measures(number, before=False):
                doubt = tally.doubt or tally.note or "no sample"
                yield Finding(code="V505", verdict=Verdict.INCONCLUSIVE,
                              text=f"{probe.name} could not be judged {phase} the fault: {doubt}")


def stopped_short(run: Run) -> Iterator[Finding]:
    """The method did not come to its end, for a reason that no other rule speaks of."""
    if run.stop:
        yield Finding(code="V401", verdict=Verdict.ERROR, text=run.stop.text)


def held_throughout(run: Run) -> Iterator[Finding]:
    """Measured before, during where asked, and after; the fault acted; nothing errored."""
    yield Finding(code="V001", verdict=Verdict.PASSED, text=sentences.passed(run))


def _trip(run: Run, stop: ev.Stopped) -> str:
    return _what_ended_it(run, stop, "stop rule tripped")


def _shut(run: Run, stop: ev.Stopped) -> str:
    return _what_ended_it(run, stop, "a gate closed")


def _what_ended_it(run: Run, stop: ev.Stopped, what: str) -> str:
    """What the rule or the gate read."""
    for number in range(len(run.plan.probes), len(run.plan.watched)):
        rule = run.plan.watched[number]
        for phase in (Phase.DURING, Phase.BEFORE):
            if rule.name == stop.rule and tripped(rule, run.tally(number, phase)):
                return f"{what}: {sentences.breach(run, number, phase)}"
    return stop.text


def _by_control(_: Run, stop: ev.Stopped) -> str:
    return f"a control stopped the run: {stop.text}"


def _as_said(_: Run, stop: ev.Stopped) -> str:
    return stop.text


def _early(told: Told) -> Told:
    return lambda run, stop: f"{told(run, stop)} before the first fault"


def _harmless(told: Told) -> Told:
    return lambda run, stop: f"{told(run, stop)}; no fault was injected"


def _died(_: Run, __: ev.Stopped) -> str:
    return "the runner died"


_ERRED: Final = ("V401", Verdict.ERROR, _as_said)
_EARLY: Final[dict[StopKind, tuple[str, Verdict, Told]]] = {
    StopKind.SIGNAL: ("V301", Verdict.INTERRUPTED, _early(_as_said)),
    StopKind.DIED: ("V302", Verdict.INTERRUPTED, _early(_died)),
    StopKind.BLIND: ("V105", Verdict.NOT_STARTED, _as_said),
    StopKind.GATE: ("V109", Verdict.NOT_STARTED, _harmless(_shut)),
    StopKind.RULE: ("V311", Verdict.ABORTED, _harmless(_trip)),
    StopKind.ASKED: ("V313", Verdict.ABORTED, _early(_as_said)),
    StopKind.FAIL_FAST: ("V314", Verdict.ABORTED, _harmless(_as_said)),
    StopKind.CONTROL: ("V315", Verdict.ABORTED, _early(_by_control)),
}
"""What ended a run before its first fault. The others are errors."""
_ABORTED: Final[dict[StopKind, tuple[str, Told]]] = {
    StopKind.RULE: ("V311", _trip), StopKind.BLIND: ("V312", _as_said), StopKind.ASKED: ("V313", _as_said),
    StopKind.FAIL_FAST: ("V314", _as_said), StopKind.CONTROL: ("V315", _by_control),
    StopKind.LIMIT: ("V316", _as_said), StopKind.GATE: ("V317", _shut),
}
"""What ends a run although nothing broke. Other rules speak of the others."""


def _declines(code: str, verdict: Verdict) -> Callable[[str], Finding]:
    return lambda text: Finding(code=code, verdict=verdict, text=text)


_DECLINED: Final[dict[tuple[bool, Refusal], Callable[[str], Finding]]] = {
    (True, Refusal.REFUSED): _declines("V104", Verdict.NOT_STARTED),
    (True, Refusal.NO_TARGET): _declines("V101", Verdict.NOT_STARTED),
    (True, Refusal.NO_EFFECT): _declines("V503", Verdict.INCONCLUSIVE),
    (False, Refusal.REFUSED): _declines("V401", Verdict.ERROR),
    (False, Refusal.NO_TARGET): _declines("V506", Verdict.INCONCLUSIVE),
    (False, Refusal.NO_EFFECT): _declines("V503", Verdict.INCONCLUSIVE),
}

RULES: Final[tuple[Rule, ...]] = (
    met_a_bug, refused, limited, shut_out, stopped_early, steady_state_missing, unrehearsed, only_the_hypothesis,
    deviated, aborted, interrupted, step_errored, dry_run, not_measured, nothing_proven, unattended, data_missing,
    stopped_short,
    held_throughout,
)
