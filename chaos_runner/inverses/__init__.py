"""Ways back that we know of actions that other packages brought: one file per package, named as its root module.

`chaos_runner/inverses/chaostoxi.py` is for every action of `chaostoxi`. Its `INVERSES` maps an action's whole path to
a function from the arguments, as they are written, to an Inverse, where the call alone says how to undo it; or to a
Looking, which has to know how it was before, and looks. Only the table of a package that is used is imported.

An action for which there is neither is *untracked*: a guess would be worse than to say so.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from msgspec import Struct

from chaos_runner.experiment.model import KnownUndo, Probe, Provider, ProviderUndo, Step, StepKind, Tolerance
from chaos_runner.inverses._looking import Access, Asked, Call, Looking

__all__ = ["Access", "Arguments", "Asked", "Call", "FindInverse", "Inverse", "Looking", "PythonCall", "known_of",
           "looking", "undo_of"]
Arguments = Mapping[str, Any]


class PythonCall(Struct, frozen=True):
    """A function by its whole path, and its arguments. `${name}` in them stays as the author wrote it."""

    path: str
    arguments: dict[str, Any]


class Inverse(Struct, frozen=True, kw_only=True):
    """What brings an action back, and how to see that it is back: `verify` then gives what `tolerance` wants.

    `undo` is called whether or not the action succeeded, and maybe twice. `asks` is the question in words that its
    answer, or the reason for having none, can follow: "whether the toxic is still there".
    """

    undo: PythonCall
    verify: PythonCall
    tolerance: Any
    asks: str


FindInverse = Callable[[Arguments], Inverse | None]
"""Raises KeyError for an argument that is needed and not there: then there is no inverse."""


def undo_of(step: Step) -> ProviderUndo | None:
    """The known way back of a step, as its author would have written it. None when the author wrote one."""
    spec = _spec(step)
    inverse = _inverse(spec) if spec else None
    if spec is None or inverse is None:
        return None
    verify = Probe(name=inverse.asks, call=_provider(inverse.verify, spec), judge=Tolerance(inverse.tolerance),
                   place=step.place)
    return ProviderUndo(call=_provider(inverse.undo, spec), verify=verify)


def known_of(step: Step) -> KnownUndo | None:
    """What is known of a way back that has to look first. None when the author wrote one."""
    spec = _spec(step)
    found = _found(_path(spec)) if spec else None
    if spec is None or not isinstance(found, Looking):
        return None
    return KnownUndo(action=_path(spec), says=found.says, healed_by=found.healed_by,
                     undo_s=found.undo_s)


def looking(known: KnownUndo) -> Looking:
    """Who looks and comes back. Raises LookupError for an action that only another version knew."""
    found = _found(known.action)
    if not isinstance(found, Looking):
        raise LookupError(f"this version knows no way back of {known.action}")
    return found


def _spec(step: Step) -> Mapping[str, Any] | None:
    """Of a Python action without a way back of its author's: what is called."""
    if step.undo or step.kind is not StepKind.ACTION or not isinstance(step.call, Provider):
        return None
    return step.call.spec if step.call.kind == "python" else None


def _inverse(spec: Mapping[str, Any]) -> Inverse | None:
    find = _found(_path(spec))
    try:
        return find(spec.get("arguments") or {}) if find and not isinstance(find, Looking) else None
    except KeyError:
        return None


def _path(spec: Mapping[str, Any]) -> str:
    return f"{spec.get('module', '')}.{spec.get('func')}"


def _found(path: str) -> FindInverse | Looking | None:
    return _table(path.partition(".")[0]).get(path)


def _table(package: str) -> Mapping[str, FindInverse | Looking]:
    path = f"{__name__}.{package}"
    if not package.isidentifier() or package.startswith("_") or find_spec(path) is None:
        return {}
    found: Mapping[str, FindInverse | Looking] = import_module(path).INVERSES
    return found


def _provider(call: PythonCall, spec: Mapping[str, Any]) -> Provider:
    """The call, with the secrets and the configuration that the author gave to the action."""
    module, _, func = call.path.rpartition(".")
    shared = {key: spec[key] for key in ("secrets", "configuration") if key in spec}
    return Provider({"type": "python", "module": module, "func": func, "arguments": call.arguments, **shared})
