"""Ways back that we know of actions that other packages brought: one file per package, named as its root module.

`chaos_runner/inverses/chaostoxi.py` is for every action of `chaostoxi`. Its `INVERSES` maps an action's whole path to
a function from the arguments, as they are written, to an Inverse. Only the table of a package that is used is imported.

A table is for an action whose call alone says how to undo it. Where one has to know how it was before (a changed
upstream, a deleted object), there is none: a guess would be worse than to say *untracked*.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from msgspec import Struct

from chaos_runner.experiment.model import Probe, Provider, ProviderUndo, Step, StepKind, Tolerance

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
    if step.undo or step.kind is not StepKind.ACTION or not isinstance(step.call, Provider):
        return None
    spec = step.call.spec
    inverse = _inverse(str(spec.get("module", "")), spec) if step.call.kind == "python" else None
    if inverse is None:
        return None
    verify = Probe(name=inverse.asks, call=_provider(inverse.verify, spec), judge=Tolerance(inverse.tolerance),
                   place=step.place)
    return ProviderUndo(call=_provider(inverse.undo, spec), verify=verify)


def _inverse(module: str, spec: Mapping[str, Any]) -> Inverse | None:
    find = _table(module.partition(".")[0]).get(f"{module}.{spec.get('func')}")
    try:
        return find(spec.get("arguments") or {}) if find else None
    except KeyError:
        return None


def _table(package: str) -> Mapping[str, FindInverse]:
    path = f"{__name__}.{package}"
    if not package.isidentifier() or find_spec(path) is None:
        return {}
    found: Mapping[str, FindInverse] = import_module(path).INVERSES
    return found


def _provider(call: PythonCall, spec: Mapping[str, Any]) -> Provider:
    """The call, with the secrets and the configuration that the author gave to the action."""
    module, _, func = call.path.rpartition(".")
    shared = {key: spec[key] for key in ("secrets", "configuration") if key in spec}
    return Provider({"type": "python", "module": module, "func": func, "arguments": call.arguments, **shared})
