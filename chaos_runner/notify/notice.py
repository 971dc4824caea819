"""Something that people may want to be told."""

from enum import StrEnum
from typing import Final

from msgspec import Struct


class Kind(StrEnum):
    """What happened."""

    STARTED = "started"
    BREACH = "breach"
    """A probe of the hypothesis left its tolerance."""
    STOPPED = "stopped"
    """A stop rule, a gate or somebody stopped a run: it is being undone."""
    ENDED = "ended"
    SKIPPED = "skipped"
    MISSED = "missed"
    RECOVERED = "recovered"
    """Somebody else undid what a dead runner or daemon had left."""
    NOT_RESTORED = "not-restored"
    PAUSED = "paused"
    TEST = "test"
    """Nothing: somebody asked whether the channel works."""


CHOICES: Final = tuple(kind for kind in Kind if kind is not Kind.TEST)
"""What a channel can be told of."""
USUAL: Final = frozenset(CHOICES) - {Kind.STARTED, Kind.SKIPPED}
"""What it is told of when its file does not say."""


class Notice(Struct, frozen=True, kw_only=True):
    """What happened, in a sentence and for programs. `at` is RFC 3339 in UTC; `notice` identifies it for good, so that
    a receiver who hears it twice knows.
    """

    notice: str
    kind: Kind
    at: str
    sentence: str
    schedule: str = ""
    due: str = ""
    experiment: str = ""
    environment: str = ""
    run: str = ""
    verdict: str = ""
    restored: str = ""
    host: str = ""
