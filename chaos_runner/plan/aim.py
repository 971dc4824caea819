"""Taking aim: whom a fault would hit, within what is allowed. Looks, refuses, changes nothing."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from msgspec import structs

from chaos_runner.contracts import Act, Fault, Setting
from chaos_runner.errors import NoTarget, Refused
from chaos_runner.experiment.arguments import convert
from chaos_runner.experiment.model import Native, Step
from chaos_runner.experiment.values import Values
from chaos_runner.mark import Mark, moment, own_key
from chaos_runner.plan.limits import misplaced
from chaos_runner.plan.model import Plan, Planned

FindFault = Callable[[str], Fault[Any, Any]]


def aim(step: Step, plan: Plan, values: Values, find_fault: FindFault, *, looking: bool = False,
        round: int = 0) -> list[Act]:  # noqa: A002
    """What a fault's `prepare` returns. Raises BadArguments and whatever `prepare` does, NoTarget when it finds none,
    Refused when a target is out of bounds or is not the one that was planned. `looking`: see Setting. `round`: which
    one it is of a fault that acts again, from 1 on; each has a choice of its own.
    """
    call = step.call
    if not isinstance(call, Native):
        raise TypeError(f"{step.key} is no native fault")
    fault = find_fault(call.name)
    target = convert(fault.target, values.fill(call.target))
    arguments = convert(fault.arguments, values.fill(call.arguments))
    setting = _setting(step, plan, values)
    again = max(0, round - 1)
    acts = fault.prepare(target, arguments, structs.replace(setting, looking=looking, seed=setting.seed + again))
    if not acts:
        raise NoTarget("nothing matches the target")
    _check_bounds(step, plan, acts, first=not again)
    return acts


def mark_of(step: Step, plan: Plan) -> Mark:
    """What a step signs with."""
    return Mark(run=plan.run, number=int(step.key[1:]), expires=moment(datetime.fromisoformat(plan.expires)))


def _setting(step: Step, plan: Plan, values: Values) -> Setting:
    return Setting(mark=mark_of(step, plan), seed=plan.seed, configuration=values.configuration, key=own_key())


def _check_bounds(step: Step, plan: Plan, acts: Sequence[Act], *, first: bool) -> None:
    said = misplaced(plan.safeguards, acts)
    if not said and plan.planned is not None:
        planned = plan.planned.get(step.key, ())
        said = "; ".join(differences(planned, acts)) if first else _more(planned, acts)
    if said:
        raise Refused(said)


def _more(planned: Sequence[Planned], acts: Sequence[Act]) -> str:
    """Whoever replaces a target cannot be in a plan: then so many at most as were planned."""
    hit, most = len(acts), len(planned)
    return f"{hit} targets would be hit at once, and {most} are planned" if hit > most else ""


def differences(planned: Sequence[Planned], acts: Sequence[Act]) -> Iterator[str]:
    """What would be hit now and was not planned, and what was planned and is not there, in words."""
    now = [Planned.of(act) for act in acts]
    yield from (f"{one.label} is not in the plan" for one in now if one not in planned)
    yield from (f"{one.label} is in the plan and is not found now" for one in planned if one not in now)
