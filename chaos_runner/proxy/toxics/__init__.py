"""One file per toxic; its path is its name: `slow_close.py` is `slow_close` and holds the class `SlowClose`."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from chaos_runner.proxy.toxic import Toxic


@cache
def names() -> frozenset[str]:
    """Every toxic there is."""
    return frozenset(module.name for module in iter_modules(__path__))


def find(name: str) -> type[Toxic] | None:
    """The toxic of that name, loaded when first asked for; None if there is none."""
    if name not in names():
        return None
    found: type[Toxic] = getattr(import_module(f"{__name__}.{name}"), name.title().replace("_", ""))
    return found
