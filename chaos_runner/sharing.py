"""Locks that a run holds while it may change anything, so that no other machine's run hits the same at once."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime

from chaos_runner.experiment.model import StepKind
from chaos_runner.plan.model import Plan


@contextmanager
def taken(plan: Plan) -> Iterator[None]:
    """Takes the locks of a plan that changes something, and lets go of them when the block fails: then no run begins.

    They end by themselves when no living run can still hold them. Raises Refused when one cannot be had.
    """
    if not plan.safeguards.locks or not changes(plan):
        yield
        return
    from chaos_runner.targets.aws import locking

    holder = locking.Holder(run=plan.run, by=socket.gethostname(), expires=datetime.fromisoformat(plan.expires))
    locking.take(plan.safeguards.locks, holder)
    with ExitStack() as undo:
        undo.callback(locking.let_go, plan.safeguards.locks, plan.run)
        yield
        undo.pop_all()


def let_go(plan: Plan) -> str:
    """Lets go of the locks of a run that has left nothing behind. Gives why that cannot be."""
    if not plan.safeguards.locks or not changes(plan):
        return ""
    from chaos_runner.targets.aws import locking

    return locking.let_go(plan.safeguards.locks, plan.run)


def changes(plan: Plan) -> bool:
    """Whether it may change anything at all."""
    return not plan.hypothesis_only and any(step.kind is StepKind.ACTION for step in plan.experiment.method)
