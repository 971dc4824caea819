"""Reading a journal back: all of it, whatever the moment at which its writer died.

Hashes that add up show that nothing was lost, not who wrote them: what a journal says is believed as far as it fits.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import groupby
from math import isfinite
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import msgspec

from chaos_runner.errors import UsageError
from chaos_runner.journal.record import CARRIED, HASHED, Record, decode, decode_all
from chaos_runner.plan.model import Plan
from chaos_runner.run.events import VERSION, Event, RunStarted, Sampled
from chaos_runner.run.run import Run

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
    return records_of(whole_lines(path), path)


def records_of(lines: Sequence[bytes], path: Path | str) -> list[Record]:
    """The records in these lines. Raises JournalUnreadable."""
    try:
        if all(line.startswith(_OURS) for line in lines):
            return decode_all(b"\n".join(lines))
    except _NO_RECORD:
        pass
    return [_decoded(path, number, line) for number, line in enumerate(lines, start=1)]  # which names the line


def whole_lines(path: Path) -> list[bytes]:
    """Every whole line, its hash checked, without its line feed. Raises JournalUnreadable."""
    try:
        text = path.read_bytes()
    except OSError as problem:
        raise JournalUnreadable(f"{path}: {problem.strerror}") from problem
    return chain_of(text, path)[0]


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
    number = 2
    for kind, row in groupby((record.event for record in records[1:]), type):
        events = list(row)
        run = (_after_samples if kind is Sampled else _after)(run, steps, events, _Line(path, number))
        number += len(events)
    return run


class _Line(NamedTuple):
    """Where the first of some events stands."""

    path: Path | str
    number: int


def _after(run: Run, steps: Steps, events: Sequence[Event], line: _Line) -> Run:
    """The run after these events, one by one. Raises JournalUnreadable at the first that does not fit."""
    for number, event in enumerate(events, start=line.number):
        try:
            _check_names(steps, event)
            run = run.after(event)
        except _MISFITS as problem:
            raise JournalUnreadable(f"{line.path}:{number}: this cannot have happened after what stands above it "
                                    f"({type(problem).__name__}: {problem})") from problem
    return run


def _after_samples(run: Run, steps: Steps, samples: Sequence[Event], line: _Line) -> Run:
    """The run after these samples, all at once, which is much sooner; where one does not fit, one by one to name it."""
    taken = cast("Sequence[Sampled]", samples)
    try:
        if all(isfinite(sample.t) and 0 <= sample.t < _LATEST_S for sample in taken):
            return run.after_samples(taken)
    except _MISFITS:
        pass
    return _after(run, steps, samples, line)


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


def _check_chain(path: Path | str, lines: list[bytes]) -> None:
    digest = b""
    for number, line in enumerate(lines, start=1):
        carried = line[CARRIED]
        if sha256(digest + line[HASHED]).hexdigest().encode() != carried:
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
