"""Reading a journal back: all of it, whatever the moment at which its writer died.

Hashes that add up show that nothing was lost, not who wrote them: what a journal says is believed as far as it fits.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from chaos_runner.errors import UsageError
from chaos_runner.journal.beside import Look, beside
from chaos_runner.journal.record import (
    HASH_LENGTH,
    HASHED,
    SAMPLE,
    Chain,
    Record,
    carried_digest,
    decode,
    decode_all,
    is_sample,
    is_sealed,
)
from chaos_runner.plan.model import Plan
from chaos_runner.run.events import VERSION, Event, RunStarted, Sampled
from chaos_runner.run.run import AT_ONCE, Run

_NO_RECORD: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_MISFITS: Final = (LookupError, OverflowError, TypeError, ValueError)
"""What the fold raises on an event that cannot have come after those before it."""
_OURS: Final = b'{"v":%d,' % VERSION
_SEAL: Final = b',"hash":"'
_SEAL_END: Final = b'"}\n'
_SEAL_LENGTH: Final = len(_SEAL) + HASH_LENGTH + len(_SEAL_END)
_MUCH: Final = 1_000_000
"""Bytes whose hashes take several times as long as to copy a process: 5 ms and 1 ms."""
_LATEST_S: Final = 1e10
"""No run is three hundred years old."""
Steps = frozenset[str]
"""The keys of a run's steps."""


class JournalUnreadable(UsageError):
    """The file is no journal, was changed, or is of a newer version. Says the line and what to do."""


class Whole(NamedTuple):
    """The whole lines of a journal, without their line feeds, the chain along them, and whether a last one was cut."""

    lines: Sequence[bytes]
    chain: Chain
    cut: bool = False


def read(path: Path) -> tuple[Run, list[Record]]:
    """The run that a journal tells of, and every whole record: a last line that was cut by a crash is left out. Raises
    JournalUnreadable.
    """
    text = _text(path)
    is_sound = partial(_is_sound, text)
    return _told(text, path, beside(is_sound) if len(text) >= _MUCH else is_sound)


def _told(text: bytes, path: Path, is_sound: Look) -> tuple[Run, list[Record]]:
    with suppress(JournalUnreadable, *_NO_RECORD):
        records = decode_all(text)
        run = run_of(records, path)
        if is_sound():
            return run, records
    records = records_of(chain_of(text, path).lines, path)
    return run_of(records, path), records


def records_of(lines: Sequence[bytes], path: Path | str) -> list[Record]:
    """The records in these lines. Raises JournalUnreadable."""
    with suppress(*_NO_RECORD):
        return decode_all(b"\n".join(lines))
    return [_decoded(path, number, line) for number, line in enumerate(lines, start=1)]  # which names the line


def whole_of(path: Path) -> Whole:
    """What stands in a journal, its hashes checked. Raises JournalUnreadable."""
    return chain_of(_text(path), path)


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise JournalUnreadable(f"{path}: {problem.strerror}") from problem


def chain_of(text: bytes, path: Path | str) -> Whole:
    """The whole lines of a journal that was read, their hashes checked. Raises JournalUnreadable."""
    *lines, rest = text.split(b"\n")
    return Whole(lines, _followed(path, lines), bool(rest))


def first_record(path: Path) -> Record:
    """The record that a journal begins with, its hash checked; the rest is not looked at. Raises JournalUnreadable."""
    try:
        with path.open("rb") as journal:
            line = journal.readline()
    except OSError as problem:
        raise JournalUnreadable(f"{path}: {problem.strerror}") from problem
    if not line.endswith(b"\n"):
        raise JournalUnreadable(f"{path}: no whole line; the run ended before anything was done")
    _followed(path, [line[:-1]])
    return _decoded(path, 1, line[:-1])


def started_at(first_line: bytes) -> datetime:
    """When the run began, from a journal's first line."""
    return datetime.fromisoformat(decode(first_line).at)


def read_run(path: Path) -> Run:
    """The run that a journal tells of. Raises JournalUnreadable.

    No copy of the process checks the hashes: who reads so may hold locks, and would hold them in the copy too.
    """
    text = _text(path)
    run, _ = _told(text, path, partial(_is_sound, text))
    return run


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
    """Whether all lines are whole and sealed with the right hashes: nearly always so, and soon seen, without a copy."""
    view, before, begin, at = memoryview(text), b"", 0, -1
    while (at := text.find(_SEAL, at + 1)) >= 0:
        end = at + _SEAL_LENGTH
        if text[end - 3:end] != _SEAL_END:
            continue  # a key of that name, inside an event
        sealed = sha256(before)
        sealed.update(view[begin:at])
        before = text[at + len(_SEAL):end - 3]
        if sealed.hexdigest().encode() != before or not _are_samples(text, begin, text.rfind(b"\n", begin, at) + 1):
            return False
        begin = end
    return text[-1:] in (b"", b"\n") and _are_samples(text, begin, len(text))


def _are_samples(text: bytes, begin: int, end: int) -> bool:
    """Whether all lines there, which carry no hash, are samples."""
    return text.count(SAMPLE, begin, end) == text.count(b"\n", begin, end)


def _followed(path: Path | str, lines: Sequence[bytes]) -> Chain:
    """The chain along these lines, which it holds together. Raises JournalUnreadable."""
    chain, sealed = Chain(), 0
    for number, line in enumerate(lines, start=1):
        if not is_sealed(line) and is_sample(line):
            chain.pass_over(line)
            continue
        if chain.seal(line[HASHED]) != carried_digest(line):
            _refuse_newer(path, line)
            raise JournalUnreadable(_broken(path, lines[sealed:number], sealed))
        sealed = number
    return chain


def _broken(path: Path | str, lines: Sequence[bytes], sealed: int) -> str:
    """What is wrong with lines that one hash seals, of which `sealed` more are right: at the first that does not count
    on, else anywhere in them.
    """
    last = sealed + len(lines)
    strange = (number for number, line in enumerate(lines, sealed + 1) if b'"n":%d,' % (number - 1) not in line[:30])
    where = f"line {last}" if len(lines) == 1 else f"lines {sealed + 1} to {last}"
    return (f"{path}:{next(strange, last)}: the chain of hashes is broken: {where} of the journal was changed or "
            "damaged after it was written; restore the file from where it was written")


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
