"""Files of times in which nothing may be changed: an iCal file, or a list in YAML.

    - 2026-12-24
    - {from: 2026-12-18, to: 2027-01-06, why: the end of the year}
    - {from: 2026-11-27 18:00, to: 2026-11-30 08:00, why: Black Friday}

A day that stands after `to` belongs to the freeze. Times are by the wall of the zone that whoever asks names, unless
they have an offset.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from chaos_runner.calendar import ical, zones
from chaos_runner.calendar.ical import Span

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # a PyYAML built without libyaml
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

BYTES_MAX: Final = 10 * 1024 * 1024
_KEYS: Final = ("from", "to", "why")
_DAY: Final = timedelta(days=1)
_DEPTH_MAX: Final = 8
_DAY_LENGTH: Final = len("2026-12-24")


class _TooDeep(yaml.YAMLError):
    pass


class _Loader(_SafeLoader):
    """Composes what is no deeper than a list of freezes: libyaml would go on until the stack is used up."""

    depth = 0

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:  # noqa: ARG002 -- PyYAML's signature
        self.depth += 1
        if self.depth > _DEPTH_MAX:
            raise _TooDeep

    def ascend_resolver(self) -> None:
        self.depth -= 1


class NotUnderstood(ValueError):
    """The file cannot be read, or something in it is not understood: with its line and column where there is one."""


def file_named(name: str, folder: Path) -> Path:
    """The file of that name, from a folder upwards. Raises NotUnderstood."""
    found = next((place / name for place in (folder, *folder.parents) if (place / name).is_file()), None)
    if found is None:
        raise NotUnderstood(f"{name}: there is no such file in {folder} or above")
    return found


def freezes(file: Path, zone: str, since: datetime, until: datetime) -> list[Span]:
    """The freezes of a file that touch the time between two instants. Raises NotUnderstood, NoZone."""
    zones.zone_named(zone)
    text = _text(file)
    found = _of_ical(text, file, zone, since, until) if file.suffix.lower() == ".ics" else _of_yaml(text, file, zone)
    return [span for span in found if span.until > since and span.since < until]


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(BYTES_MAX + 1)
        if len(data) > BYTES_MAX:
            raise NotUnderstood(f"{file}: it is larger than 10 MiB")
        return data.decode("utf-8")
    except OSError as problem:
        raise NotUnderstood(f"{file}: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise NotUnderstood(f"{file}: it is not UTF-8") from problem


def _of_ical(text: str, file: Path, zone: str, since: datetime, until: datetime) -> Iterator[Span]:
    events, complaints = ical.read(text, str(file))
    if complaints:
        raise NotUnderstood(f"{file}:{complaints[0].line}:1: {complaints[0].said}")
    for event in events:
        yield from ical.spans(event, zone, since, until)


# ── the list ────────────────────────────────────────────────────────────────────────────────────────────────────────

def _of_yaml(text: str, file: Path, zone: str) -> list[Span]:
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise NotUnderstood(f"{file}{where}: it is no YAML: {problem.problem}") from problem
    except yaml.YAMLError as problem:
        raise NotUnderstood(f"{file}: it is no YAML") from problem
    if not isinstance(root, yaml.SequenceNode):
        raise NotUnderstood(f"{file}:1:1: wanted a list of freezes, `[]` where there is none")
    return [_span(node, file, zone) for node in root.value]


def _span(node: Any, file: Path, zone: str) -> Span:
    if isinstance(node, yaml.ScalarNode):
        if len(node.value.strip()) != _DAY_LENGTH:
            raise _wrong(file, node, "wanted a day such as 2026-12-24, or {from: …, to: …, why: …}")
        since = _wall(node, file)
        return Span(_instant(since, zone), _instant(since + _DAY, zone))
    return _range(_members(node, file), node, file, zone)


def _range(members: Mapping[str, Any], node: Any, file: Path, zone: str) -> Span:
    missing = [key for key in ("from", "to") if key not in members]
    if missing:
        raise _wrong(file, node, f"{missing[0]} is missing")
    since, until = (_instant(_wall(members[key], file), zone) for key in ("from", "to"))
    if len(members["to"].value.strip()) == _DAY_LENGTH:
        until = _instant(_wall(members["to"], file) + _DAY, zone)
    if until <= since:
        raise _wrong(file, members["to"], "the freeze ends before it begins")
    return Span(since, until, str(members["why"].value) if "why" in members else "")


def _members(node: Any, file: Path) -> dict[str, Any]:
    if not isinstance(node, yaml.MappingNode):
        raise _wrong(file, node, "wanted a day such as 2026-12-24, or {from: …, to: …, why: …}")
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.value not in _KEYS:
            raise _wrong(file, key, f"a freeze has the keys {', '.join(_KEYS)}")
        if not isinstance(value, yaml.ScalarNode):
            raise _wrong(file, value, f"{key.value} must be a text")
    return {key.value: value for key, value in node.value}


def _wall(node: Any, file: Path) -> datetime:
    """What is written: by the wall, or with an offset of its own."""
    try:
        found = datetime.fromisoformat(node.value.strip())
    except ValueError as problem:
        raise _wrong(file, node, "wanted a day or a time such as 2026-12-24 or 2026-12-24 18:00") from problem
    if not zones.YEARS[0] <= found.year <= zones.YEARS[1]:
        raise _wrong(file, node, f"wanted a year from {zones.YEARS[0]} to {zones.YEARS[1]}")
    return found


def _instant(found: datetime, zone: str) -> datetime:
    return found if found.tzinfo else zones.next_valid(found, zones.zone_named(zone))


def _wrong(file: Path, node: Any, said: str) -> NotUnderstood:
    mark = node.start_mark
    return NotUnderstood(f"{file}:{mark.line + 1}:{mark.column + 1}: {said}")
