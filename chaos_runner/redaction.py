"""Keeping secrets out of everything that is written: one place, passed by every event before it is journaled.

Three things count as secret: values of `secrets`, values of configuration keys and of native arguments that are named
like one, and texts that have the known shape of one. Values shorter than four characters cannot be told from ordinary
words and are left.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, Final, TypeVar

import msgspec

REDACTED: Final = "[redacted]"
SHORTEST: Final = 4
_NAMED_LIKE_ONE: Final = re.compile(
    r"passw|passphrase|secret|token|credential|api[-_]?key|access[-_]?key|private[-_]?key|auth(?:orization)?$|bearer",
    re.IGNORECASE)
_SHAPES: Final = (
    r"(?:AKIA|ASIA)[0-9A-Z]{16}",
    r"gh[pousr]_[A-Za-z0-9]{20,}",
    r"xox[abprs]-[A-Za-z0-9-]{10,}",
    r"https://hooks\.slack(?:-gov)?\.com/[^\s\"'<>\\]+",
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    r"(?i:bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}",
    r"(?<=://)[^/\s:@\"\\]+:[^/\s@\"\\]+(?=@)",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^\"]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
)
E = TypeVar("E", bound=msgspec.Struct)


def named_like_a_secret(key: str) -> bool:
    """Whether a configuration key says that its value is a secret."""
    return bool(_NAMED_LIKE_ONE.search(key))


def leaves(value: Any) -> Iterator[str]:
    """Every text in nested data, numbers as they would be written."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from leaves(member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from leaves(member)


class Redactor:
    """Knows the secrets of one run."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: list[str] = []
        self._pattern = re.compile("|".join(_SHAPES))
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """More secrets of this run: a control may have brought them."""
        long = {secret for secret in secrets if len(secret) >= SHORTEST}
        known = long | {repr(secret)[1:-1] for secret in long}
        if known <= set(self._known):
            return
        self._known = sorted(known | set(self._known), key=len, reverse=True)
        self._pattern = re.compile("|".join([*map(re.escape, self._known), *_SHAPES]))

    def text(self, text: str) -> str:
        """The text without any secret in it."""
        return self._pattern.sub(REDACTED, text)

    def data(self, value: Any) -> Any:
        """Nested data without any secret in it, keys included."""
        if isinstance(value, str):
            return value if isinstance(value, Enum) else self.text(value)
        if isinstance(value, Mapping):
            return {self.text(key) if isinstance(key, str) else key: self.data(member)
                    for key, member in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.data(member) for member in value)
        return value

    def struct(self, struct: E) -> E:
        """The struct without any secret in its texts, and fit to be written. Costs one search where all is well."""
        try:
            suspicious = self._suspicious(struct)
        except (OverflowError, RecursionError, TypeError, ValueError):  # lone surrogates are a ValueError too
            return self._clean(self._with(struct, fit))
        return self._clean(struct) if suspicious else struct

    def _clean(self, struct: E) -> E:
        return self._with(struct, self.data)

    def _with(self, struct: E, change: Callable[[Any], Any]) -> E:
        changes = {name: self._changed(getattr(struct, name), change) for name in struct.__struct_fields__}
        return msgspec.structs.replace(struct, **changes)

    def _changed(self, value: Any, change: Callable[[Any], Any]) -> Any:
        if isinstance(value, msgspec.Struct):
            return self._with(value, change)
        if isinstance(value, list | tuple) and any(isinstance(member, msgspec.Struct) for member in value):
            return type(value)(self._changed(member, change) for member in value)
        return change(value)

    def _suspicious(self, struct: msgspec.Struct) -> bool:
        encoded = msgspec.json.encode(struct, enc_hook=repr).decode()
        if self._pattern.search(encoded):
            return True
        return any(_as_json(secret) in encoded for secret in self._known)


def fit(value: Any) -> Any:
    """Data that UTF-8 and 64-bit numbers can hold: lone surrogates are shown escaped, huge numbers as text."""
    if isinstance(value, Enum) or value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else f"{value:x} (hexadecimal)"[:200]
    if isinstance(value, Mapping):
        return {fit(key): fit(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(fit, value))
    return value


def _as_json(secret: str) -> str:
    return msgspec.json.encode(secret).decode()[1:-1]
