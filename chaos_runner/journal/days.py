"""The journal of a game day: one line an event, chained by hashes as a run's journal is, on the disk before it counts.

    {"v":1,"n":7,"at":"2026-11-20T11:02:10.123Z","event":{"type":"Noted",…},"hash":"…64 hex digits…"}
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from chaos_runner.clock import rfc3339
from chaos_runner.errors import NotDurable
from chaos_runner.gameday.day import Day
from chaos_runner.gameday.events import AnyDayEvent, DayBegan, DayEvent
from chaos_runner.journal.reader import JournalUnreadable, Whole, chain_of
from chaos_runner.journal.record import Chain
from chaos_runner.journal.writer import cut_to, force, opened, write_all

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

    def __init__(self, path: Path, file: int, started: datetime, whole: Whole) -> None:
        """From an open file that holds these lines. Use `create` or `resume`."""
        self.path = path
        self._file = file
        self._started = started
        self._count = len(whole.lines)
        self._chain = whole.chain

    @classmethod
    def create(cls, path: Path, started: datetime) -> "DayJournal":
        """A new journal. Raises NotDurable."""
        return cls(path, opened(path, os.O_CREAT | os.O_EXCL), started, Whole([], Chain()))

    @classmethod
    def resume(cls, path: Path) -> "DayJournal":
        """A journal whose writer died; a last line that was cut is taken away. Raises NotDurable, JournalUnreadable."""
        whole = chain_of(_text(path), path)
        day = read_day(path)
        file = opened(path, 0)
        cut_to(path, file, sum(len(line) + 1 for line in whole.lines))
        return cls(path, file, datetime.fromisoformat(day.began.started), whole)

    def append(self, events: Sequence[DayEvent]) -> None:
        """Writes the events and forces them to the disk. Raises NotDurable."""
        try:
            write_all(self._file, b"".join(map(self._line, events)))
            force(self._file)
        except OSError as problem:
            raise NotDurable(f"the journal {self.path} cannot be written: {problem.strerror}") from problem

    def close(self) -> None:
        """Ends the writing."""
        with suppress(OSError):
            os.close(self._file)

    def _line(self, event: DayEvent) -> bytes:
        at = rfc3339(self._started + timedelta(seconds=event.t))
        body = _encoder.encode({"v": VERSION, "n": self._count, "at": at, "event": event})[:-1]
        self._count += 1
        return b'%s,"hash":"%s"}\n' % (body, self._chain.seal(body).encode())


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
