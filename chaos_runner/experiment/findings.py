"""What is wrong with a file, said so that the reader can mend it without opening our source."""

from enum import StrEnum
from typing import Final

from msgspec import Struct


class Severity(StrEnum):
    """An error stops the run; a warning names a trap, advice what could be better."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


_ADVICE: Final = "W450"
"""The first code that is advice."""


class Place(Struct, frozen=True):
    """Where in a file: lines and columns count from 1, `length` is how many characters the caret underlines."""

    file: str
    line: int
    column: int
    length: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Finding(Struct, frozen=True, kw_only=True):
    """One complaint. `code` is stable and explained by `chaos-runner explain CODE`; `help` is the next step."""

    code: str
    message: str
    place: Place
    help: str = ""
    found: str = ""

    @property
    def severity(self) -> Severity:
        """Codes begin with E for an error, W for a warning; from W450 on they are advice."""
        if self.code.startswith("E"):
            return Severity.ERROR
        return Severity.WARNING if self.code < _ADVICE else Severity.ADVICE
