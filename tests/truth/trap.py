"""A false-green trap: an experiment that looks fine and proves nothing, or in which something bad is hidden."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

FAULT = "fault"
"""The file that most traps make as their fault and take away as their way back. It is there: the fault acts."""


class Scene(Struct, frozen=True):
    """What a trap finds when it is run: variables of its environment, and whether the fault is there now."""

    environment: dict[str, str]
    hurt: Callable[[], bool]


OWN_KEYS = ("fault", "every", "expect", "require-proof", "stop-when", "undo")
"""Keys that only chaos-runner acts on, and without which it could not tell some of the traps."""

World = Callable[[Path], AbstractContextManager[Scene]]


@contextmanager
def empty(folder: Path) -> Iterator[Scene]:
    """A folder and nothing else."""
    yield Scene({}, (folder / FAULT).exists)


class Said(Struct, frozen=True):
    """What chaos-runner says: both answers, the exit code, the code of the first reason.

    A file that is refused when it is read has no answers, only its exit code and the code of its first error.
    """

    exit: int
    code: str
    verdict: str = ""
    restored: str = ""

    def __str__(self) -> str:
        answers = f"{self.verdict}, {self.restored}" if self.verdict else "refused when read"
        return f"{answers}: exit {self.exit}, {self.code or 'without a code'}"


class Trap(Struct, frozen=True, kw_only=True):
    """One trap. `name` is the trap in words, `truth` what really happened, `says` what chaos-runner must say of it.

    `theirs` is its nearest form for Chaos Toolkit where it needs keys that only chaos-runner knows; else both are given
    the same file. `flags` are Chaos Toolkit's own. `well` marks the few in which green is the truth and red the lie.
    `signal` is sent to the runner while the fault acts. `after_s` is waited before the world is looked at.
    `missed` says why chaos-runner does not tell the trap as it is today; then `says` is what it says instead.
    """

    name: str
    truth: str
    experiment: dict[str, Any] | str
    says: Said
    theirs: dict[str, Any] | None = None
    world: World = empty
    flags: tuple[str, ...] = ()
    signal: int = 0
    after_s: float = 0.0
    well: bool = False
    missed: str = ""

    def __str__(self) -> str:
        return self.name

    @property
    def given(self) -> str:
        """What the two are given, where it is not simply the same file: it is part of the result."""
        text = self.experiment if isinstance(self.experiment, str) else json.dumps(self.experiment)
        own = [f"`{key}`" for key in OWN_KEYS if f'"{key}":' in text]
        words = ["two files" if self.theirs else "", f"ours: {', '.join(own)}" if own else "",
                 f"theirs: `{' '.join(self.flags)}`" if self.flags else ""]
        return "; ".join(filter(None, words)) or "one file"
