"""A terminal for tests: the command on a pty of its own, and what stands on its screen.

The screen knows what the live view uses (moving up, erasing, colours) and keeps a list of every other escape sequence
and control character that was written to it, so that a test can say that there was none.
"""

import codecs
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.cli.runner import COMMAND

_SEQUENCE_MOST = 16
"""How long the beginning of a sequence may be, of which the rest is still to be read."""
_SEQUENCE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")
_PATIENCE_S = 20.0


class Screen:
    """So many columns and rows of characters, what has scrolled off it, and whatever it was not prepared for."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.gone: list[str] = []
        self.strange: list[str] = []
        self.coloured = False
        self._begun = ""
        self._cells = [[" "] * columns for _ in range(rows)]
        self._x = self._y = 0

    def resize(self, columns: int) -> None:
        """Makes it so wide. What is cut off is lost, as on a terminal that does not reflow."""
        self.columns, self._x = columns, min(self._x, columns - 1)
        self._cells = [(row + [" "] * columns)[:columns] for row in self._cells]

    @property
    def lines(self) -> list[str]:
        """What stands on it, without the empty lines at the end."""
        return "\n".join("".join(row).rstrip() for row in self._cells).rstrip().split("\n")

    @property
    def text(self) -> str:
        """Everything that was ever on it and was not erased."""
        return "\n".join([*self.gone, *self.lines])

    def feed(self, text: str) -> None:
        """What was written to it. A sequence that is not whole yet waits for the rest."""
        text, self._begun, at = self._begun + text, "", 0
        while at < len(text):
            found = _SEQUENCE.match(text, at)
            if found:
                self._obey(found[1], found[2])
                at = found.end()
            elif text[at] == "\x1b" and len(text) - at < _SEQUENCE_MOST:
                self._begun, at = text[at:], len(text)
            else:
                self._put(text[at])
                at += 1

    def _put(self, character: str) -> None:
        if character == "\r":
            self._x = 0
        elif character == "\n":
            self._line_feed()
        elif not character.isprintable():
            self.strange.append(repr(character))
        else:
            if self._x >= self.columns:
                self._x = 0
                self._line_feed()
            self._cells[self._y][self._x] = character
            self._x += 1

    def _line_feed(self) -> None:
        if self._y < self.rows - 1:
            self._y += 1
            return
        self.gone.append("".join(self._cells.pop(0)).rstrip())
        self._cells.append([" "] * self.columns)

    def _obey(self, number: str, what: str) -> None:
        match number, what:
            case _, "m":
                self.coloured = True
            case _, "A":
                self._y = max(0, self._y - int(number or 1))
            case ("", "H"):
                self._x = self._y = 0
            case ("2", "J"):
                self._cells = [[" "] * self.columns for _ in range(self.rows)]
            case ("" | "0", "K" | "J"):
                self._cells[self._y][self._x:] = [" "] * (self.columns - self._x)
                if what == "J":
                    self._cells[self._y + 1:] = [[" "] * self.columns for _ in self._cells[self._y + 1:]]
            case _:
                self.strange.append(f"CSI {number}{what}")


class Terminal:
    """The command on a pty. Its standard error, input and (unless `out` is a file) output are the terminal."""

    def __init__(self, words: list[str], columns: int = 80, rows: int = 24, *, out: Path | None = None,
                 environment: Mapping[str, str] | None = None, program: Sequence[str] = COMMAND) -> None:
        self.screen = Screen(columns, rows)
        self.written = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._ours, theirs = os.openpty()
        self._resize(columns)
        clean = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
        with (out or Path(os.devnull)).open("wb") as file:
            self.process = subprocess.Popen(
                [*program, *words], stdin=theirs, stdout=file if out else theirs, stderr=theirs,
                env={**clean, "TERM": "xterm-256color", "PYTHONUTF8": "1", **(environment or {})},
                start_new_session=True,
                preexec_fn=lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0))  # noqa: PLW1509 -- one system call
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.hang_up()

    def hang_up(self) -> None:
        """Closes our end: the terminal is gone, as when an SSH connection drops."""
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1

    def type(self, keys: str) -> None:
        """What a person types; "\x03" is Ctrl-C."""
        os.write(self._ours, keys.encode())

    def resize(self, columns: int) -> None:
        """Makes the window so wide."""
        self.read(0.05)
        self._resize(columns)
        self.screen.resize(columns)

    def wait_for(self, met: Callable[[Screen], bool] | str, within_s: float = _PATIENCE_S) -> Screen:
        """Waits until the screen is so, or has that text on it."""
        deadline_s = time.monotonic() + within_s
        while not (met in self.screen.text if isinstance(met, str) else met(self.screen)):
            if time.monotonic() > deadline_s or not self.read(0.05):
                raise TimeoutError(f"waited for {met!r}:\n{self.screen.text}")
        return self.screen

    def end(self, within_s: float = _PATIENCE_S) -> int:
        """Reads to the end, and gives the exit code."""
        deadline_s = time.monotonic() + within_s
        while self.read(0.05) and time.monotonic() < deadline_s:
            pass
        return self.process.wait(timeout=within_s)

    def read(self, within_s: float) -> bool:
        """Takes in what there is. False when nobody writes any more."""
        if not select.select([self._ours], [], [], within_s)[0]:
            return self.process.poll() is None
        try:
            found = os.read(self._ours, 65536)
        except OSError:
            return False
        text = self._decoder.decode(found)
        self.written += text
        self.screen.feed(text)
        return bool(found)

    def _resize(self, columns: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", self.screen.rows, columns, 0, 0))
