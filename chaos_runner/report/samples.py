"""What a run's samples say: which side of a limit is bad, and the worst value."""

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any, TypeGuard

from chaos_runner.experiment.model import Comparison, Limit
from chaos_runner.report.story import Story
from chaos_runner.run import conditions
from chaos_runner.run.events import Phase
from chaos_runner.run.run import Run
from chaos_runner.run.tally import worse


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value can be drawn."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def are_numbers(values: Sequence[Any]) -> bool:
    """Whether all of them can be drawn: at once, for very many."""
    return _NUMBERS.issuperset(map(type, values)) and (isfinite(sum(values, 0.0)) or all(map(isfinite, values)))


def is_stop_rule(run: Run, number: int) -> bool:
    """Whether the probe of that number may end the run: a stop rule's, or a gate's."""
    return number >= len(run.plan.probes)


def kind(run: Run, number: int) -> str:
    """What the probe of that number is for: "stop rule", "gate", and "" for one of the hypothesis."""
    if number in run.plan.gates:
        return "gate"
    return "stop rule" if is_stop_rule(run, number) else ""


def broke(run: Run, number: int) -> bool:
    """Whether a probe broke its limit before or during the fault or did not recover, or a stop rule tripped."""
    probe = run.plan.watched[number]
    if is_stop_rule(run, number):
        return any(conditions.tripped(probe, run.tally(number, phase)) for phase in Phase)
    was_bad = run.tally(number, Phase.BEFORE).breached(probe)
    return was_bad or conditions.broke(run, number) or conditions.lost(run, number)


def bad_sides(run: Run, number: int) -> list[tuple[float, int]]:
    """The bounds of a probe's limit, each with the side that is bad: 1 above it, -1 below it."""
    probe = run.plan.watched[number]
    judge = probe.judge
    if not isinstance(judge, Limit) or not all(is_number(bound) for bound in judge.bounds):
        return []
    turn = -1 if probe.bad_when_met else 1
    return [(float(bound), side * turn) for bound, side in zip(judge.bounds, _SIDES[judge.comparison], strict=False)]


def worst(story: Story, number: int, phase: Phase) -> Any:
    """The value farthest on the wrong side. For a stop rule's condition that is the one that meets it best."""
    return story.run.tally(number, phase).worst


def worst_at(story: Story, number: int, phases: Iterable[Phase] = tuple(Phase)) -> tuple[Any, float]:
    """The worst value of these phases and when it was measured. None where nothing was."""
    probe = story.run.plan.watched[number]
    found: tuple[Any, float] = (None, 0.0)
    for tally in (story.run.tally(number, phase) for phase in phases):
        if tally.worst is not None and worse(probe, tally.worst, found[0]):
            found = (tally.worst, tally.worst_t or 0.0)
    return found


_NUMBERS = frozenset((int, float))
_SIDES: dict[Comparison, tuple[int, ...]] = {
    Comparison.BELOW: (1,), Comparison.AT_MOST: (1,), Comparison.ABOVE: (-1,), Comparison.AT_LEAST: (-1,),
    Comparison.BETWEEN: (-1, 1), Comparison.EQUALS: (0,),
}
