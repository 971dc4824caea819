"""What is on the shelf, as rows."""

from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, get_type_hints

import msgspec
from msgspec import NODEFAULT, Struct

from chaos_runner import shelf
from chaos_runner.experiment.arguments import spoken_type
from chaos_runner.experiment.complaints import escaped
from chaos_runner.experiment.document import plain
from chaos_runner.experiment.reusable import Library, Reusable


def faults() -> list[dict[str, Any]]:
    """Every fault with its arguments, its target, and whether it can be undone."""
    rows = []
    for name in shelf.fault_names():
        fault = shelf.fault(name)
        says = (type(fault).__doc__ or "").strip().partition("\n")[0]
        rows.append({"fault": name, "says": says, "healed_by": fault.healed_by,
                     "target": arguments(fault.target), "arguments": arguments(fault.arguments)})
    return rows


def probes() -> list[dict[str, Any]]:
    """Every probe with its arguments and the unit of what it reads."""
    found = [shelf.probe(name) for name in shelf.probe_names()]
    return [{"probe": native.name, "says": native.says, "unit": native.unit.value,
             "arguments": arguments(native.arguments)} for native in found]


def reusable(library: Library) -> list[dict[str, Any]]:
    """Every reusable probe: what `use:` calls it, whom it asks, the arguments it gives, and where it stands."""
    return [_reusable(own) for own in library.probes]


def _reusable(own: Reusable) -> dict[str, Any]:
    data = plain(own.node)
    said = data if isinstance(data, dict) else {}
    provider = said.get("provider") if isinstance(said.get("provider"), dict) else {}
    given = (provider or said).get("arguments")
    return {"use": own.name, "says": str(said.get("name") or own.name), "asks": _asked(said, provider or {}),
            "arguments": list(given) if isinstance(given, dict) else [], "file": own.place.file,
            "line": own.place.line}


def _asked(said: Mapping[str, Any], provider: Mapping[str, Any]) -> str:
    """The native probe, or the provider's function, program or URL, without what it is given."""
    kind = str(provider.get("type", "nobody"))
    called = {"python": f"{provider.get('module')}.{provider.get('func')}",
              "process": f"process {provider.get('path')}",
              "http": f"http {str(provider.get('url')).partition('?')[0]}"}
    return str(said.get("probe") or called.get(kind, kind))


def lines_of_reusable(rows: list[dict[str, Any]]) -> list[str]:
    """The rows for a person, file by file."""
    told = []
    for file, group in groupby(rows, key=itemgetter("file")):
        told += ["", f"reusable, from {escaped(file)}: `use: NAME`"]
        told += [f"{escaped(row['use']):<22} {escaped(row['says'])} ({escaped(row['asks'])})" for row in group]
    return told


def arguments(kind: type[Struct]) -> list[dict[str, Any]]:
    """Each argument with what it wants, and its default unless it must be given."""
    hints = get_type_hints(kind, include_extras=True)
    return [_argument(field, hints[field.name]) for field in msgspec.structs.fields(kind)]


def _argument(field: msgspec.structs.FieldInfo, hint: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"name": field.encode_name, "wants": spoken_type(hint)}
    if field.default is not NODEFAULT:
        row["default"] = field.default
    elif field.default_factory is NODEFAULT:
        row["required"] = True
    return row


def lines(rows: list[dict[str, Any]], name: str) -> list[str]:
    """The rows for a person."""
    told = []
    for row in rows:
        told.append(f"{row[name]:<22} {row['says']}")
        told += [f"    {group}.{argument['name']}: {argument['wants']}"
                 f"{' (required)' if argument.get('required') else ''}"
                 for group in ("target", "arguments") for argument in row.get(group, [])]
    return told
