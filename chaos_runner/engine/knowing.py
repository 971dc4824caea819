"""Actions of other packages whose way back has to know how it was: looking before they are called, and coming back."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from chaos_runner.contracts import Act, Restored
from chaos_runner.errors import ChaosRunnerError, NoTarget, Refused
from chaos_runner.experiment.model import Provider, Step
from chaos_runner.experiment.values import Values
from chaos_runner.inverses import Asked, Call, Looking, looking
from chaos_runner.mark import Mark, moment
from chaos_runner.plan.limits import misplaced
from chaos_runner.plan.model import Plan

_REVEALING: Final = "what would be recorded has a secret in it, which must not be written"


class Way(Struct, frozen=True):
    """The way back of one action, with what it is given to reach the platform."""

    who: Looking
    call: Call

    @classmethod
    def of(cls, step: Step, provider: Provider, values: Values) -> "Way | None":
        """None for an action that has none of this kind."""
        if step.known is None or not step.known.looks:
            return None
        return cls(looking(step.known), Call.of(provider, values))

    def undo(self, act: Act) -> None:
        """Brings it back."""
        self.who.undo(act, self.call.access)

    def verify(self, act: Act) -> Restored:
        """Reads it back and compares."""
        return self.who.verify(act, self.call.access)

    def by_hand(self, act: Act) -> str:
        """The command that finishes the undo."""
        return self.who.by_hand(act)

    def keep(self, acts: Sequence[Act]) -> str:
        """Puts aside what undo will need. Gives why that cannot be, "" when it is done."""
        try:
            for act in acts:
                self.who.keep(act, self.call.access)
        except ChaosRunnerError as problem:
            return str(problem)
        return ""


def look(way: Way, step: Step, plan: Plan, earlier: Sequence[Act], reveals: Callable[[Act], bool]) -> list[Act]:
    """What would have to be undone. Raises Refused, and whatever else says that there would be no way back.

    Where that which the action is for is not there, nothing is: the action is called all the same, and says so itself.
    """
    mark = Mark(run=plan.run, number=int(step.key[1:]), expires=moment(datetime.fromisoformat(plan.expires)))
    try:
        acts = way.who.look(Asked(call=way.call, mark=mark, earlier=earlier))
    except NoTarget:
        return []
    if said := misplaced(plan.safeguards, acts) or (_REVEALING if any(map(reveals, acts)) else ""):
        raise Refused(said)
    return acts


def has_nothing_to_do(way: Way, step: Step, plan: Plan) -> bool:
    """Whether everything is as the action would make it: then it is no failure that it found nothing to do."""
    mark = Mark(run=plan.run, number=int(step.key[1:]), expires=moment(datetime.fromisoformat(plan.expires)))
    try:
        return not way.who.look(Asked(call=way.call, mark=mark))
    except ChaosRunnerError:
        return False
