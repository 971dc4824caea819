"""Probes on a clock, and what follows from a sample."""

from typing import Final

from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run.commands import Timer, Wake
from chaos_runner.run.conditions import tripped, went_blind
from chaos_runner.run.events import Stage, StopKind
from chaos_runner.run.run import Run
from chaos_runner.run.turn import Turn

_ENDS_NOTHING: Final = (Stage.CHECKING, Stage.AFTER, Stage.OVER)
"""Before anything begins a gate keeps it from beginning, and afterwards there is nothing left to end."""


def sampled(turn: Turn, item: ev.Sampled) -> None:
    if not item.good and turn.run.plan.is_single_shot(item.probe):
        turn.pend(broken=turn.run.pending.broken | {turn.run.pending.reading})
        _fail_fast(turn, item)
    if item.probe < len(turn.run.plan.probes) or turn.run.stage in _ENDS_NOTHING:
        return
    rule, tally = turn.run.plan.watched[item.probe], turn.run.tally(item.probe, item.phase)
    if not tripped(rule, tally):
        if tally.doubt or tally.blind:
            _blind(turn, item.probe)
    elif item.probe in turn.run.plan.gates:
        turn.stop(StopKind.GATE, f'the gate "{rule.name}" closed', rule=rule.name, sample_t=item.t)
    else:
        turn.stop(StopKind.RULE, f'stop rule "{rule.name}" tripped', rule=rule.name, sample_t=item.t)


def _fail_fast(turn: Turn, item: ev.Sampled) -> None:
    """Ends the run; by chaoslib's rules only what has not begun is left out."""
    if turn.run.stage is not Stage.METHOD or not turn.run.said[Stage.METHOD].failed_fast:
        return
    if turn.run.plan.manner.chaoslib:
        turn.pend(cursor=len(turn.run.plan.experiment.method))
    else:
        name = turn.run.plan.probes[item.probe].name
        turn.stop(StopKind.FAIL_FAST, f'"{name}" did not hold, and fail-fast was asked for', sample_t=item.t)


def _blind(turn: Turn, number: int) -> None:
    what, name = "the gate" if number in turn.run.plan.gates else "stop rule", turn.run.plan.watched[number].name
    turn.stop(StopKind.BLIND, f'{what} "{name}" could not be read', rule=name)


def sample_due(turn: Turn, wake: Wake) -> None:
    probe = int(wake.subject)
    if not _sampling(turn.run, probe):
        return
    every_s = turn.run.plan.watched[probe].every_s or 1.0
    missed = int((turn.t - wake.at) / every_s)
    turn.ask(Wake(wake.at + (missed + 1) * every_s, Timer.SAMPLE, wake.subject))
    if not turn.asked(f"read:{probe}"):
        turn.ask(co.Read(probe, turn.run.phase))
    elif probe >= len(turn.run.plan.probes) and went_blind(turn.run, probe):
        _blind(turn, probe)


def _sampling(run: Run, probe: int) -> bool:
    """The hypothesis is sampled to the very end, stop rules to the last undo."""
    last = Stage.AFTER if probe < len(run.plan.probes) else Stage.UNDOING
    return run.stage.place <= last.place
