"""Rules about whom a fault hits, how long it lasts, and the way back."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from chaos_runner import shelf
from chaos_runner.experiment.arguments import names
from chaos_runner.experiment.model import Experiment, Native, Provider, Step
from chaos_runner.inverses import known_of, undo_of
from chaos_runner.lint import facts
from chaos_runner.lint.flaw import Flaw
from chaos_runner.shelf import NotOnShelf
from chaos_runner.units import spoken_seconds

_BOUNDS: Final = ("at-most", "percent", "count")
_EXACT: Final = ("pid", "names", "ids", "arns")
"""Keys of a target that name it, so that nobody else can be hit."""
_ONE_THING: Final = ("workload", "function")
"""A workload is one thing to cut off or to scale, a function's queue one to hold; to kill all pods is another matter.
"""
_HEALING_S_MIN: Final = 10.0
"""Supervisors and orchestrators look about every ten seconds, unless told otherwise."""


def no_duration(experiment: Experiment) -> Iterator[Flaw]:
    for at, step, fault in facts.faults(experiment):
        if step.duration_s is None and not facts.healed_by(fault):
            yield Flaw(code="W402", says=f'nothing says how long "{step.name}" lasts: it acts to the end of the method',
                       at=(*at, "fault"), help="add `duration: 30s`")


def no_way_back(experiment: Experiment) -> Iterator[Flaw]:
    if experiment.rollbacks:
        return
    for at, step in facts.actions(experiment):
        if isinstance(step.call, Provider) and not step.undo and undo_of(step) is None and known_of(step) is None:
            yield Flaw(code="W403", says=f'"{step.name}" has no way back: what it changes stays changed',
                       at=(*at, "name"), help="add `undo:` with `verify:`, or a step to `rollbacks`")


def unbounded_selector(experiment: Experiment) -> Iterator[Flaw]:
    for at, step, fault in facts.faults(experiment):
        bounds = [key for key in _BOUNDS if key in _target_keys(fault)]
        exact = _EXACT if facts.healed_by(fault) else (*_EXACT, *_ONE_THING)
        if bounds and not any(_is_given(fault.target, key) for key in (*bounds, *exact)):
            yield Flaw(code="W404", says=f'"{step.name}" hits everything that matches, however much that is',
                       at=(*at, "target"), help=f"say how many at most: {' or '.join(f'`{key}`' for key in bounds)}")


def _target_keys(fault: Native) -> Mapping[str, str]:
    try:
        return names(shelf.fault(fault.name).target)
    except NotOnShelf:
        return {}


def _is_given(target: Mapping[str, Any], key: str) -> bool:
    return target.get(key) not in (None, "", [])


def no_time_to_heal(experiment: Experiment) -> Iterator[Flaw]:
    """What is not undone must be noticed by whoever heals it, and then be started again."""
    within_s = experiment.hypothesis.recovers_within_s if experiment.hypothesis else None
    if within_s is None or within_s >= _HEALING_S_MIN:
        return
    for _, step, fault in facts.faults(experiment):
        if facts.healed_by(fault):
            yield Flaw(code="W453", says=f"{spoken_seconds(within_s)} is little time to recover from "
                       f'"{step.name}": it is healed by {facts.healed_by(fault)}',
                       at=("steady-state-hypothesis", "recovers-within"),
                       help="give it more than the interval at which that looks, often 10 s")
            return


def undone_twice(experiment: Experiment) -> Iterator[Flaw]:
    undos = [(step.name, undo) for _, step in facts.actions(experiment) if (undo := _undo(step))]
    for number, rollback in enumerate(experiment.rollbacks):
        for name, undo in undos:
            if isinstance(rollback.call, Provider) and _same(rollback.call, undo):
                yield Flaw(code="W454", says=f'"{rollback.name}" does what the undo of "{name}" has done already',
                           at=("rollbacks", number, "name"), help="remove it: a recorded undo runs after a crash too")
                break


def _undo(step: Step) -> Provider | None:
    undo = step.undo or undo_of(step)
    return undo.call if undo else None


def _same(one: Provider, other: Provider) -> bool:
    return _essence(one) == _essence(other)


def _essence(call: Provider) -> dict[str, Any]:
    return {key: call.spec.get(key) for key in ("type", "module", "func", "path", "url", "method", "arguments")}
