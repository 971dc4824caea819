"""What the history keeps of a run, and of each of its probes in each phase. A table's columns are its row's fields."""

from datetime import datetime
from math import isfinite
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import astuple

from chaos_runner.run.events import RestoredState
from chaos_runner.run.merge import ORDER
from chaos_runner.run.outcome import Outcome, ProbeOutcome

_NOT_BACK: Final = (RestoredState.NOT_RESTORED, RestoredState.UNKNOWN)
NOT_RESTORED_BELOW: Final = len(ORDER)
_WORD_MOST: Final = 200
_SENTENCE_MOST: Final = 1000


class RunRow(Struct, frozen=True):
    """One run. Times are RFC 3339 in UTC, `_s` are seconds; the lower the `rank`, the worse."""

    run: str
    title: str
    file: str
    digest: str
    environment: str
    verdict: str
    restored: str
    exit: int
    started: str
    ended: str
    took_s: float
    sentence: str
    faults: int
    detected_s: float | None
    recovered_s: float | None
    rank: int


class ProbeRow(Struct, frozen=True):
    """One probe in one phase. `worst` is a number, or None beside what `worst_words` says."""

    run: str
    phase: str
    position: int
    name: str
    state: str
    samples: int
    bad: int
    missing: int
    worst: float | None
    worst_words: str
    unit: str
    limit_words: str
    bound: float | None
    margin: float | None
    bad_s: float
    detect_s: float | None
    recover_s: float | None


def run_row(found: Outcome) -> RunRow:
    """The row of a run."""
    return RunRow(
        found.run, found.title, found.file, found.digest, found.environment, str(found.verdict), str(found.restored),
        found.exit, found.started, found.ended, _took_s(found), found.sentence[:_SENTENCE_MOST],
        len(found.faults), found.detected.after_s if found.detected else None, found.time_to_recover_s, _rank(found))


def probe_rows(found: Outcome) -> list[ProbeRow]:
    """The rows of its probes, in the outcome's order."""
    return [_probe(found.run, position, probe) for position, probe in enumerate(found.probes)]


def columns(row: RunRow | ProbeRow) -> tuple[Any, ...]:
    """The row as a table's values."""
    return astuple(row)


def _probe(run: str, position: int, probe: ProbeOutcome) -> ProbeRow:
    worst = _number(probe.worst)
    words = "" if worst is not None or probe.worst is None else str(probe.worst)[:_WORD_MOST]
    return ProbeRow(run, str(probe.phase), position, probe.name, probe.state, probe.samples, probe.bad, probe.missing,
                    worst, words, probe.unit, probe.limit, probe.bound, probe.margin, probe.bad_s,
                    probe.time_to_detect_s, probe.time_to_recover_s)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if isfinite(value) else None
    except OverflowError:
        return None


def _took_s(found: Outcome) -> float:
    try:
        return (datetime.fromisoformat(found.ended) - datetime.fromisoformat(found.started)).total_seconds()
    except (ValueError, TypeError):
        return 0.0


def _rank(found: Outcome) -> int:
    """Not restored before everything else, then the order in which verdicts are merged."""
    return ORDER.index(found.verdict) + (0 if found.restored in _NOT_BACK else NOT_RESTORED_BELOW)
