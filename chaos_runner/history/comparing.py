"""What is different between two runs, in words and as data: the answers, the numbers, the faults, the plan."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from chaos_runner.history.reading import read_outcome
from chaos_runner.journal.reader import JournalUnreadable, first_record
from chaos_runner.plan.digest import changed, parts_of
from chaos_runner.plan.model import Plan
from chaos_runner.run.events import RestoredState, RunStarted, Verdict
from chaos_runner.run.merge import ORDER
from chaos_runner.run.outcome import FaultOutcome, Outcome, ProbeOutcome
from chaos_runner.run.sentences import value_words
from chaos_runner.units import Unit, spoken_seconds

NOISE: Final = 0.1
"""A number that differs by less than this share of the larger one is not called a change."""
SLIGHT_S: Final = 1.0
"""A time that is longer by less is not called worse than a baseline."""
_STATES: Final = {"held": 0, "unknown": 1, "deviated": 2}
_RESTORED: Final = (RestoredState.NOTHING, RestoredState.RESTORED, RestoredState.REPORTED, RestoredState.UNKNOWN,
                    RestoredState.NOT_RESTORED)
_UNITS: Final = frozenset(Unit)
JOURNAL: Final = "journal.ndjson"


class Difference(Struct, frozen=True, kw_only=True):
    """One thing that is not the same. `turn` is better, worse or changed; `before` and `after` are in words.

    `slight`: a number that differs, and still is about as far from its limit, or about as small, as it was.
    """

    part: str
    name: str
    before: str
    after: str
    turn: str = "changed"
    slight: bool = False

    @property
    def words(self) -> str:
        """The whole of it as one line."""
        what = f"{self.name}: {self.before} → {self.after}" if self.before or self.after else self.name
        return what if self.turn == "changed" else f"{what} ({self.turn})"


class Compared(Struct, frozen=True, kw_only=True):
    """Two runs, the older question first, and everything that differs between them. `notes` is what was not compared.
    """

    before: Outcome
    after: Outcome
    differences: list[Difference]
    notes: list[str]


def compared(before: Path, after: Path) -> Compared:
    """The runs in two folders. Raises OutcomeUnreadable; without readable plans only the outcomes are compared."""
    one, other = read_outcome(before), read_outcome(after)
    try:
        plans = list(_plans(plan_of(before), plan_of(after)))
        notes = []
    except JournalUnreadable as problem:
        plans, notes = [], [f"the plans were not compared: {problem}"]
    return Compared(before=one, after=other, differences=[*differences(one, other), *plans], notes=notes)


def differences(one: Outcome, other: Outcome) -> Iterator[Difference]:
    """What differs between two outcomes, without their plans."""
    return chain(_answers(one, other), _probes(one, other), _times(one, other), _faults(one, other))


def plan_of(folder: Path) -> Plan:
    """The plan that a run followed. Raises JournalUnreadable."""
    event = first_record(folder / JOURNAL).event
    if not isinstance(event, RunStarted):
        raise JournalUnreadable(f"{folder / JOURNAL}:1: a journal begins with the plan of a run, and this is none")
    return event.plan


def told(found: Compared) -> dict[str, Any]:
    """The comparison as data."""
    return {"before": found.before.run, "after": found.after.run, "same": not found.differences,
            "differences": [{"part": one.part, "name": one.name, "before": one.before, "after": one.after,
                             "turn": one.turn} for one in found.differences], "notes": found.notes}


# ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def _answers(one: Outcome, other: Outcome) -> Iterator[Difference]:
    if one.verdict != other.verdict:
        yield Difference(part="verdict", name="verdict", before=one.verdict, after=other.verdict,
                         turn=_turn(_doubt(one.verdict), _doubt(other.verdict)))
    if one.restored != other.restored:
        yield Difference(part="restored", name="restored", before=one.restored, after=other.restored,
                         turn=_turn(_RESTORED.index(one.restored) // 3, _RESTORED.index(other.restored) // 3))
    yield from _plainly("experiment", "title", one.title, other.title)
    yield from _plainly("experiment", "environment", one.environment or "none", other.environment or "none")
    yield from _plainly("experiment", "seed", str(one.seed), str(other.seed))


def _doubt(verdict: Verdict) -> int:
    """Grows with how bad the answer is."""
    return len(ORDER) - ORDER.index(verdict)


def _turn(before: float, after: float) -> str:
    if before == after:
        return "changed"
    return "worse" if after > before else "better"


def _plainly(part: str, name: str, before: str, after: str) -> Iterator[Difference]:
    if before != after:
        yield Difference(part=part, name=name, before=before, after=after)


# ── probes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

def _probes(one: Outcome, other: Outcome) -> Iterator[Difference]:
    before, after = _by_place(one), _by_place(other)
    for name, phase in dict.fromkeys([*before, *after]):
        old, new = before.get((name, phase)), after.get((name, phase))
        said = f"{name}, {phase}"
        if old is None or new is None:
            yield Difference(part="probe", name=said, before=_read(old), after=_read(new))
        else:
            yield from _probe(said, old, new)


def _by_place(found: Outcome) -> dict[tuple[str, str], ProbeOutcome]:
    """Several probes of one name are one row: the last. Names are what people compare."""
    return {(probe.name, str(probe.phase)): probe for probe in found.probes}


def _read(probe: ProbeOutcome | None) -> str:
    return f"{probe.state}, {_worst(probe)}" if probe else "not read"


def _probe(name: str, old: ProbeOutcome, new: ProbeOutcome) -> Iterator[Difference]:
    if old.state != new.state:
        turn = _turn(_STATES.get(old.state, 1), _STATES.get(new.state, 1))
        yield Difference(part="probe", name=name, before=_read(old), after=_read(new), turn=turn)
    elif _differs(old.worst, new.worst):
        yield Difference(part="probe", name=f"{name}, worst value", before=_worst(old), after=_worst(new),
                         turn=_margin_turn(old.margin, new.margin), slight=_stays_within(old, new))
    yield from _plainly("limit", f"{name}, limit", old.limit, new.limit)


def _worst(probe: ProbeOutcome) -> str:
    said = value_words(probe.worst, unit_of(probe.unit))
    if probe.margin is None or probe.bound is None:
        return said
    return f"{said}, {margin_words(probe.margin, probe.unit)}"


def unit_of(name: str) -> Unit:
    """The unit of that name. One that we do not have is none: an outcome may be of another version."""
    return Unit(name) if name in _UNITS else Unit.COUNT


def margin_words(margin: float, unit: str) -> str:
    """How far a value is from its limit: "45 ms inside", "212 ms beyond"."""
    return f"{value_words(abs(margin), unit_of(unit))} {'inside' if margin >= 0 else 'beyond'}"


def _margin_turn(old: float | None, new: float | None) -> str:
    return "changed" if old is None or new is None else _turn(new, old)


def _stays_within(old: ProbeOutcome, new: ProbeOutcome) -> bool:
    """Whether no more of the room below or above the limit is gone than chance takes: a tenth of the limit."""
    if old.margin is None or new.margin is None or new.bound is None:
        return True
    return abs(old.margin - new.margin) <= NOISE * abs(new.bound)


def _differs(old: Any, new: Any) -> bool:
    """Whether two values differ by more than chance would have it."""
    if not _is_number(old) or not _is_number(new):
        return bool(old != new)
    return bool(abs(old - new) > NOISE * max(abs(old), abs(new)))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# ── times, faults, plan ─────────────────────────────────────────────────────────────────────────────────────────────

def _times(one: Outcome, other: Outcome) -> Iterator[Difference]:
    seen = [found.detected.after_s if found.detected else None for found in (one, other)]
    yield from _time("time to detect", seen[0], seen[1])
    yield from _time("time to recover", one.time_to_recover_s, other.time_to_recover_s)


def _time(name: str, before: float | None, after: float | None) -> Iterator[Difference]:
    if _differs(before, after):
        turn = "changed" if before is None or after is None else _turn(before, after)
        slight = before is not None and after is not None and abs(after - before) <= SLIGHT_S
        yield Difference(part="time", name=name, before=_seconds(before), after=_seconds(after), turn=turn,
                         slight=slight)


def _seconds(value: float | None) -> str:
    return "none" if value is None else spoken_seconds(value)


def _faults(one: Outcome, other: Outcome) -> Iterator[Difference]:
    before, after = ({fault.name: fault for fault in found.faults} for found in (one, other))
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            yield Difference(part="fault", name=name, before=_acted(old), after=_acted(new))
        else:
            yield from _plainly("fault", f"{name}, evidence", old.grade, new.grade)
            yield from _plainly("targets", f"{name}, targets", _targets(old), _targets(new))
            yield from _plainly("fault", f"{name}, undone", old.restored or "-", new.restored or "-")


def _acted(fault: FaultOutcome | None) -> str:
    return f"{fault.grade} on {_targets(fault)}" if fault else "did not begin"


def _targets(fault: FaultOutcome) -> str:
    return ", ".join(sorted(fault.targets)) or "none"


def _plans(one: Plan, other: Plan) -> Iterator[Difference]:
    for words in changed(parts_of(one), parts_of(other)):
        yield Difference(part="plan", name=words, before="", after="")
    yield from _plainly("origin", "chaos-runner", one.origin.version, other.origin.version)
    yield from _plainly("origin", "host", one.origin.host, other.origin.host)
    yield from _plainly("origin", "user", one.origin.user, other.origin.user)
