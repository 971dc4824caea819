"""Finding any object by its kind and name, and one field of it."""

from typing import Any

from msgspec import Struct

from chaos_runner.contracts import BadQuestion, Unreachable
from chaos_runner.errors import Gone
from chaos_runner.probes._kubernetes import Asked, meant
from chaos_runner.probes._path import found_at, is_one, parsed
from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.kinds import KINDS, Kind


class _Resource(Struct, frozen=True, rename="camel"):
    name: str
    kind: str
    namespaced: bool
    singular_name: str = ""
    short_names: list[str] = []

    @property
    def names(self) -> set[str]:
        return {self.name, self.singular_name, self.kind.lower(), *self.short_names}


class _Resources(Struct, frozen=True):
    resources: list[_Resource]


def address(asked: Asked, text: str, api: str) -> tuple[str, str]:
    """The collection in which an object stands, and its name. Raises BadQuestion."""
    kind, _, name = text.partition("/")
    if not kind or not name:
        raise BadQuestion(f'an object is written as "deployment/checkout", not {text!r}')
    found = _kind(asked.at.within(0.0), kind.lower(), api)
    if found.plural == "secrets":
        raise BadQuestion("what a Secret says would stand in reports: it is not read")
    return found.path(asked.namespace), name


def value_of(thing: Any, path: str, default: Any) -> Any:
    """What stands at the path. Raises Unreachable when nothing does and there is no default."""
    parts = parsed(path)
    found = found_at(thing, parts)
    if not is_one(parts):
        return found
    if not found and default is None:
        raise Unreachable(f"it has no {path}; `default` says what to take then: the API leaves out zeros")
    return found[0] if found else default


def _kind(at: Cluster, name: str, api: str) -> Kind:
    known = KINDS.get(name)
    if known and api in ("", known.api):
        return known
    return _discovered(at.context, name, api or "v1", tuple(_resources(at, api or "v1")))


def _discovered(context: str, name: str, api: str, resources: tuple[_Resource, ...]) -> Kind:
    for one in resources:
        if name in one.names and "/" not in one.name:
            return Kind(name, api, one.name, one.kind, namespaced=one.namespaced)
    names = {one.kind.lower() for one in resources} | set(KINDS)
    hint = meant(name, names) or ('; `api: example.com/v1` says where other kinds stand' if api == "v1" else "")
    raise BadQuestion(f"{context} knows no {name!r} in {api}{hint}")


_KNOWN: dict[tuple[str, str], list[_Resource]] = {}


def _resources(at: Cluster, api: str) -> list[_Resource]:
    """What the API has; asked once."""
    key = (at.server, api)
    if key not in _KNOWN:
        path = "/api/v1" if api == "v1" else f"/apis/{api}"
        try:
            _KNOWN[key] = at.get(path, _Resources).resources
        except Gone as gone:
            raise BadQuestion(f"{at.context} has no API {api!r}") from gone
    return _KNOWN[key]
