"""Is this value inside the limit? Native limits here, Chaos Toolkit's tolerances by chaoslib's own function."""

import copy
from collections.abc import Iterator
from typing import Any

from chaos_runner.experiment.model import AnyAnswer, Comparison, Judge, Limit, Tolerance
from chaos_runner.experiment.values import Values


class CannotJudge(Exception):
    """The judge itself broke on this value: nothing can be said. Carries the reason in words."""


def holds(judge: Judge, value: Any, values: Values) -> bool:
    """Whether the value is as the judge wants it. Raises CannotJudge."""
    match judge:
        case Limit():
            return _within(judge, value)
        case AnyAnswer():
            return True
        case Tolerance():
            return _tolerated(values.fill(judge.spec), value, values)


def bad_values(judge: Judge) -> Iterator[Any]:
    """Values of which a stop rule's judge must call one bad: on the far side of a limit, and the usual failures."""
    if isinstance(judge, Limit):
        yield from _beyond(judge)
    yield from (None, False, True, 0, -1, "", "no", {}, [], {"status": 599, "body": "", "headers": {}},
                {"status": 1, "stdout": "", "stderr": "failed"}, "x" * 64)


def _beyond(limit: Limit) -> Iterator[Any]:
    """A stop rule's condition says which values are bad: these meet it."""
    first = limit.bounds[0]
    if not isinstance(first, int | float) or isinstance(first, bool):
        yield first
        return
    match limit.comparison:
        case Comparison.ABOVE | Comparison.AT_LEAST:
            yield from (first + abs(first) + 1, first + abs(first))
        case Comparison.BELOW | Comparison.AT_MOST:
            yield from (first - abs(first) - 1, first - abs(first))
        case Comparison.BETWEEN | Comparison.EQUALS:
            yield from (first, limit.bounds[-1])


def _within(limit: Limit, value: Any) -> bool:
    first = limit.bounds[0]
    if limit.comparison is Comparison.EQUALS:
        return bool(value == first)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise CannotJudge(f"{limit.comparison} wants a number, and the probe gave {type(value).__name__} {value!r:.80}")
    match limit.comparison:
        case Comparison.BELOW:
            return bool(value < first)
        case Comparison.ABOVE:
            return bool(value > first)
        case Comparison.AT_LEAST:
            return bool(value >= first)
        case Comparison.AT_MOST:
            return bool(value <= first)
        case Comparison.BETWEEN:
            return bool(first <= value <= limit.bounds[1])


def _tolerated(tolerance: Any, value: Any, values: Values) -> bool:
    if isinstance(tolerance, bool | str):  # chaoslib's rule for these two is ==, and asking it costs its import
        return bool(value == tolerance)
    from chaoslib.exceptions import ChaosException
    from chaoslib.hypothesis import within_tolerance

    try:  # a copy: chaoslib writes the value into a probe tolerance
        met = within_tolerance(copy.deepcopy(tolerance), value, dict(values.configuration), dict(values.secrets))
    except (ChaosException, ArithmeticError, AttributeError, ImportError, LookupError, TypeError, ValueError,
            SystemExit) as problem:
        raise CannotJudge(f"the tolerance raised {type(problem).__name__}: {problem}") from problem
    return bool(met)
