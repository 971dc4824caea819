"""Reading a journal back: all of it, whatever the moment at which its writer died.

Hashes that add up show that nothing was lost, not who wrote them: what a journal says is believed as far as it fits.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any, Final

import msgspec

from chaos_runner.errors import UsageError
from chaos_runner.journal.record import CARRIED, HASHED, Record, decode, decode_all
from chaos_runner.plan.model import Plan
from chaos_runner.run.events import VERSION, Event, RunStarted, Sampled
from chaos_runner.run.run import AT_ONCE, Run

_NO_RECORD: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_MISFITS: Final = (LookupError, OverflowError, TypeError, ValueError)
"""What the fold raises on an event that cannot have come after those before it."""
_OURS: Final = b'{"v":%d,' % VERSION
_LATEST_S: Final = 1e10
"""No run is three hundred years old."""
Steps = frozenset[str]
"""The keys of a run's steps."""


class JournalUnreadable(UsageError):
    """The file is no journal, was changed, or is of a newer version. Says the line and what to do."""


def read(path: Path) -> list[Record]:
    """Every whole record. A last line that was cut by a crash is left out. Raises JournalUnreadable."""
    text = _text(path)
    with suppress(*_NO_RECORD):
        if _is_sound(text):
            return decode_all(text)
    return records_of(chain_of(text, path)[0], path)


def records_of(lines: Sequence[bytes], path: Path | str) -> list[Record]:
    """The records in these lines. Raises JournalUnreadable."""
    with suppress(*_NO_RECORD):
        if all(line.startswith(_OURS) for line in lines):
            return decode_all(b"\n".join(lines))
    return [_decoded(path, number, line) for number, line in enumerate(lines, start=1)]  # which names the line


def whole_lines(path: Path) -> list[bytes]:
    """Every whole line, its hash checked, without its line feed. Raises JournalUnreadable."""
    return chain_of(_text(path), path)[0]


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise JournalUnreadable(f"{path}: {problem.strerror}") from problem


def chain_of(text: bytes, path: Path | str) -> tuple[list[bytes], bool]:
    """The whole lines of a journal that was read, their hashes checked, and whether a last one was cut.

    Raises JournalUnreadable.
    """
    *lines, rest = text.split(b"\n")
    _check_chain(path, lines)
    return lines, bool(rest)


def first_record(path: Path) -> Record:
    """The record that a journal begins with, its hash checked; the rest is not looked at. Raises JournalUnreadable."""
    try:
        with path.open("rb") as journal:
            line = journal.readline()
    except OSError as problem:
        raise JournalUnreadable(f"{path}: {problem.strerror}") from problem
    if not line.endswith(b"\n"):
        raise JournalUnreadable(f"{path}: no whole line; the run ended before anything was done")
    _check_chain(path, [line[:-1]])
    return _decoded(path, 1, line[:-1])


def started_at(first_line: bytes) -> datetime:
    """When the run began, from a journal's first line."""
    return datetime.fromisoformat(decode(first_line).at)


def read_run(path: Path) -> Run:
    """The run that a journal tells of. Raises JournalUnreadable."""
    return run_of(read(path), path)


def run_of(records: Sequence[Record], path: Path | str) -> Run:
    """The run that these records of a journal tell of. Raises JournalUnreadable when they do not fit together."""
    if not records:
        raise JournalUnreadable(f"{path}: no whole line; the run ended before anything was done")
    first = records[0].event
    if not isinstance(first, RunStarted) or not _is_whole(first.plan):
        raise JournalUnreadable(f"{path}:1: a journal begins with the plan of a run, and this is none")
    run, steps = Run.of(first), frozenset(step.key for step in first.plan.experiment.steps)
    events = [record.event for record in records[1:]]
    try:
        return _at_once(run, steps, events)
    except _MISFITS:
        return _one_by_one(run, steps, events, path)


def _one_by_one(run: Run, steps: Steps, events: Sequence[Event], path: Path | str) -> Run:
    """The run after these events. Raises JournalUnreadable, which names the line of the first that does not fit."""
    for number, event in enumerate(events, start=2):
        try:
            _check_names(steps, event)
            run = run.after(event)
        except _MISFITS as problem:
            raise JournalUnreadable(f"{path}:{number}: this cannot have happened after what stands above it "
                                    f"({type(problem).__name__}: {problem})") from problem
    return run


def _at_once(run: Run, steps: Steps, events: Sequence[Event]) -> Run:
    """The run after these events, much sooner than one by one. Raises any of _MISFITS."""
    for begin in range(0, len(events), AT_ONCE):
        some = events[begin:begin + AT_ONCE]
        times = [event.t for event in some]
        if not (isfinite(sum(times)) and min(times) >= 0 and max(times) < _LATEST_S):
            raise ValueError("no time")
        for event in some:
            if type(event) is not Sampled:
                _check_names(steps, event)
        run = run.after_all(some)
    return run


def _is_whole(plan: Plan) -> bool:
    """Whether its times are times, and its steps are called as they are counted."""
    asked = plan.experiment
    counted = [f"{letter}{number}" for letter, steps in (("m", asked.method), ("r", asked.rollbacks))
               for number in range(len(steps))]
    faults = {step.key for step in asked.method if step.is_fault}
    try:
        moments = [datetime.fromisoformat(text) + timedelta(seconds=plan.longest_s)
                   for text in (plan.started, plan.expires)]
    except (ValueError, OverflowError):
        return False
    keys = [step.key for step in asked.steps]
    return all(moment.tzinfo for moment in moments) and keys == counted and faults == set(plan.cards)


def _check_names(steps: Steps, event: Event) -> None:
    """Raises LookupError or ValueError for a step or a time that is none; probes and entries the fold looks up."""
    if isinstance(event, RunStarted):
        raise LookupError("a run begins once")
    if not isfinite(event.t) or not 0 <= event.t < _LATEST_S:
        raise ValueError(f"no time: {event.t}")
    step = getattr(event, "step", None)
    if step is not None and step not in steps:
        raise LookupError(f"no step {step[:20]}")


def _is_sound(text: bytes) -> bool:
    """Whether all lines are whole, of this version, and carry the right hash: nearly always so, and soon seen."""
    before, begin = b"", 0
    while begin < len(text):
        end = text.find(b"\n", begin)
        carried = text[end + CARRIED.start:end + CARRIED.stop]
        if not text.startswith(_OURS, begin, end) or _digest(before + text[begin:end + HASHED.stop]) != carried:
            return False
        before, begin = carried, end + 1
    return True


def _digest(data: bytes) -> bytes:
    return sha256(data).hexdigest().encode()


def _check_chain(path: Path | str, lines: list[bytes]) -> None:
    digest = b""
    for number, line in enumerate(lines, start=1):
        carried = line[CARRIED]
        if _digest(digest + line[HASHED]) != carried:
            _refuse_newer(path, line)
            raise JournalUnreadable(f"{path}:{number}: the chain of hashes is broken: the journal was changed or "
                                    "damaged after it was written; restore the file from where it was written")
        digest = carried


def _decoded(path: Path | str, number: int, line: bytes) -> Record:
    _refuse_newer(path, line)
    try:
        return decode(line)
    except _NO_RECORD as problem:
        raise JournalUnreadable(f"{path}:{number}: not a record of a journal: {problem}") from problem


def _refuse_newer(path: Path | str, line: bytes) -> None:
    if line.startswith(_OURS):
        return
    version = _version(line)
    if isinstance(version, int) and version > VERSION:
        raise JournalUnreadable(f"{path}: written by a newer chaos-runner (journal version {version}, this one reads "
                                f"{VERSION}): use that version or a later one")


def _version(line: bytes) -> Any:
    try:
        record = msgspec.json.decode(line)
    except _NO_RECORD:
        return None
    return record.get("v") if isinstance(record, dict) else None
