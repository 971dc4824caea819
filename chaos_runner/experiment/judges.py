"""Reading limits and tolerances: what decides whether a probe's value is good."""

import re
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from importlib import import_module
from importlib.util import find_spec
from io import StringIO
from math import isfinite
from typing import Any, Final

from chaos_runner.experiment.document import Node, plain
from chaos_runner.experiment.fields import Fields
from chaos_runner.experiment.model import Comparison, Judge, Limit, Tolerance
from chaos_runner.experiment.providers import provider
from chaos_runner.units import NoUnit, Unit, measure

COMPARISONS: Final = tuple(comparison.value for comparison in Comparison)
_PAIR: Final = 2


def judge(fields: Fields, unit: Unit) -> Judge | None:
    """The one condition of a probe: a native limit, or a Chaos Toolkit tolerance."""
    given = [key for key in (*COMPARISONS, "tolerance") if key in fields]
    if len(given) > 1:
        fields.complain("E207", f"{fields.what} has {len(given)} conditions ({', '.join(given)}), only one can count",
                        fields.place(given[1]), "make one probe for each")
    if not given:
        fields.complain("E206", f"{fields.what} says nothing about which values are good", fields.node,
                        "add `below: 300ms` (or above, at-least, at-most, between, equals), or a `tolerance`")
        return None
    node = fields.node_of(given[0])
    if node is None:
        return None
    return _tolerance(fields, node) if given[0] == "tolerance" else _limit(fields, Comparison(given[0]), node, unit)


def _limit(fields: Fields, comparison: Comparison, node: Node, unit: Unit) -> Limit | None:
    members = _bounds(fields, comparison, node)
    if members is None:
        return None
    bounds = [_bound(fields, comparison, member, unit) for member in members]
    if any(bound is None for bound in bounds):
        return None
    values = tuple(bound[0] for bound in bounds if bound)
    found_units = {bound[1] for bound in bounds if bound and bound[0] != 0} or {unit}
    problem = _mismatch(comparison, values, found_units)
    if problem:
        fields.complain("E205", problem, node)
        return None
    return Limit(comparison=comparison, bounds=values, unit=found_units.pop())


def _mismatch(comparison: Comparison, values: Sequence[Any], found_units: set[Unit]) -> str:
    if comparison is not Comparison.BETWEEN:
        return ""
    if len(found_units) > 1:
        return "both ends of between must have the same unit"
    return "between must begin with its lower end" if values[0] > values[1] else ""


def _bounds(fields: Fields, comparison: Comparison, node: Node) -> list[Node] | None:
    if comparison is not Comparison.BETWEEN:
        return [node]
    if isinstance(node.value, list) and len(node.value) == _PAIR:
        return node.value
    fields.complain("E205", "between must be a list of two numbers", node, "write `between: [200, 299]`",
                    found=node.kind)
    return None


def _bound(fields: Fields, comparison: Comparison, node: Node, unit: Unit) -> tuple[Any, Unit] | None:
    value = node.value
    if isinstance(value, bool) or value is None or isinstance(value, dict | list):
        if comparison is Comparison.EQUALS:
            return plain(node), Unit.COUNT
        fields.complain("E205", f"{comparison} must be a number", node, found=node.kind)
        return None
    if isinstance(value, int | float):
        return _bare(fields, comparison, node, unit)
    if not isinstance(value, str) or "${" in value:
        _refuse_bound(fields, comparison, node)
        return None
    if comparison is Comparison.EQUALS and unit is Unit.COUNT:
        return value, Unit.COUNT
    try:
        return _measured(value, unit)
    except NoUnit as problem:
        fields.complain("E205", f"{comparison} must be {str(problem).partition(', not')[0]}", node,
                        found=node.raw)
        return None


def _refuse_bound(fields: Fields, comparison: Comparison, node: Node) -> None:
    if isinstance(node.value, str):
        fields.complain("E390", "this version of chaos-runner cannot fill a limit from the configuration yet", node,
                        "write the value itself, or use a `tolerance`")
    else:
        fields.complain("E205", f"{comparison} cannot be compared with {node.kind}", node, "put quotes around text")


def _bare(fields: Fields, comparison: Comparison, node: Node, unit: Unit) -> tuple[Any, Unit] | None:
    if not _finite(node.value):
        fields.complain("E205", f"{comparison} must be a finite number", node, found=node.raw)
        return None
    if unit is Unit.COUNT or node.value == 0:
        return node.value, unit
    example = {Unit.SECONDS: "ms", Unit.SHARE: "%", Unit.BYTES: "Mi"}[unit]
    fields.complain("E205", f"{comparison} must have a unit", node, f"write `{comparison}: {node.raw}{example}`",
                    found=node.raw)
    return None


def _measured(text: str, unit: Unit) -> tuple[float, Unit]:
    value, found = measure(text)
    if unit not in (Unit.COUNT, found):
        wanted = {Unit.SECONDS: "a duration such as 300ms", Unit.SHARE: "a share such as 5%",
                  Unit.BYTES: "a size such as 10Mi"}[unit]
        raise NoUnit(f"{wanted}, not {text!r}")
    return value, found


def _finite(value: Any) -> bool:
    """Whether it is a number that can be compared and drawn: none that is larger than any float."""
    try:
        return isinstance(value, int | float) and isfinite(value)
    except OverflowError:
        return False


def tolerance_beside(fields: Fields) -> Tolerance | None:
    """The tolerance of a step, where it is one that can be asked. Chaos Toolkit reads none there, and refuses none."""
    node = fields.node_of("tolerance")
    return _tolerance(Fields(fields.node, fields.what, []), node) if node else None


def _tolerance(fields: Fields, node: Node) -> Tolerance | None:
    """chaoslib's rules (1.44, chaoslib.hypothesis): a float is refused, a mapping has one of four types."""
    value = plain(node)
    if isinstance(value, bool | int | str | list):
        return Tolerance(value)
    if isinstance(value, dict):
        return _typed_tolerance(fields.inner(node, "the tolerance"), value)
    fields.complain("E204", "tolerance must be true, false, a whole number, a text, a list or a mapping", node,
                    "for a number with a fraction write `tolerance: {type: range, range: [low, high]}`, or `below:`",
                    found=node.kind)
    return None


def _typed_tolerance(fields: Fields, value: dict[str, Any]) -> Tolerance | None:
    kind = fields.one_of("type", tuple(TOLERANCES), "") if fields.require("type") else ""
    if not kind:
        return None
    problem = TOLERANCES[kind](fields)
    if problem:
        fields.complain("E204", problem, fields.node)
    return None if problem else Tolerance(value)


def _check_regex(fields: Fields) -> str:
    pattern = fields.plain("pattern")
    if not isinstance(pattern, str):
        return "a regex tolerance needs a `pattern`"
    try:
        re.compile(pattern)
    except re.error as broken:
        return f"the pattern is no regular expression: {broken}"
    return ""


def _check_jsonpath(fields: Fields) -> str:
    path = fields.plain("path")
    if not isinstance(path, str) or not path.strip():
        return "a jsonpath tolerance needs a `path`"
    if find_spec("jsonpath2") is None:
        return "a jsonpath tolerance needs the package jsonpath2: `pip install chaostoolkit-lib[jsonpath]`"
    return "" if "${" in path or _parses(path) else "the path is no JSON path"


def _parses(path: str) -> bool:
    """jsonpath2's parser says what it dislikes on standard error too, where it would stand among our findings."""
    parse: Callable[[str], Any] = import_module("jsonpath2.path").Path.parse_str
    with redirect_stderr(StringIO()):
        try:
            parse(path.strip())
        except ValueError:
            return False
    return True


def _check_range(fields: Fields) -> str:
    bounds = fields.plain("range")
    ok = isinstance(bounds, list) and len(bounds) == _PAIR and all(isinstance(bound, int | float) for bound in bounds)
    return "" if ok else "a range tolerance needs `range: [low, high]` with two numbers"


def _check_probe(fields: Fields) -> str:
    node = fields.node_of("provider")
    if node is None:
        return "a probe tolerance needs a `provider`"
    provider(fields.inner(node, "the provider"))
    return ""


TOLERANCES: Final = {"probe": _check_probe, "regex": _check_regex, "jsonpath": _check_jsonpath, "range": _check_range}
"""The types of a tolerance that is a mapping, and what checks each."""
