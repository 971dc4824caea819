"""What is on the shelf: as rows for programs, as lists and as pages for people."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, get_type_hints

import msgspec
from msgspec import NODEFAULT, Struct

from chaos_runner import shelf
from chaos_runner.contracts import Fault, NativeProbe
from chaos_runner.errors import UsageError
from chaos_runner.experiment.arguments import spoken_type, unit_of
from chaos_runner.experiment.complaints import escaped
from chaos_runner.experiment.document import plain
from chaos_runner.experiment.reusable import Library, Reusable
from chaos_runner.experiment.suggest import did_you_mean
from chaos_runner.units import Unit, spoken

LIMITS: Final = {Unit.SECONDS: "a duration: `below: 300ms`", Unit.SHARE: "a share: `below: 5%`",
                 Unit.BYTES: "a size: `below: 10Mi`", Unit.COUNT: "a plain number: `equals: 200`"}
_EXAMPLE_DURATION: Final = "20s"
_WIDTH: Final = 100


# ── rows ────────────────────────────────────────────────────────────────────────────────────────────────────────────

def faults() -> list[dict[str, Any]]:
    """Every fault as a row."""
    return [fault_row(name) for name in shelf.fault_names()]


def fault_row(name: str) -> dict[str, Any]:
    """A fault with its target, its arguments, an example of a step, and how it comes back. Raises UsageError."""
    fault = fault_named(name)
    return {"fault": name, "family": family(name), "says": first_sentences(fault),
            "healed_by": fault.healed_by, "undone_by": fault.undone_by, "needs": fault.needs,
            "target": arguments(fault.target), "arguments": arguments(fault.arguments), "example": step(name, fault)}


def probes() -> list[dict[str, Any]]:
    """Every probe as a row."""
    return [probe_row(name) for name in shelf.probe_names()]


def probe_row(name: str) -> dict[str, Any]:
    """A probe with its arguments, the unit of what it reads, and an example. Raises UsageError."""
    native = probe_named(name)
    return {"probe": native.name, "family": family(name), "says": native.says, "unit": native.unit.value,
            "words": list(native.words), "arguments": arguments(native.arguments), "example": question(native)}


def fault_named(name: str) -> Fault[Any, Any]:
    """The fault of that name. Raises UsageError with the one that was probably meant."""
    try:
        return shelf.fault(name)
    except shelf.NotOnShelf:
        raise _unknown("fault", name, shelf.fault_names()) from None


def probe_named(name: str) -> NativeProbe:
    """The probe of that name. Raises UsageError with the one that was probably meant."""
    try:
        return shelf.probe(name)
    except shelf.NotOnShelf:
        raise _unknown("probe", name, shelf.probe_names()) from None


def _unknown(what: str, name: str, known: Sequence[str]) -> UsageError:
    """Whoever gives only the last part of a name means the one that ends so."""
    close = next((one for one in known if one.partition(".")[2] == name), None) or did_you_mean(name, known)
    hint = f'did you mean "{close}"?' if close else f"`chaos-runner {what}s` lists them"
    return UsageError(f"there is no {what} {escaped(name)}; {hint}")


def family(name: str) -> str:
    """What stands before the last dot: `proxy` of `proxy.latency`."""
    return name.rpartition(".")[0]


def first_sentences(fault: Fault[Any, Any]) -> str:
    """What a fault does: the first paragraph of its docstring."""
    return " ".join((type(fault).__doc__ or "").partition("\n\n")[0].split())


def arguments(kind: type[Struct]) -> list[dict[str, Any]]:
    """Each argument with what it wants, its unit, and its default as a file would have it, or that it is required."""
    hints = get_type_hints(kind, include_extras=True)
    return [_argument(field, hints[field.name]) for field in msgspec.structs.fields(kind)]


def _argument(field: msgspec.structs.FieldInfo, hint: Any) -> dict[str, Any]:
    unit = unit_of(hint)
    row: dict[str, Any] = {"name": field.encode_name, "wants": spoken_type(hint)}
    if unit:
        row["unit"] = unit.value
    if field.default is not NODEFAULT:
        row["default"] = spoken(field.default, unit).replace(" ", "") if unit and field.default is not None \
            else field.default
    elif field.default_factory is NODEFAULT:
        row["required"] = True
    return row


# ── examples ────────────────────────────────────────────────────────────────────────────────────────────────────────

def step(name: str, fault: Fault[Any, Any]) -> dict[str, Any]:
    """A step of a method with that fault, as a file would have it."""
    given = {"target": fault.example.target, "arguments": fault.example.arguments}
    lasts = {} if fault.healed_by else {"duration": _EXAMPLE_DURATION}
    return {"name": name.replace("_", " ").replace(".", ": "), "fault": name,
            **{key: value for key, value in given.items() if value}, **lasts}


def question(native: NativeProbe) -> dict[str, Any]:
    """A probe of a hypothesis, as a file would have it."""
    return {"name": native.name.replace(".", " "), "probe": native.name, **native.example}


def in_yaml(item: Mapping[str, Any]) -> list[str]:
    """One item of a list, as people write it: a key a line, what is inside in one line."""
    from chaos_runner.cli.drafts.yaml import flow

    return [f"{'  ' if number else '- '}{key}: {flow(value)}" for number, (key, value) in enumerate(item.items())]


# ── for people ──────────────────────────────────────────────────────────────────────────────────────────────────────

def listed(rows: Sequence[Mapping[str, Any]], what: str) -> list[str]:
    """The rows by family, a line each."""
    told: list[str] = []
    for name, group in ((name, list(rows)) for name, rows in groupby(rows, key=itemgetter("family"))):
        told += ["", f"{name}: {_about(what, name)}" if _about(what, name) else name]
        width = max(22, *(len(row[what]) for row in group))
        told += [f"  {row[what]:<{width}} {_first_sentence(row['says'])}" for row in group]
    return [*told[1:], "", f"chaos-runner {what}s NAME tells the arguments, and shows an example."]


def _about(what: str, name: str) -> str:
    """The first line of the docstring of a family; "" for one that another package brings."""
    try:
        module = import_module(f"chaos_runner.{what}s.{name}")
    except ModuleNotFoundError:
        return ""
    return (module.__doc__ or "").strip().partition("\n")[0].rstrip(".")


def _first_sentence(text: str) -> str:
    sentence = text.partition(". ")[0].rstrip(".")
    return sentence if len(sentence) <= _WIDTH else f"{sentence[:_WIDTH - 1]}…"


def fault_page(row: Mapping[str, Any], fault: Fault[Any, Any]) -> Iterator[str]:
    """All about one fault."""
    yield from (row["fault"], *wrapped(_text(fault), "  "), "")
    yield from _given("target", row["target"], fault.target)
    yield from _given("arguments", row["arguments"], fault.arguments)
    yield from _facts({"needs": row["needs"] or "nothing special", "way back": way_back(row)})
    yield from ("", "example of a step", *_indented(in_yaml(row["example"])), "",
                f"a whole experiment:  chaos-runner new {row['fault']}")


def way_back(row: Mapping[str, Any]) -> str:
    """How what a fault did comes back, as a sentence."""
    if row["healed_by"]:
        return f"none, it is irreversible; healed by {row['healed_by']}"
    return f"{row['undone_by']}; read back and verified" if row["undone_by"] else "undone, read back and verified"


def probe_page(row: Mapping[str, Any], native: NativeProbe) -> Iterator[str]:
    """All about one probe."""
    yield from (row["probe"], *wrapped(_text(native.read), "  "), "")
    yield from _given("arguments", row["arguments"], native.arguments)
    words = f"one of the words {', '.join(row['words'])}: `equals: {row['words'][-1]}`" if row["words"] else ""
    yield from _facts({"reads": words or LIMITS[native.unit]})
    yield from ("", "example of a probe", *_indented(in_yaml(row["example"])))


def _text(thing: Any) -> str:
    from inspect import getdoc

    return " ".join((getdoc(type(thing) if isinstance(thing, Fault) else thing) or "").split())


def _given(group: str, rows: Sequence[Mapping[str, Any]], kind: type[Struct]) -> Iterator[str]:
    """What may be given, a line each, in columns."""
    if not rows:
        return
    yield group
    yield from wrapped(_text(kind), "  ")
    yield from (f"    {row['name']:<16} {row['wants']:<36} {_default(row)}".rstrip() for row in rows)
    yield ""


def _default(row: Mapping[str, Any]) -> str:
    if row.get("required"):
        return "required"
    default = row.get("default")
    words = {True: "true", False: "false"}
    told = words[default] if isinstance(default, bool) else default
    return f"default {told}" if told not in (None, "") else ""


def _facts(facts: Mapping[str, str]) -> Iterator[str]:
    for name, told in facts.items():
        first, *rest = wrapped(told, "")
        yield f"{name:<10}{first}"
        yield from _indented(rest, 10)


def wrapped(text: str, indent: str) -> list[str]:
    """The text in lines that are easy to read."""
    from textwrap import wrap

    return wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False) or [indent]


def _indented(lines: Sequence[str], by: int = 2) -> list[str]:
    return [f"{' ' * by}{line}" for line in lines]


# ── reusable probes ─────────────────────────────────────────────────────────────────────────────────────────────────

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
