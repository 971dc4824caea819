"""A lab on its way up: what was started so far is always on disk, and is ended again when something comes between."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from chaos_runner.errors import Refused
from chaos_runner.lab import parts
from chaos_runner.lab.kubernetes.state import Lab, write
from chaos_runner.lab.parts import State

_POLL_S: Final = 0.02
_TAIL_LINES: Final = 12


class LabNotUp(Refused):
    """A part did not start or does not answer. What had been started was ended again."""


class Opening:
    """Starts the parts of a lab one by one, and writes each down before the next."""

    def __init__(self, lab: Lab, ready_s_max: float) -> None:
        self.lab = lab
        self._ready_s_max = ready_s_max
        self._deadline_s = time.monotonic() + ready_s_max

    @property
    def folder(self) -> Path:
        return Path(self.lab.folder)

    def start(self, name: str, command: Sequence[str]) -> None:
        """Starts a part and writes it down, with the words to start it again."""
        part = parts.spawned(name, self.log(name), command, parts.bare_environment())
        self.lab = msgspec.structs.replace(self.lab, parts=(*self.lab.parts, part),
                                           commands={**self.lab.commands, name: tuple(command)})
        write(self.lab)

    def note(self, **what: object) -> None:
        """Writes down what else is known of the lab by now."""
        self.lab = msgspec.structs.replace(self.lab, **what)
        write(self.lab)

    def wait(self, what: str, holds: Callable[[], bool]) -> None:
        """Waits until it holds. Raises LabNotUp when the time is up, or when a part has ended."""
        while True:
            ended = [part.name for part in self.lab.parts if parts.state(part) is State.GONE]
            if ended:
                raise LabNotUp(f"the lab's {ended[0]} ended. {self._tail(ended[0])}")
            if holds():
                return
            if time.monotonic() > self._deadline_s:
                newest = self.lab.parts[-1].name
                raise LabNotUp(f"{self._ready_s_max:.0f} s were not enough until {what}. {self._tail(newest)}")
            time.sleep(_POLL_S)

    def log(self, name: str) -> Path:
        """Where a part's output goes."""
        return self.folder / f"{name}.log"

    def _tail(self, name: str) -> str:
        file = self.log(name)
        said = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.exists() else []
        return f"Its log, {file}, ends with:\n" + "\n".join(f"  {line}" for line in said[-_TAIL_LINES:])
