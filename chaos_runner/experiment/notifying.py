"""Reading `notify:`, wherever it stands: who is to be told, and of what."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from chaos_runner.experiment.arguments import names, required
from chaos_runner.experiment.document import Node, plain
from chaos_runner.experiment.fields import Fields
from chaos_runner.experiment.suggest import did_you_mean
from chaos_runner.notify.channel import Channel, Way, key_of, way, way_names
from chaos_runner.notify.elsewhere import Hidden
from chaos_runner.notify.notice import CHOICES, USUAL, Kind
from chaos_runner.redaction import named_like_a_secret

KEY: Final = "notify"
CHANNEL_KEYS: Final = ("name", "events")
"""What every channel may have, beside what its way wants."""
_NAME_MAX: Final = 60
_WHERE: Final = "{type: env, key: NAME} or {type: file, path: FILE}"


def channels(fields: Fields, owner: str) -> tuple[Channel, ...]:
    """Those that a mapping has under `notify`; `owner` says whose they are. Complains as all readers do."""
    found: dict[str, Channel] = {}
    for node in fields.items(KEY):
        inner = fields.inner(node, "the channel")
        channel = _channel(inner, owner) if isinstance(node.value, dict) else None
        if channel and channel.key in found:
            fields.complain("E412", f"a channel like this stands above: {channel.key}", node,
                            "say of that one what both are to tell")
        elif channel:
            found[channel.key] = channel
    return tuple(found.values())


def _channel(fields: Fields, owner: str) -> Channel | None:
    there = [name for name in way_names() if name in fields]
    if len(there) != 1:
        _complain_of_ways(fields, there)
        return None
    chosen = way(there[0])
    fields.known((*names(chosen.settings), *CHANNEL_KEYS))
    settings, kinds, name = _settings(fields, chosen), _kinds(fields), _name(fields)
    if settings is None:
        return None
    key = key_of(owner, name, there[0], getattr(settings, there[0]))
    return Channel(key=key, way=there[0], settings=settings, kinds=kinds)


def _complain_of_ways(fields: Fields, there: Sequence[str]) -> None:
    """A misspelt way is told as an unknown key; then nothing more is."""
    ways = way_names()
    written = fields.node.value if isinstance(fields.node.value, dict) else {}
    if not there and any(did_you_mean(key, ways) for key in written):
        fields.known((*ways, *CHANNEL_KEYS, *(key for name in ways for key in names(way(name).settings))))
        return
    fields.complain("E410", f"a channel has exactly one of {' and '.join(ways)}", None,
                    "make one channel of each" if there else "add `webhook: https://…`", found=", ".join(there))


def _settings(fields: Fields, chosen: Way[Any]) -> Struct | None:
    """What the way wants to know. None when any of it cannot be used."""
    kind = chosen.settings
    good = fields.require(*required(kind))
    given: dict[str, Any] = {}
    for written, name in names(kind).items():
        node = fields.node_of(written)
        if node is None:
            continue
        good = _keeps_secrets(fields, written, node, chosen) and good
        hint = next(field.type for field in msgspec.structs.fields(kind) if field.name == name)
        try:
            given[name] = msgspec.convert(plain(node), hint)
        except msgspec.ValidationError:
            good = False
            if written not in chosen.secret or isinstance(node.value, dict):
                fields.complain("E103", f"{written} must be {_wanted(hint)}", node, found=node.kind)
    return kind(**given) if good else None


def _wanted(hint: Any) -> str:
    if hint is str:
        return "a text"
    if isinstance(hint, type) or "dict" in str(hint):
        return f"a mapping of names to texts, or to {_WHERE}"
    return _WHERE if hint in (Hidden, Hidden | None) else f"a text, or {_WHERE}"


def _keeps_secrets(fields: Fields, key: str, node: Node, chosen: Way[Any]) -> bool:
    """Whether no secret stands in the file; complains of each that does."""
    shown = list(_shown(key, node, chosen))
    for name, at in shown:
        fields.complain("E411", f"{name} is a secret, and stands in the file", at, f"say where it is kept: {_WHERE}")
    return not shown


def _shown(key: str, node: Node, chosen: Way[Any]) -> Iterator[tuple[str, Node]]:
    if isinstance(node.value, dict):
        inner = [(name, entry.node) for name, entry in node.value.items() if not isinstance(entry.node.value, dict)]
        yield from (one for one in inner if key == "headers" and named_like_a_secret(one[0]))
    elif key in chosen.secret:
        yield key, node


def _kinds(fields: Fields) -> frozenset[Kind]:
    """The kinds of notices that are wanted: what is usual, where nothing is said."""
    node = fields.node_of("events")
    if node is None:
        return USUAL
    if node.value == []:
        fields.complain("E102", "events must not be empty", node, "leave the key out for what is usual")
    return frozenset(kind for member in fields.items("events") if (kind := _kind(fields, member)))


def _kind(fields: Fields, node: Node) -> Kind | None:
    text = str(node.value)
    if text in CHOICES:
        return Kind(text)
    close = did_you_mean(text, CHOICES)
    fields.complain("E104", "there is no such event", node,
                    f'did you mean "{close}"?' if close else f"one of {', '.join(CHOICES)}",
                    found=node.raw or node.kind)
    return None


def _name(fields: Fields) -> str:
    name = fields.filled_text("name") if "name" in fields else ""
    if len(name) > _NAME_MAX or not name.isprintable():
        fields.complain("E103", f"name must have {_NAME_MAX} characters or less that can be seen",
                        fields.node_of("name"))
    return name
