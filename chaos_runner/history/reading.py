"""Reading a run's outcome back, of this version or an older one. What cannot be read says why."""

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from chaos_runner.errors import UsageError
from chaos_runner.recovery.phase import NEVER_BEGUN
from chaos_runner.run.outcome import SCHEMA, Outcome

OUTCOME: Final = "outcome.json"
_decoder: Final = msgspec.json.Decoder(Outcome)


class OutcomeUnreadable(UsageError):
    """There is no outcome, or it is damaged, or of a newer chaos-runner. Says which, and what to do."""


class _Versioned(Struct):
    schema: int


def read_outcome(folder: Path, name: str = "") -> Outcome:
    """The outcome in a run's folder. Raises OutcomeUnreadable, which calls it by that name, or by its path."""
    file = folder / OUTCOME
    name = name or str(file)
    try:
        return outcome_of(file.read_bytes(), name)
    except FileNotFoundError as missing:
        never = (folder / NEVER_BEGUN).exists()
        why = ("the run never began, and nothing was injected" if never else
               f"the run goes on, or its runner died (chaos-runner recover {folder.name})")
        raise OutcomeUnreadable(f"{name}: there is none; {why}") from missing
    except OSError as problem:
        raise OutcomeUnreadable(f"{name}: {problem.strerror}") from problem


def outcome_of(data: bytes, name: str) -> Outcome:
    """The outcome in these bytes. Raises OutcomeUnreadable, which calls them by that name."""
    try:
        found = _decoder.decode(data)
    except (msgspec.DecodeError, RecursionError) as problem:
        _refuse_newer(_schema(data), name)
        raise OutcomeUnreadable(f"{name}: damaged ({problem}); chaos-runner report makes a run's files again from "
                                "its journal") from problem
    _refuse_newer(found.schema, name)
    return found


def _schema(data: bytes) -> int:
    try:
        return msgspec.json.decode(data, type=_Versioned).schema
    except (msgspec.DecodeError, RecursionError):
        return SCHEMA


def _refuse_newer(schema: int, name: str) -> None:
    if schema > SCHEMA:
        raise OutcomeUnreadable(f"{name}: written by a newer chaos-runner (schema {schema}, this one reads {SCHEMA}): "
                                "use that version or a later one")
