"""The journal of a game day: one line an event, chained by hashes as a run's journal is, on the disk before it counts.

    {"v":1,"n":7,"at":"2026-11-20T11:02:10.123Z","event":{"type":"Noted",…},"hash":"…64 hex digits…"}
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from chaos_runner.clock import rfc3339
from chaos_runner.gameday.day import Day
from chaos_runner.gameday.events import AnyDayEvent, DayBegan, DayEvent
from chaos_runner.journal.lines import Lines
from chaos_runner.journal.reader import JournalUnreadable, chain_of

NAME: Final = "day.ndjson"
VERSION: Final = 1
_BYTES_MOST: Final = 50_000_000


class _Line(Struct, frozen=True):
    v: int
    n: int
    at: str
    event: AnyDayEvent


class _Version(Struct, frozen=True):
    v: int = VERSION


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(_Line)


class DayJournal:
    """The one writer of a day's journal. Whatever `append` was given is on the disk when it returns."""

    def __init__(self, lines: Lines, started: datetime) -> None:
        """From its open file. Use `create` or `resume`."""
        self._lines = lines
        self._started = started

    @classmethod
    def create(cls, path: Path, started: datetime) -> "DayJournal":
        """A new journal. Raises NotDurable."""
        return cls(Lines.create(path), started)

    @classmethod
    def resume(cls, path: Path) -> "DayJournal":
        """A journal whose writer died; a last line that was cut is taken away. Raises NotDurable, JournalUnreadable."""
        whole = chain_of(_text(path), path)
        day = read_day(path)
        return cls(Lines.resume(path, whole), datetime.fromisoformat(day.began.started))

    def append(self, events: Sequence[DayEvent]) -> None:
        """Writes the events and forces them to the disk. Raises NotDurable."""
        self._lines.append([self._line(n, event) for n, event in enumerate(events, self._lines.count)])
        self._lines.force()

    def close(self) -> None:
        """Ends the writing."""
        self._lines.close()

    def _line(self, n: int, event: DayEvent) -> bytes:
        at = rfc3339(self._started + timedelta(seconds=event.t))
        body = _encoder.encode({"v": VERSION, "n": n, "at": at, "event": event})[:-1]
        return b'%s,"hash":"%s"}' % (body, self._lines.chain.seal(body).encode())


def read_day(path: Path) -> Day:
    """The day that a journal tells of. A last line that was cut by a crash is left out. Raises JournalUnreadable."""
    lines = chain_of(_text(path), path).lines
    if not lines:
        raise JournalUnreadable(f"{path}: no whole line; the day ended before anything was done")
    events = [_event(path, number, line) for number, line in enumerate(lines, start=1)]
    first, day = events[0], None
    if not isinstance(first, DayBegan):
        raise JournalUnreadable(f"{path}:1: the journal of a game day begins with its plan, and this does not")
    day = Day.of([first])
    for number, event in enumerate(events[1:], start=2):
        try:
            day = day.after([event])
        except (LookupError, TypeError, ValueError) as problem:
            raise JournalUnreadable(f"{path}:{number}: this cannot have happened after what stands above it "
                                    f"({problem})") from problem
    return day


def _text(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(_BYTES_MOST + 1)
    except OSError as problem:
        raise JournalUnreadable(f"{path}: {problem.strerror}") from problem
    if len(text) > _BYTES_MOST:
        raise JournalUnreadable(f"{path}: too long for a game day")
    return text


def _event(path: Path, number: int, line: bytes) -> DayEvent:
    try:
        if msgspec.json.decode(line, type=_Version).v > VERSION:
            raise JournalUnreadable(f"{path}:{number}: written by a newer chaos-runner: use that one or a later")
        event: DayEvent = _decoder.decode(line).event
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise JournalUnreadable(f"{path}:{number}: no event of a game day ({problem})") from problem
    return event
