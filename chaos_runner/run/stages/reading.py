"""What has not been read yet is read while the faults still act."""

from chaos_runner.run import hypothesis
from chaos_runner.run.events import Phase, Stage
from chaos_runner.run.turn import Turn


def go_on(turn: Turn) -> None:
    unsampled = [number for number, probe in enumerate(turn.run.plan.probes)
                 if probe.every_s and turn.run.acted and turn.run.plan.measures(number, before=False)
                 and not turn.run.tally(number, Phase.DURING).readings]
    if turn.run.plan.manner.hypothesis.reads_after and not hypothesis.read_hypothesis(turn, "after", Phase.DURING):
        return
    if not hypothesis.read_next(turn, unsampled, Phase.DURING):
        turn.enter(Stage.UNDOING)
