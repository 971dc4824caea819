"""What was left on a platform: by somebody, or by us. The same on every platform."""

from datetime import datetime
from typing import Final, NamedTuple

from msgspec import Struct

NOBODY: Final = "unknown"


class Leftover(Struct, frozen=True, kw_only=True):
    """Something that was left. `since` is None where the platform does not tell; `by` is the name it was written under.

    `undo` is the command that is safe to give, once what `first` says is true.
    """

    code: str
    what: str
    says: str
    undo: str
    whose: str = NOBODY
    by: str = ""
    since: datetime | None = None
    first: str = ""


class Bearer(NamedTuple):
    """Something that bears a mark of ours, whatever it says."""

    label: str
    mark: str
    fault: str
