"""What the daemon reads of the outcome of a run."""

from pathlib import Path

import msgspec
from msgspec import Struct

from chaos_runner.recovery.phase import OUTCOME


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a run."""

    verdict: str
    exit: int
    restored: str = ""
    sentence: str = ""
    again_at: str | None = None
    """When the gates that kept it from starting want to be asked anew; None when one of them said no for good."""


def outcome(folder: Path) -> Outcome | None:
    """The outcome of a run that is over. None when there is none, or it cannot be read."""
    try:
        return msgspec.json.decode((folder / OUTCOME).read_bytes(), type=Outcome)
    except (OSError, msgspec.DecodeError):
        return None
