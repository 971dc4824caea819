"""Finding a fault or a probe by its name. The path is the name, so there is no list to keep.

`proxy.latency` is the one Fault in `chaos_runner/faults/proxy/latency.py`; `http.latency` is the probe `latency` in
`chaos_runner/probes/http.py`. Only what is asked for is imported.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from inspect import isabstract
from pathlib import Path
from typing import Any, Final, Protocol

from chaos_runner.contracts import Fault, NativeProbe

FAULTS: Final = "chaos_runner.faults"
PROBES: Final = "chaos_runner.probes"
"""Groups of entry points by which other packages put things on the shelf: name = "package.module:Thing"."""


class NotOnShelf(LookupError):
    """No fault or probe has this name."""


class Guests(Protocol):
    """Whoever puts things of their own on the shelf for a while."""

    def fault(self, name: str) -> Fault[Any, Any]:
        """Raises NotOnShelf."""

    def probe(self, name: str) -> NativeProbe:
        """Raises NotOnShelf."""


guests: Guests | None = None
"""Set by `chaos_runner.testing` while a run in memory is loaded. Guests ask this shelf for what they do not have."""


def fault(name: str) -> Fault[Any, Any]:
    """The fault of that name. Raises NotOnShelf."""
    return guests.fault(name) if guests else own_fault(name)


def probe(name: str) -> NativeProbe:
    """The probe of that name. Raises NotOnShelf."""
    return guests.probe(name) if guests else own_probe(name)


@cache
def own_fault(name: str) -> Fault[Any, Any]:
    """The fault of that name: in this package, else in one that brings its own. Raises NotOnShelf."""
    try:
        module = _module("faults", name)
    except NotOnShelf:
        brought: type[Fault[Any, Any]] = _brought(FAULTS, name)
        return brought()
    for thing in vars(module).values():
        if isinstance(thing, type) and issubclass(thing, Fault) and not isabstract(thing) and _lives_in(thing, module):
            return thing()
    raise NotOnShelf(name)


@cache
def own_probe(name: str) -> NativeProbe:
    """The probe of that name: in this package, else in one that brings its own. Raises NotOnShelf."""
    source, _, function = name.rpartition(".")
    try:
        found = getattr(_module("probes", source), function, None)
    except NotOnShelf:
        found = _brought(PROBES, name)
    if not isinstance(found, NativeProbe):
        raise NotOnShelf(name)
    return found


def fault_names() -> list[str]:
    """Every fault on the shelf, by path, without importing any; then those that other packages bring."""
    return sorted([*_paths("faults"), *(point.name for point in _entry_points(FAULTS))])


def probe_names() -> list[str]:
    """Every probe on the shelf. Imports their modules."""
    own = [thing.name for source in _paths("probes") for thing in vars(_module("probes", source)).values()
           if isinstance(thing, NativeProbe)]
    return sorted([*own, *(point.name for point in _entry_points(PROBES))])


def _brought(group: str, name: str) -> Any:
    """What another package's entry point of that group and name gives. Raises NotOnShelf."""
    for point in _entry_points(group):
        if point.name == name:
            return point.load()
    raise NotOnShelf(name)


def _entry_points(group: str) -> Iterable[Any]:
    from importlib.metadata import entry_points

    return entry_points(group=group)


def _module(shelf: str, name: str) -> Any:
    if not name or not all(part.isidentifier() for part in name.split(".")):
        raise NotOnShelf(name)
    path = f"chaos_runner.{shelf}.{name}"
    try:
        known = find_spec(path)
    except ModuleNotFoundError:
        known = None
    if known is None:
        raise NotOnShelf(name)
    return import_module(path)


def _lives_in(thing: type, module: Any) -> bool:
    return bool(thing.__module__ == module.__name__)


def _paths(shelf: str) -> Iterator[str]:
    root = Path(__file__).parent / shelf
    for file in root.rglob("*.py"):
        if not file.name.startswith("_"):
            yield ".".join(file.relative_to(root).with_suffix("").parts)
