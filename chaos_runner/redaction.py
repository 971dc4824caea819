"""Keeping secrets out of everything that is written: one place, passed by every event before it is journaled.

Three things count as secret: values of `secrets`, values of configuration keys that are named like one, and texts that
have the known shape of one. Values shorter than four characters cannot be told from ordinary words and are left.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
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
    """Every text in nested data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from leaves(member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from leaves(member)


class Redactor:
    """Knows the secrets of one run."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= SHORTEST}, key=len, reverse=True)
        self._known = known
        self._pattern = re.compile("|".join([*map(re.escape, known), *_SHAPES]))

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
        """The struct without any secret in its texts. Costs one search where there is none."""
        if not self._suspicious(struct):
            return struct
        return self._clean(struct)

    def _clean(self, struct: E) -> E:
        changes = {name: self._cleaned(getattr(struct, name)) for name in struct.__struct_fields__}
        return msgspec.structs.replace(struct, **changes)

    def _cleaned(self, value: Any) -> Any:
        if isinstance(value, msgspec.Struct):
            return self._clean(value)
        if isinstance(value, list | tuple) and any(isinstance(member, msgspec.Struct) for member in value):
            return type(value)(self._cleaned(member) for member in value)
        return self.data(value)

    def _suspicious(self, struct: msgspec.Struct) -> bool:
        encoded = msgspec.json.encode(struct, enc_hook=repr).decode()
        if self._pattern.search(encoded):
            return True
        return any(_as_json(secret) in encoded for secret in self._known)


def _as_json(secret: str) -> str:
    return msgspec.json.encode(secret).decode()[1:-1]
