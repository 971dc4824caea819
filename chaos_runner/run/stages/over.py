"""The run is judged."""

from chaos_runner.run import commands as co
from chaos_runner.run.events import Stage
from chaos_runner.run.turn import Turn
from chaos_runner.run.verdict import judge


def open_stage(turn: Turn) -> None:
    turn.note(judge(turn.run))


def go_on(turn: Turn) -> None:
    """Nothing follows."""


def finish(turn: Turn) -> None:
    if turn.heard(co.Control("experiment", "after")):
        turn.enter(Stage.OVER)
