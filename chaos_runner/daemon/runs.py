"""What the daemon reads of the outcome of a run."""

from pathlib import Path

import msgspec
from msgspec import Struct

from chaos_runner.recovery.phase import OUTCOME


class Asked(Struct, frozen=True, kw_only=True):
    """A gate's answer, in an outcome."""

    name: str = ""
    result: str = ""
    again_at: str | None = None


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a run."""

    verdict: str
    exit: int
    restored: str = ""
    sentence: str = ""
    gates: list[Asked] = []

    @property
    def again(self) -> str:
        """When the gates that are closed want to be asked anew; empty when one of them says no for good."""
        times = [gate.again_at or "" for gate in self.gates if gate.result in ("DEFER", "DENY")]
        return max(times) if times and all(times) else ""


def outcome(folder: Path) -> Outcome | None:
    """The outcome of a run that is over. None when there is none, or it cannot be read."""
    try:
        return msgspec.json.decode((folder / OUTCOME).read_bytes(), type=Outcome)
    except (OSError, msgspec.DecodeError):
        return None
