"""Is this value inside the limit? Native limits here, Chaos Toolkit's tolerances by chaoslib's own function."""

import copy
from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import Any, Final

from chaos_runner.experiment.model import AnyAnswer, Comparison, Judge, Limit
from chaos_runner.experiment.values import Values


class CannotJudge(Exception):
    """The judge itself broke on this value: nothing can be said. Carries the reason in words."""


def holds(judge: Judge, value: Any, values: Values) -> bool:
    """Whether the value is as the judge wants it. Raises CannotJudge."""
    if not isinstance(judge, Limit):
        return isinstance(judge, AnyAnswer) or _tolerated(values.fill(judge.spec), value, values)
    met = _MET.get(judge.comparison)
    if met is None:
        return bool(value == judge.bounds[0])
    if type(value) not in _NUMBERS:
        _want_number(judge, value)
    return bool(met(value, *judge.bounds))


def _want_number(limit: Limit, value: Any) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise CannotJudge(f"{limit.comparison} wants a number, and the probe gave {type(value).__name__} "
                          f"{value!r:.80}")


def _between(value: float, low: float, high: float) -> bool:
    return low <= value <= high


_NUMBERS: Final = frozenset((int, float))
_MET: Final[dict[Comparison, Callable[..., bool]]] = {
    Comparison.BELOW: lt, Comparison.AT_MOST: le, Comparison.ABOVE: gt, Comparison.AT_LEAST: ge,
    Comparison.BETWEEN: _between,
}
"""What a number is asked. Only `equals` also takes what is no number."""


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
