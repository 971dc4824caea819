"""The live view of a run on a terminal: one line per change as everywhere, and below them what is going on just now.

The terminal is left in no mode of its own (no other screen, no hidden cursor), so that nothing has to be put right when
this process is killed. Everything is written with one write a frame.
"""

import os
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from io import StringIO
from time import monotonic
from typing import Any, Final, TextIO, cast

from rich.console import Console as Rich
from rich.text import Text

from chaos_runner.cli.console import coloured, lines_of
from chaos_runner.cli.frame import View, frame
from chaos_runner.cli.ink import Ink
from chaos_runner.cli.moment import clock
from chaos_runner.cli.wrapping import NARROW, brief, wrapped
from chaos_runner.experiment.complaints import escaped
from chaos_runner.run.events import Event, Sampled
from chaos_runner.run.run import Run

_SAID_MOST: Final = 1000
"""Lines that wait to be written; of more the oldest are left out."""
_SMALLEST: Final = (20, 4)
_CLOSE_S: Final = 1.0


class Live:
    """Watches a run and draws it. What steps print meanwhile is shown above it, with what cannot be seen spelt out."""

    def __init__(self, ink: Ink, stream: TextIO) -> None:
        self._ink = ink
        self._stream = stream
        self._run: Run | None = None
        self._began_s = float("inf")
        self._recent: dict[int, Any] = {}
        self._said: deque[str] = deque(maxlen=_SAID_MOST)
        self._drawn = 0
        self._size = (0, 0)
        self._lock = threading.Lock()
        self._closed = False
        self._swapped: tuple[Any, Any] | None = None

    def __call__(self, run: Run, events: Sequence[Event]) -> None:
        """Takes in what has happened. Nothing is drawn here."""
        if self._run is None:
            self._begin(run)
        self._run = run
        self._began_s = min(self._began_s, monotonic() - run.t)
        for event in events:
            if isinstance(event, Sampled):
                self._recent[event.probe].add(event)
            self._said.extend(self._line(event.t, *line) for line in lines_of(run, event))

    def beat(self) -> None:
        """Draws what is going on just now."""
        with self._lock:
            if self._run and not self._closed:
                self._draw(self._frame(self._run))

    def close(self) -> None:
        """Takes the view off the screen; the lines stay. Safe to call twice, and while somebody draws."""
        self._give_back()
        if not self._lock.acquire(timeout=_CLOSE_S):  # the terminal does not take anything
            return
        try:
            if not self._closed:
                self._closed = True
                with suppress(OSError, ValueError):
                    self._draw([])
        finally:
            self._lock.release()

    def _begin(self, run: Run) -> None:
        from chaos_runner.cli.recent import Recent

        self._recent = {number: Recent(probe) for number, probe in enumerate(run.plan.watched)}
        self._swapped = (sys.stdout, sys.stderr)
        heard = cast("TextIO", Heard(self._stream, self._hear))
        sys.stdout = sys.stderr = heard

    def _give_back(self) -> None:
        if self._swapped:
            sys.stdout, sys.stderr = self._swapped
            self._swapped = None

    def _hear(self, line: str) -> None:
        self._said.append(self._ink.dim(f"        │ {escaped(brief(line))}"))

    def _line(self, t: float, word: str, text: str) -> str:
        width = self._columns_rows()[0]
        indent = 18 if width >= NARROW else 7
        first = indent if width >= NARROW else indent + len(word) + 1
        body = wrapped(escaped(brief(text)), width - 1, indent, first)
        stamp = self._ink.dim(f"{clock(t):>6}")
        return f"{stamp} {coloured(word, self._ink)}{' ' * max(1, 11 - len(word)) if width >= NARROW else ' '}{body}"

    def _columns_rows(self) -> tuple[int, int]:
        try:
            columns, rows = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            columns, rows = 80, 24
        return max(columns or 80, _SMALLEST[0]), max(rows or 24, _SMALLEST[1])

    def _frame(self, run: Run) -> list[Text]:
        columns, rows = self._columns_rows()
        return frame(View(run, max(run.t, monotonic() - self._began_s), self._recent), columns - 1, rows - 1)

    def _draw(self, lines: list[Text]) -> None:
        said = [self._said.popleft() for _ in range(len(self._said))]
        size = self._columns_rows()
        start = self._to_the_top(size)
        above = "".join(f"{line}\r\n" for line in said)
        rows = self._painted(lines, size[0])
        self._drawn, self._size = len(lines), size
        below = "".join(f"{row}\x1b[K\r\n" for row in rows)
        self._stream.write("".join((start, "\x1b[J" if said else "", above, below, "\x1b[J")))
        self._stream.flush()

    def _to_the_top(self, size: tuple[int, int]) -> str:
        """Where the last frame began: the cursor stands below it, where a terminal shows what is typed, "^C" too.

        After a resize nobody knows where that is: then the screen is begun anew.
        """
        if self._drawn and size != self._size:
            return "\x1b[2J\x1b[H"
        return "\r" + (f"\x1b[{self._drawn}A" if self._drawn else "")

    def _painted(self, lines: list[Text], width: int) -> list[str]:
        rich = Rich(file=StringIO(), force_terminal=True, width=width, legacy_windows=False, markup=False, emoji=False,
                    highlight=False, color_system="standard" if self._ink.on else None)
        with rich.capture() as captured:
            rich.print(Text("\n").join(lines), end="", soft_wrap=True)
        return captured.get().split("\n") if lines else []


class Heard:
    """In the place of standard output and error while the view is up: whole lines are heard, nobody ever waits."""

    def __init__(self, stream: TextIO, hear: Any) -> None:
        self._real = stream
        self._hear = hear
        self._rest = ""

    def write(self, text: str) -> int:
        """Takes the text; its whole lines are shown with the next frame."""
        *lines, self._rest = (self._rest + text).split("\n")
        self._rest = self._rest[-4096:]
        for line in lines:
            self._hear(line)
        return len(text)

    def flush(self) -> None:
        """The view is flushed by itself."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)
