"""Reading what only ever narrows a run: limits, what is protected, what must be asked, what must be proven."""

import re
from typing import Final

from msgspec import structs

from chaos_runner.experiment.document import Node
from chaos_runner.experiment.fields import Fields
from chaos_runner.experiment.model import ConfirmAbove, Limits, Protected, Safeguards

SAFEGUARD_KEYS: Final = ("limits", "gates", "confirm-above", "require-proof", "require-verified-undo", "rehearse",
                         "max-abort-latency", "locks")
PATTERN_KEYS: Final = ("namespaces", "contexts", "accounts", "regions")
LIMIT_KEYS: Final = ("max-share", "max-targets", "max-duration", *PATTERN_KEYS)
CONFIRM_KEYS: Final = ("share", "targets")
_LOCK: Final = re.compile(r"(s3|dynamodb)://[A-Za-z0-9._-]{3,255}/.*[^/]")
PROTECTED_KEYS: Final = ("names", "labels", "tags")


def safeguards(fields: Fields, source: str) -> Safeguards:
    """The safeguards that stand in a mapping, but for gates. `source` says in whose name they hold."""
    limits, confirm, protected = fields.node_of("limits"), fields.node_of("confirm-above"), fields.node_of("protected")
    return Safeguards(
        limits=(_limits(fields.inner(limits, "limits"), source),) if limits else (),
        confirm_above=(_confirm_above(fields.inner(confirm, "confirm-above")),) if confirm else (),
        protected=(_protected(fields.inner(protected, "protected"), source),) if protected else (),
        require_proof=fields.flag("require-proof"), require_verified_undo=fields.flag("require-verified-undo"),
        rehearse=fields.flag("rehearse"), locks=_locks(fields),
        abort_latency_max_s=fields.positive_s("max-abort-latency"))


def places(fields: Fields, source: str) -> tuple[Limits, ...]:
    """The limits on places that stand in a mapping: none, or one that holds for all of them."""
    if not any(key in fields for key in PATTERN_KEYS):
        return ()
    return (structs.replace(Limits(source=source), **_places(fields)),)


def _places(fields: Fields) -> dict[str, tuple[str, ...]]:
    return {key: _patterns(fields, key) for key in PATTERN_KEYS}


def _limits(fields: Fields, source: str) -> Limits:
    fields.known(LIMIT_KEYS)
    return Limits(source=source, max_share=_some_share(fields, "max-share"), max_targets=_count(fields, "max-targets"),
                  max_duration_s=fields.positive_s("max-duration"), **_places(fields))


def _confirm_above(fields: Fields) -> ConfirmAbove:
    fields.known(CONFIRM_KEYS)
    return ConfirmAbove(share=fields.share("share"), targets=_count(fields, "targets", least=0))


def _protected(fields: Fields, source: str) -> Protected:
    fields.known(PROTECTED_KEYS)
    return Protected(source=source, names=_patterns(fields, "names"),
                     labels={**_labels(fields, "labels"), **_labels(fields, "tags")})


def _some_share(fields: Fields, key: str) -> float | None:
    share = fields.share(key)
    if share == 0:
        fields.complain("E202", f"{key} of 0% allows nothing at all", fields.node_of(key), "leave the experiment out")
    return share


def _locks(fields: Fields) -> tuple[str, ...]:
    found = [(node, node.value) for node in fields.items("locks")]
    for node, text in found:
        if not isinstance(text, str) or not _LOCK.fullmatch(text):
            fields.complain("E103", f"a lock must be the address of an object or an item, and {text!r} is none", node,
                            "write s3://bucket/path or dynamodb://table/name")
    return tuple(text for _, text in found if isinstance(text, str))


def _count(fields: Fields, key: str, least: int = 1) -> int | None:
    count = fields.whole(key)
    if count is not None and count < least:
        fields.complain("E103", f"{key} must be {least} or more", fields.node_of(key), found=str(count))
        return None
    return count


def _patterns(fields: Fields, key: str) -> tuple[str, ...]:
    """A list of patterns with * and ?. An empty one would allow nothing, which nobody means."""
    node = fields.node_of(key)
    if node is not None and node.value == []:
        fields.complain("E102", f"{key} must not be empty", node, "leave the key out to allow all")
    texts = [_pattern(fields, key, member) for member in fields.items(key)]
    return tuple(text for text in texts if text)


def _pattern(fields: Fields, key: str, node: Node) -> str:
    """An account is often written as a number: its digits are what counts, with the zeros in front."""
    if isinstance(node.value, str) and node.value:
        return node.value
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.raw
    fields.complain("E103", f"{key} must be a list of texts that are not empty", node, found=node.kind)
    return ""


def _labels(fields: Fields, key: str) -> dict[str, str]:
    labels = fields.mapping(key)
    for name, value in labels.items():
        if not isinstance(value, str):
            fields.complain("E103", f"the value of {key}.{name} must be a text", fields.node_of(key),
                            f'write `{name}: "{value}"`', found=repr(value))
    return {name: str(value) for name, value in labels.items()}
