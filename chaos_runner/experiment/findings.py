"""What is wrong with a file, said so that the reader can mend it without opening our source."""

from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    """Whether a finding stops the run."""

    ERROR = "error"
    WARNING = "warning"


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
        """Codes begin with E for an error, W for a warning."""
        return Severity.ERROR if self.code.startswith("E") else Severity.WARNING
