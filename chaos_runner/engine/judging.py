"""Is this value inside the limit? Native limits here, Chaos Toolkit's tolerances by chaoslib's own function."""

import copy
import json
from collections.abc import Callable, Iterator
from operator import ge, gt, le, lt
from typing import Any, Final

from chaos_runner.contracts import Grade
from chaos_runner.engine.activities import Caller, call
from chaos_runner.engine.exits import no_way_out
from chaos_runner.experiment.model import AnyAnswer, Comparison, Judge, Limit, Provider, Tolerance
from chaos_runner.experiment.values import Values

Ask = Callable[[Any, Values], bool]


class CannotJudge(Exception):
    """The judge itself broke on this value: nothing can be said. Carries the reason in words."""


def holds(judge: Judge, value: Any, values: Values) -> bool:
    """Whether the value is as the judge wants it. Raises CannotJudge."""
    return asking(judge)(value, values)


def asking(judge: Judge) -> Ask:
    """What a judge asks of a value, made ready: all samples of a probe are asked the same. Raises CannotJudge when
    called.
    """
    match judge:
        case Limit():
            return _asking(judge)
        case AnyAnswer():
            return lambda _, __: True
        case Tolerance(spec=spec):
            return lambda value, values: _tolerated(values.fill(spec), value, values)


def _asking(limit: Limit) -> Ask:
    first, numbers = limit.bounds[0], _NUMBERS
    if limit.comparison is Comparison.EQUALS:
        return lambda value, _: bool(value == first)
    if limit.comparison is Comparison.BETWEEN:
        return lambda value, _: _between(_number(limit, value), *limit.bounds)
    met = _MET[limit.comparison]

    def within(value: Any, _: Values) -> bool:
        return met(value if type(value) in numbers else _number(limit, value), first)

    return within


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


def _number(limit: Limit, value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise CannotJudge(f"{limit.comparison} wants a number, and the probe gave {type(value).__name__} "
                          f"{value!r:.80}")
    return value


def _between(value: float, low: float, high: float) -> bool:
    return low <= value <= high


_NUMBERS: Final = frozenset((int, float))
_MET: Final[dict[Comparison, Callable[[Any, Any], bool]]] = {
    Comparison.BELOW: lt, Comparison.AT_MOST: le, Comparison.ABOVE: gt, Comparison.AT_LEAST: ge,
}
"""What a number is asked. Only `equals` also takes what is no number."""


def _tolerated(tolerance: Any, value: Any, values: Values) -> bool:
    match tolerance:
        case bool() | str():  # chaoslib's rule for these two is ==, and asking it costs its import
            return bool(value == tolerance)
        case {"type": "probe", "provider": {"type": "process" | "http"} as provider}:
            return _approved(provider, value, values)
        case _:
            pass
    met = _met(tolerance, value, values)
    doubt = _met_by_nothing(tolerance, value) if met else ""
    if doubt:
        raise CannotJudge(doubt)
    return met


def _met(tolerance: Any, value: Any, values: Values) -> bool:
    """What chaoslib says."""
    from chaoslib.exceptions import ChaosException
    from chaoslib.hypothesis import within_tolerance

    try:  # a copy: chaoslib writes the value into a probe tolerance
        with no_way_out():
            met = within_tolerance(copy.deepcopy(tolerance), value, dict(values.configuration), dict(values.secrets))
    except (ChaosException, ArithmeticError, AttributeError, ImportError, LookupError, TypeError, ValueError,
            SystemExit) as problem:
        raise CannotJudge(f"the tolerance raised {type(problem).__name__}: {problem}") from problem
    return bool(met)


def _approved(provider: dict[str, Any], value: Any, values: Values) -> bool:
    """What a process or a server says of the value: it approves with status 0, or one below 400.

    chaoslib (1.44) takes whatever it answers for a yes.
    """
    arguments = provider.get("arguments") or {}
    if not isinstance(arguments, dict):
        raise CannotJudge("the arguments of a tolerance must be a mapping: the value is added to them")
    spec = {**provider, "arguments": {**arguments, "value": value}}
    called = call(Provider(spec), Caller(values))
    if not called.ok:
        raise CannotJudge(f"the tolerance could not be asked: {called.note}")
    return called.grade is not Grade.NONE


def _met_by_nothing(tolerance: Any, value: Any) -> str:
    """Why a tolerance that is met says nothing all the same; "" when it does.

    Two texts are a range in chaoslib (1.44), "broken" between "amber" and "green"; and in what is no JSON a path finds
    nothing, as it does when there is nothing to find.
    """
    match tolerance:
        case [str() as low, str() as high] if isinstance(value, str) and value not in (low, high):
            return f"{value!r} stands between {low!r} and {high!r} in the alphabet, and is neither"
        case {"type": "jsonpath", "count": 0} | {"type": "jsonpath", "expect": []}:
            looked_in = _targeted(tolerance, value)
            return "" if _searchable(looked_in) else "a JSON path finds nothing in what is no JSON"
        case _:
            return ""


def _targeted(tolerance: dict[str, Any], value: Any) -> Any:
    target = tolerance.get("target")
    return value.get(target, value) if target and isinstance(value, dict) else value


def _searchable(value: Any) -> bool:
    """Whether there are members to look for: a mapping, a list, or the text of one."""
    if isinstance(value, str | bytes):
        try:
            value = json.loads(value)
        except ValueError:
            return False
    return isinstance(value, dict | list)
