"""What is told of a platform that was looked over."""

from collections.abc import Iterable
from typing import Final, Protocol

from msgspec import Struct

from chaos_runner import shelf
from chaos_runner.mark import parse
from chaos_runner.recovery.scan import ONLY_SHOWN, Rules, Scanned
from chaos_runner.targets.leftover import Bearer, Leftover

_OVER: Final = "is as a run left it that can no longer live"


class Ours(Struct, frozen=True, kw_only=True):
    """Something that bears our mark. `held`: a run that may still live has it. `undone`: by this very look."""

    what: str
    fault: str
    run: str
    expires: str
    says: str
    undo: str
    held: bool = False
    undone: bool = False


class Checkup(Struct, frozen=True, kw_only=True):
    """What was found at one address of a platform, and why the rest could not be looked at."""

    where: str
    ours: list[Ours]
    others: list[Leftover]
    unread: list[str]

    @property
    def ours_left(self) -> bool:
        """Whether something of ours is left that no living run can hold."""
        return any(not one.held and not one.undone for one in self.ours)


class LookOver(Protocol):
    """Looks over one address of a platform."""

    def __call__(self, where: str, rules: Rules, *, fix: bool) -> Checkup:
        """Everything that is left there. With `fix` what our runs left is undone, where none that lives can hold it;
        what others left never is. Raises UsageError.
        """


def of_scan(scanned: Scanned, rules: Rules, command: str) -> list[Ours]:
    """What faults of ours know how to bring back; `command` does it."""
    found = []
    for row in scanned.runs:
        for one in (*row.shown, *row.unrestored):
            mark = parse(one.mark)
            expires = mark.expires if mark else ""
            held = mark is not None and not mark.expired(rules.now)
            undo = one.by_hand if one in row.unrestored else command
            found.append(Ours(what=one.target, fault=one.fault, run=row.run, expires=expires, held=held, undo=undo,
                              says=_OVER if one.why == ONLY_SHOWN else one.why))
        found += [Ours(what=label, fault="", run=row.run, expires="", says="undone and verified", undo="", undone=True)
                  for label in row.undone]
        found += [Ours(what=label, fault="", run=row.run, expires="", undone=True, undo="",
                       says="changed by someone else, left as it is") for label in row.drift]
    return found


def strangers(bearers: Iterable[Bearer], scanned: Scanned, rules: Rules) -> list[Ours]:
    """What bears a mark that no fault here claims: of another version, or made up. It is for a person to look at."""
    known = {(one.target, one.mark) for row in scanned.runs for one in (*row.shown, *row.unrestored)}
    found = []
    for one in bearers:
        mark = parse(one.mark)
        if (one.label, one.mark) not in known:
            found.append(Ours(
                what=one.label, fault=one.fault, run=mark.run if mark else "", expires=mark.expires if mark else "",
                says=_strange(one.fault), undo="", held=mark is not None and not mark.expired(rules.now)))
    return found


def _strange(fault: str) -> str:
    if not fault:
        return "bears our mark, which says nothing that can be read"
    there = fault in shelf.fault_names()
    return f"bears a mark of {fault}, which {'marks no such object' if there else 'this version does not have'}"
