"""The steady state is measured: nothing begins that does not hold."""

from typing import Final

from chaos_runner.run import commands as co
from chaos_runner.run import hypothesis
from chaos_runner.run.commands import Timer
from chaos_runner.run.conditions import went_blind
from chaos_runner.run.events import Phase, Stage
from chaos_runner.run.run import Run
from chaos_runner.run.stages import over
from chaos_runner.run.turn import Turn

_AT_ONCE: Final = 8
_APART_S: Final = 0.01
"""So many probes are sampled at the same moment, and the next ones so much later: a hundred that knock at once would
wait for each other, and measure that.
"""


def open_stage(turn: Turn) -> None:
    count = len(turn.run.plan.watched)
    for number, probe in enumerate(turn.run.plan.watched):
        if probe.every_s and turn.run.plan.measures(number, before=True):
            turn.ask(co.Read(number, Phase.BEFORE))
            turn.wake_in(probe.every_s + _apart_s(number, count, probe.every_s), Timer.SAMPLE, str(number))
    if turn.run.plan.baseline_s:
        turn.wake_in(turn.run.plan.baseline_s, Timer.BASELINE)


def _apart_s(number: int, count: int, every_s: float) -> float:
    """How much later than the first probes this one is sampled. With few probes: not at all."""
    return number // _AT_ONCE * min(_APART_S, every_s * _AT_ONCE / count)


def go_on(turn: Turn) -> None:
    if turn.run.plan.manner.hypothesis.reads_before and not hypothesis.read_hypothesis(turn, "before", Phase.BEFORE):
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
        over.finish(turn)
    else:
        turn.enter(Stage.REHEARSING if steady else Stage.UNDOING)


def _holds(run: Run, number: int, phase: Phase) -> bool:
    tally, probe = run.tally(number, phase), run.plan.watched[number]
    if not run.plan.measures(number, before=True):
        return True
    if number >= len(run.plan.probes):
        return not tally.unknown
    return not tally.unknown and not tally.breached(probe)
