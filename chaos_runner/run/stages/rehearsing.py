"""Stop rules are tripped once, and only looked at, before anything is hurt."""

from chaos_runner.plan.model import Plan
from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run.conditions import failed_rehearsals, would_trip
from chaos_runner.run.events import Stage
from chaos_runner.run.turn import Turn


def go_on(turn: Turn) -> None:
    """Every stop rule in its turn, then the method; not the method when a rule would not have stopped it in time."""
    run = turn.run
    due = next((number for number in _rehearsed(run.plan) if number not in run.rehearsals), None)
    if due is None:
        turn.enter(Stage.UNDOING if list(failed_rehearsals(run)) else Stage.METHOD)
    elif not turn.asked(f"trip:{due}") and not turn.asked(f"ready:{due}"):
        turn.ask(co.Trip(due))


def _rehearsed(plan: Plan) -> list[int]:
    """The numbers of whatever may end the run: stop rules, and gates that are watched."""
    ends = range(len(plan.probes), len(plan.watched)) if plan.safeguards.rehearse else ()
    return [number for number in ends if plan.watched[number].every_s]


def tripped(turn: Turn, item: ev.Tripped) -> None:
    turn.ask(co.BeReady(item.probe, would_trip(turn.run.plan.watched[item.probe], item), item.t))
