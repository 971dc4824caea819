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
    """The end, once it is known what became of the targets, and the controls have heard."""
    if looked_back(turn) and let_go(turn) and turn.heard(co.Control("experiment", "after")):
        turn.enter(Stage.OVER)


def let_go(turn: Turn) -> bool:
    """Lets other runs come to what was hit, once. True when nothing more is waited for; somebody who wants to leave
    waits for none of it.
    """
    if turn.run.leaving:
        return True
    for step, card in turn.run.plan.cards.items():
        acts = tuple(entry.act for entry in turn.run.entries_of(step) if entry.act)
        if card.holds and acts and step not in turn.run.let_go and not turn.asked(f"let-go:{step}"):
            turn.ask(co.LetGo(step, acts))
    return not turn.any_asked("let-go:")


def looked_back(turn: Turn) -> bool:
    """Asks once what became of every target whose fault can tell. True when nothing more is waited for; somebody who
    wants to leave waits for none of it.
    """
    if turn.run.signals or turn.run.reopened:
        return True
    for entry in turn.run.entries.values():
        card = turn.run.plan.cards.get(entry.step)
        if card and card.tells_aftermath and entry.aftermath is None and entry.applied_t is not None:
            command = co.LookBack(entry.key)
            if not turn.asked(command.key):
                turn.ask(command)
    return not turn.any_asked("aftermath:")
