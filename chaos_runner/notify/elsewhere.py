"""Values that a file only points at, so that no secret stands in it. They are read anew each time they are needed."""

import os
from pathlib import Path
from typing import Final

from msgspec import Struct

BYTES_MAX: Final = 64 * 1024


class NotThere(LookupError):
    """The value is not where the file says. The message tells where that is, and nothing of the value."""


class Env(Struct, frozen=True, kw_only=True, tag_field="type", tag="env", forbid_unknown_fields=True):
    """The value of an environment variable, as in Chaos Toolkit's `secrets`."""

    key: str

    def read(self) -> str:
        """Raises NotThere."""
        value = os.environ.get(self.key, "")
        if not value.strip():
            raise NotThere(f"the environment variable {self.key} is not set")
        return value.strip()


class File(Struct, frozen=True, kw_only=True, tag_field="type", tag="file", forbid_unknown_fields=True):
    """The text of a file, without the space around it: a mounted secret, a credential of systemd."""

    path: str

    def read(self) -> str:
        """Raises NotThere."""
        try:
            with Path(self.path).open("rb") as opened:
                value = opened.read(BYTES_MAX).decode().strip()
        except (OSError, UnicodeDecodeError, ValueError) as problem:
            why = problem.strerror if isinstance(problem, OSError) else "it holds no text"
            raise NotThere(f"{self.path} cannot be read: {why}") from problem
        if not value:
            raise NotThere(f"{self.path} is empty")
        return value


Hidden = Env | File
"""Where a secret is kept."""


def read(value: str | Hidden) -> str:
    """The value itself. Raises NotThere."""
    return value if isinstance(value, str) else value.read()
