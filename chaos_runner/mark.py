"""How we mark what we touch, so that someone without our journal can find it and knows until when it may be in use.

    chaos-runner-<run>-<number>-<expires>[-<signature>]

A mark stands on systems that others can write to, so it is believed no further than it must be. With a key, the name is
signed together with the fault and the target it stands on: a mark that was made up, or copied from elsewhere, is found
out.
"""

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from msgspec import Struct, structs

KEY_VARIABLE: Final = "CHAOS_RUNNER_KEY"
PREFIX: Final = "chaos-runner-"
_MOMENT: Final = "%Y%m%dT%H%M%SZ"
_SIGNATURE_DIGITS: Final = 32
"""128 of the 256 bits: enough against guessing, and short enough for a name (RFC 2104, section 5, asks for half)."""
_NAME: Final = (
    rf"{PREFIX}([0-9A-Z]{{1,26}})-(0|[1-9][0-9]{{0,4}})-([0-9]{{8}}T[0-9]{{6}}Z)(?:-([0-9a-f]{{{_SIGNATURE_DIGITS}}}))?")


class Key:
    """The secret that marks are signed with; without one they are not signed. Its text is shown to nobody."""

    def __init__(self, secret: str = "") -> None:
        self._secret = secret.encode()

    def __bool__(self) -> bool:
        return bool(self._secret)

    def digest(self, *parts: str) -> str:
        """What these texts, in this order, come to. JSON keeps them apart."""
        import hmac
        import json

        return hmac.new(self._secret, json.dumps(parts).encode(), sha256).hexdigest()[:_SIGNATURE_DIGITS]


NO_KEY: Final = Key()


class Mark(Struct, frozen=True, kw_only=True):
    """The run, the number of the step, and the moment after which no living run can still hold what is marked."""

    run: str
    number: int
    expires: str
    signature: str = ""

    def __str__(self) -> str:
        plain = f"{PREFIX}{self.run}-{self.number}-{self.expires}"
        return f"{plain}-{self.signature}" if self.signature else plain

    @property
    def ends(self) -> datetime:
        """The same as an instant."""
        return _instant(self.expires)

    def signed(self, key: Key, fault: str, target: str) -> "Mark":
        """The mark for one fault on one target: signed if there is a key. `target` is what it stands on, for good."""
        return structs.replace(self, signature=self._digest(key, fault, target) if key else "")

    def is_signed_by(self, key: Key, fault: str, target: str) -> bool:
        """Whether whoever has the key put this mark on this very target for this fault."""
        import hmac

        return bool(key) and hmac.compare_digest(self.signature, self._digest(key, fault, target))

    def expired(self, now: datetime) -> bool:
        """Whether no living run can still hold what is marked."""
        return _instant(self.expires) < now

    def _digest(self, key: Key, fault: str, target: str) -> str:
        return key.digest(fault, target, self.run, str(self.number), self.expires)


def moment(when: datetime) -> str:
    """An instant as a mark writes it: 20261120T110000Z."""
    return when.astimezone(UTC).strftime(_MOMENT)


def parse(name: str) -> Mark | None:
    """The mark that is written so. None for every other text: whatever is not exactly a mark is not ours."""
    found = re.fullmatch(_NAME, name)
    if not found:
        return None
    try:
        _instant(found[3])
    except ValueError:
        return None
    return Mark(run=found[1], number=int(found[2]), expires=found[3], signature=found[4] or "")


def _instant(text: str) -> datetime:
    return datetime.strptime(text, _MOMENT).replace(tzinfo=UTC)


def own_key(environment: Mapping[str, str] = os.environ) -> Key:
    """The key that the environment names."""
    return Key(environment.get(KEY_VARIABLE, ""))
