"""Every fault is looked at before anything is touched, and all of them together against the limits."""

from chaos_runner.plan.limits import exceeded, faults_s, too_long
from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run.conditions import closed_gates
from chaos_runner.run.events import Phase, Stage
from chaos_runner.run.run import Run
from chaos_runner.run.turn import Turn


def open_stage(turn: Turn) -> None:
    for step in turn.run.plan.experiment.method:
        if step.is_fault and not turn.run.plan.hypothesis_only:
            turn.ask(co.Check(step.key))


def go_on(turn: Turn) -> None:
    if turn.any_asked("check:"):
        return
    said = _beyond_limits(turn.run)
    if said and not turn.run.limited:
        turn.note(ev.Limited(t=turn.t, text=said))
    if turn.run.declined or said:
        turn.enter(Stage.OVER)
    elif not _asked_gates(turn):
        return
    elif list(closed_gates(turn.run)):
        turn.enter(Stage.OVER)
    elif turn.heard(co.Control("experiment", "before")):
        turn.enter(Stage.BEFORE)


def _asked_gates(turn: Turn) -> bool:
    """Asks every gate once, all of them: whoever waits for one wants to know of the others. True when all is said."""
    for number in turn.run.plan.gates:
        if not turn.run.tally(number, Phase.BEFORE).readings and not turn.asked(f"read:{number}"):
            turn.ask(co.Read(number, Phase.BEFORE))
    return not turn.any_asked("read:")


def _beyond_limits(run: Run) -> str:
    limits = run.plan.safeguards.limits
    found = [aim for aims in run.checked.values() for aim in aims]
    return exceeded(limits, found) or too_long(limits, faults_s(run.plan.experiment))
