"""Finding what runs have left by the marks on a platform, on a machine that has no journal of them, and undoing it.

Marks are untrusted: whoever can write to the platform can write a mark. So nothing is done but the shelf's own undo of
the fault, on the very target that bears the mark, after that undo has compared it with what is there.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from chaos_runner import shelf
from chaos_runner.contracts import Answer, Fault, Holding, Marked, PartlyRead, Restored, Scannable
from chaos_runner.errors import ActFailed, ChaosRunnerError, Gone, Refused, UsageError
from chaos_runner.journal.lock import holder
from chaos_runner.mark import NO_KEY, Key

ONLY_SHOWN: Final = "only asked to be shown"
Look = Callable[[str], list[Marked]]
"""What finds marks at an address."""


class Rules(Struct, frozen=True, kw_only=True):
    """Which marks are undone; the others are only shown.

    `reports` tells which runs live on this machine. Without `expired_only` a run elsewhere loses its faults.
    """

    now: datetime
    reports: Path
    key: Key = NO_KEY
    expired_only: bool = False
    show_only: bool = False

    def against(self, found: Marked) -> str:
        """Why this mark is not undone. Empty when it is."""
        if found.doubt:
            return found.doubt
        if holder(self.reports / "runs" / found.mark.run) is not None:
            return "its run lives on this machine"
        if self.key and not found.mark.is_signed_by(self.key, found.fault, found.target):
            return "not signed with our key for this fault on this target"
        if self.expired_only and not found.mark.expired(self.now):
            return f"its run may live until {found.mark.expires}"
        return ONLY_SHOWN if self.show_only else ""


class Shown(Struct, frozen=True, kw_only=True):
    """A mark that was not undone, or whose undo has not brought its target back: why, and how a person would do it."""

    target: str
    fault: str
    where: str
    mark: str
    why: str
    by_hand: str = ""


class Row(Struct, frozen=True, kw_only=True):
    """What was found of one run.

    `restored` is "restored" or "not-restored", "unknown" where a target could not be read, "shown" where nothing was
    undone.
    """

    run: str
    undone: list[str]
    drift: list[str]
    restored: str
    shown: list[Shown]
    unrestored: list[Shown]


class Unread(Struct, frozen=True, kw_only=True):
    """An address of the platform that could not be looked at, and why."""

    where: str
    error: str


class Scanned(Struct, frozen=True, kw_only=True):
    """All that was found, run by run, and what could not be looked at."""

    runs: list[Row]
    unread: list[Unread]

    @property
    def left(self) -> bool:
        """Whether something is left that was to be undone, or may be."""
        return bool(self.unread) or any(row.restored in ("not-restored", "unknown") for row in self.runs)


class _Settled(Struct, frozen=True, kw_only=True):
    """One mark, and what became of it: shown for a reason, or undone with this answer (None: it cannot be read)."""

    found: Marked
    why: str
    answer: Answer | None = None
    by_hand: str = ""
    left_alone: bool = False

    @property
    def told(self) -> Shown:
        found = self.found
        return Shown(target=found.act.label, fault=found.fault, where=found.where, mark=str(found.mark), why=self.why,
                     by_hand=self.by_hand)


def scan(platform: str, where: Sequence[str], rules: Rules) -> Scanned:
    """Finds every mark at these addresses, undoes those that the rules give free, newest step first, and verifies.

    One bad mark, or one address without an answer, does not keep the others from it. Raises UsageError for a platform
    on which nothing is marked, and for an address that is none.
    """
    found: dict[tuple[str, str], Marked] = {}
    unread: list[Unread] = []
    looks = [*(fault.marked for fault in _scannable(platform)), *_held(platform)]
    for address in where:
        there, missed = _at(looks, address)
        found |= _marks(there)
        unread += [Unread(where=address, error=one) for one in missed]
    ordered = sorted(found.values(), key=lambda one: (one.mark.run, -one.mark.number))
    rows = [_row(run, [_settle(one, rules) for one in marks])
            for run, marks in groupby(ordered, key=lambda one: one.mark.run)]
    return Scanned(runs=rows, unread=unread)


def platforms() -> list[str]:
    """The platforms on which faults leave marks. Imports every fault."""
    return sorted({name.partition(".")[0] for name in shelf.fault_names() if isinstance(shelf.fault(name), Scannable)})


def _scannable(platform: str) -> list[Scannable]:
    names = [name for name in shelf.fault_names() if name.startswith(f"{platform}.")]
    found: list[Scannable] = [fault for name in names if isinstance(fault := shelf.fault(name), Scannable)]
    if not found:
        raise UsageError(f"no fault leaves marks on {platform!r}; there are marks on: {', '.join(platforms())}")
    return found


def _held(platform: str) -> list[Look]:
    """What finds all that runs hold there: any one fault that holds knows of every other's, and of no stranger's."""
    holding = {name: fault for name in shelf.fault_names()
               if name.startswith(f"{platform}.") and isinstance(fault := shelf.fault(name), Holding)}
    any_one = next(iter(holding.values()), None)
    return [lambda address: [one for one in any_one.held(address) if one.fault in holding]] if any_one else []


def _at(looks: Iterable[Look], address: str) -> tuple[list[Marked], list[str]]:
    """The marks at one address, and why some of it could not be looked at. Where nobody answers, one asks once."""
    found: list[Marked] = []
    unread: list[str] = []
    for look in looks:
        try:
            found += look(address)
        except PartlyRead as problem:
            found += problem.found
            unread += problem.unread
        except (Gone, Refused) as problem:
            unread.append(str(problem))
        except ActFailed as problem:
            return found, [*dict.fromkeys(unread), str(problem)]
    return found, list(dict.fromkeys(unread))


def _marks(found: Iterable[Marked]) -> dict[tuple[str, str], Marked]:
    """By target and mark: two names of one fault find the same."""
    return {(msgspec.json.encode(one.act.target, order="sorted").decode(), str(one.mark)): one for one in found}


def _settle(found: Marked, rules: Rules) -> _Settled:
    fault = shelf.fault(found.fault)
    by_hand = "" if found.doubt or found.hold else fault.by_hand(found.act)
    why = rules.against(found)
    if why:
        return _Settled(found=found, why=why, by_hand=by_hand, left_alone=True)
    if found.hold:
        return _released(fault, found)
    failed = _undo(fault, found)
    try:
        back = fault.verify(found.act)
    except ChaosRunnerError as problem:
        return _Settled(found=found, why=failed or str(problem), by_hand=by_hand)
    return _Settled(found=found, why=_why(failed, back), answer=back.answer, by_hand=by_hand)


def _released(fault: Fault[Any, Any], found: Marked) -> _Settled:
    assert isinstance(fault, Holding)  # noqa: S101 -- only such faults are asked what is held
    try:
        return _Settled(found=found, why="", answer=fault.release(found.act).answer)
    except ChaosRunnerError as problem:
        return _Settled(found=found, why=str(problem))


def _undo(fault: Fault[Any, Any], found: Marked) -> str:
    """Why it did not work. Whether it did is for verify to say."""
    try:
        fault.undo(found.act)
    except ChaosRunnerError as problem:
        return str(problem)
    return ""


def _why(failed: str, back: Restored) -> str:
    return failed if failed and back.answer is Answer.NOT_RESTORED else back.diff


def _row(run: str, settled: Sequence[_Settled]) -> Row:
    tried = [one for one in settled if not one.left_alone]
    return Row(
        run=run, undone=list(_labels(tried, Answer.RESTORED, Answer.GONE)), drift=list(_labels(tried, Answer.DRIFT)),
        restored=_restored(tried), shown=[one.told for one in settled if one.left_alone],
        unrestored=[one.told for one in tried if one.answer in (None, Answer.NOT_RESTORED)])


def _labels(settled: Iterable[_Settled], *answers: Answer) -> Iterator[str]:
    return (one.found.act.label for one in settled if one.answer in answers)


def _restored(tried: Sequence[_Settled]) -> str:
    answers = {one.answer for one in tried}
    if Answer.NOT_RESTORED in answers:
        return "not-restored"
    if None in answers:
        return "unknown"
    return "restored" if answers else "shown"
