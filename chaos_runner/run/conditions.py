"""Questions about a run that the loop asks before it decides, each answered from the run alone."""

from collections.abc import Iterator
from typing import Final

from chaos_runner.experiment.model import STEADY_SAMPLES, Probe, RollbackStrategy
from chaos_runner.run import chaoslib
from chaos_runner.run.events import Phase, Rehearsed, Sampled, Stage, StopKind, Tripped
from chaos_runner.run.run import Run
from chaos_runner.run.tally import Tally

_REHEARSED_MOST: Final = 100_000


def tripped(rule: Probe, tally: Tally) -> bool:
    """Whether a stop rule holds longer or oftener than its author allows. A share is judged once it can be exceeded."""
    if rule.allow:
        return tally.samples * rule.allow >= 1 and tally.breached(rule)
    return tally.breached(rule)


def would_trip(rule: Probe, invented: Tripped) -> bool:
    """Whether a stop rule ends the run when its probe gives this value, or nothing, again and again."""
    every_s = rule.every_s or 1.0
    needed = int(max(rule.held_for_s or 0.0, rule.missing_for_s) / every_s + 1 / (rule.allow or 1.0)) + 3
    tally = Tally()
    for number in range(min(needed, _REHEARSED_MOST)):
        sample = Sampled(t=number * every_s, probe=invented.probe, phase=Phase.DURING, good=invented.good,
                         value=invented.value)
        tally = tally.after(sample, rule)
    return tripped(rule, tally) or tally.blind


def failed_rehearsals(run: Run) -> Iterator[Rehearsed]:
    """The stop rules that would not have tripped, or too late."""
    most_s = run.plan.safeguards.abort_latency_max_s
    for found in run.rehearsals.values():
        if not found.trips or (most_s is not None and found.took_s > most_s):
            yield found


def closed_gates(run: Run) -> Iterator[int]:
    """The numbers of the gates that are not known to be open."""
    for number in run.plan.gates:
        tally = run.tally(number, Phase.BEFORE)
        if tally.unknown or tally.breached(run.plan.watched[number]):
            yield number


def recovered(probe: Probe, tally: Tally) -> bool:
    """Whether a probe holds again after the undo: so often in a row when it is sampled, once when it is single-shot."""
    return not tally.unknown and tally.good_in_a_row >= (STEADY_SAMPLES if probe.every_s else 1)


def lost(run: Run, number: int) -> bool:
    """Whether a probe of the hypothesis did not recover in time. After a stop nobody waits for it."""
    tally = run.tally(number, Phase.AFTER)
    if run.stop or Stage.AFTER not in run.stages or not tally.samples or tally.doubt:
        return False
    return not recovered(run.plan.probes[number], tally)


def broke(run: Run, number: int) -> bool:
    """Whether a probe of the hypothesis left its limit while the fault acted; or, with `for`, in an outage that began
    then and was too long only after the undo.
    """
    probe, after = run.plan.probes[number], run.tally(number, Phase.AFTER)
    spans = after.breached_t is not None and run.last_undo_t is not None and after.breached_t < run.last_undo_t
    return run.tally(number, Phase.DURING).breached(probe) or (probe.held_for_s is not None and spans)


def went_blind(run: Run, probe: int) -> bool:
    """Whether a probe that is being read has not answered for longer than its `missing-for`."""
    asked_t = run.pending.asked.get(f"read:{probe}")
    return asked_t is not None and run.t - asked_t > run.plan.watched[probe].missing_for_s


def should_roll_back(run: Run) -> bool:
    """Whether the author's rollbacks run.

    `safe`: as soon as any action was started. The others are chaoslib's (chaoslib.rollback, 1.44): `default` is "unless
    the run failed or was interrupted", which leaves faults behind, hence ours; and `default` and `always` run also when
    the steady state was missing and nothing was started.
    """
    if run.plan.manner.chaoslib:
        return _would_roll_back(run)
    match run.plan.strategy:
        case RollbackStrategy.SAFE:
            return run.acted
        case RollbackStrategy.ALWAYS:
            return True
        case RollbackStrategy.NEVER:
            return False
        case RollbackStrategy.DEVIATED:
            return deviated(run)
        case RollbackStrategy.DEFAULT:
            return run.stop is None or run.stop.kind not in (StopKind.SIGNAL, StopKind.ASKED)


def _would_roll_back(run: Run) -> bool:
    """By chaoslib's own rules."""
    if chaoslib.forbids_rollbacks(run):
        return False
    match run.plan.strategy:
        case RollbackStrategy.ALWAYS:
            return True
        case RollbackStrategy.DEVIATED:
            return chaoslib.deviated(run)
        case RollbackStrategy.NEVER:
            return False
        case RollbackStrategy.SAFE:
            return run.acted
        case RollbackStrategy.DEFAULT:
            return chaoslib.status(run) not in ("failed", "interrupted")


def deviated(run: Run) -> bool:
    """Whether any probe of the hypothesis was out of its limit since the first fault."""
    return any(run.tally(number, phase).breached(probe)
               for number, probe in enumerate(run.plan.probes) for phase in (Phase.DURING, Phase.AFTER))
