"""Reading a journal back: all of it, whatever the moment at which its writer died."""

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from chaos_runner.errors import UsageError
from chaos_runner.journal.record import Record, carried_digest, decode, digest_of
from chaos_runner.run.events import VERSION
from chaos_runner.run.run import Run, fold


class JournalUnreadable(UsageError):
    """The file is no journal, was changed, or is of a newer version. Says the line and what to do."""


def read(path: Path) -> list[Record]:
    """Every whole record. A last line that was cut by a crash is left out. Raises JournalUnreadable."""
    return [_decoded(path, number, line) for number, line in enumerate(whole_lines(path), start=1)]


def whole_lines(path: Path) -> list[bytes]:
    """Every whole line, its hash checked, without its line feed. Raises JournalUnreadable."""
    try:
        text = path.read_bytes()
    except OSError as problem:
        raise JournalUnreadable(f"{path}: {problem.strerror}") from problem
    lines = text.split(b"\n")[:-1]
    _check_chain(path, lines)
    return lines


def started_at(first_line: bytes) -> datetime:
    """When the run began, from a journal's first line."""
    return datetime.fromisoformat(decode(first_line).at)


def read_run(path: Path) -> Run:
    """The run that a journal tells of. Raises JournalUnreadable."""
    records = read(path)
    if not records:
        raise JournalUnreadable(f"{path}: no whole line; the run ended before anything was done")
    return fold(record.event for record in records)


def _check_chain(path: Path, lines: list[bytes]) -> None:
    digest = ""
    for number, line in enumerate(lines, start=1):
        if digest_of(line, digest) != carried_digest(line):
            _refuse_newer(path, line)
            raise JournalUnreadable(f"{path}:{number}: the chain of hashes is broken: the journal was changed or "
                                    "damaged after it was written; restore the file from where it was written")
        digest = carried_digest(line)


def _decoded(path: Path, number: int, line: bytes) -> Record:
    _refuse_newer(path, line)
    try:
        return decode(line)
    except msgspec.DecodeError as problem:
        raise JournalUnreadable(f"{path}:{number}: not a record of a journal: {problem}") from problem


def _refuse_newer(path: Path, line: bytes) -> None:
    if line.startswith(b'{"v":%d,' % VERSION):
        return
    version = _version(line)
    if isinstance(version, int) and version > VERSION:
        raise JournalUnreadable(f"{path}: written by a newer chaos-runner (journal version {version}, this one reads "
                                f"{VERSION}): use that version or a later one")


def _version(line: bytes) -> Any:
    try:
        record = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return None
    return record.get("v") if isinstance(record, dict) else None
