"""What is on the shelf, as rows."""

from typing import Any, get_type_hints

import msgspec
from msgspec import NODEFAULT, Struct

from chaos_runner import shelf
from chaos_runner.experiment.arguments import spoken_type


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
