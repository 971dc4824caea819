"""Looking over a platform for what was left there: by our runs, whose marks tell the way back, and by others."""

import shlex
from collections.abc import Sequence
from typing import Final

from msgspec import Struct, structs

from chaos_runner import shelf
from chaos_runner.errors import ActFailed, Refused
from chaos_runner.mark import parse
from chaos_runner.recovery.scan import ONLY_SHOWN, Rules, Scanned, scan
from chaos_runner.targets.kubernetes.access import ApiUnreachable, cluster
from chaos_runner.targets.kubernetes.kinds import EVENT, KINDS
from chaos_runner.targets.kubernetes.left.everything import leftovers
from chaos_runner.targets.kubernetes.left.leftover import Leftover
from chaos_runner.targets.kubernetes.marks import Bearer, bearers

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


def look_over(context: str, rules: Rules, *, fix: bool) -> Checkup:
    """Everything that is left in the cluster of that context. With `fix` what our runs left is undone, where none that
    lives can hold it; what others left never is. Raises UsageError.
    """
    at = cluster(context)
    scanned = scan("kubernetes", [at.context], structs.replace(rules, expired_only=True, show_only=not fix))
    unread = [one.error for one in scanned.unread]
    others, missed = leftovers(at, rules.now)
    ours = [*_found(scanned, rules, at.context), *_strangers(at.context, scanned, rules, unread)]
    return Checkup(where=at.context, ours=ours, others=others, unread=list(dict.fromkeys([*unread, *missed])))


def _found(scanned: Scanned, rules: Rules, context: str) -> list[Ours]:
    """What faults of ours know how to bring back."""
    found = []
    for row in scanned.runs:
        for one in (*row.shown, *row.unrestored):
            mark = parse(one.mark)
            expires = mark.expires if mark else ""
            held = mark is not None and not mark.expired(rules.now)
            undo = one.by_hand if one in row.unrestored else _command(context)
            found.append(Ours(what=one.target, fault=one.fault, run=row.run, expires=expires, held=held, undo=undo,
                              says=_OVER if one.why == ONLY_SHOWN else one.why))
        found += [Ours(what=label, fault="", run=row.run, expires="", says="undone and verified", undo="", undone=True)
                  for label in row.undone]
        found += [Ours(what=label, fault="", run=row.run, expires="", undone=True, undo="",
                       says="changed by someone else, left as it is") for label in row.drift]
    return found


def _command(context: str) -> str:
    return shlex.join(["chaos-runner", "recover", "--scan", "kubernetes", "--expired", "--context", context])


def _strangers(context: str, scanned: Scanned, rules: Rules, unread: list[str]) -> list[Ours]:
    """What bears a mark that no fault here claims: of another version, or made up. It is for a person to look at."""
    known = {(one.target, one.mark) for row in scanned.runs for one in (*row.shown, *row.unrestored)}
    found = []
    for one in _bearers(context, unread):
        mark = parse(one.mark)
        if (one.label, one.mark) not in known:
            found.append(Ours(
                what=one.label, fault=one.fault, run=mark.run if mark else "", expires=mark.expires if mark else "",
                says=_strange(one), undo="", held=mark is not None and not mark.expired(rules.now)))
    return found


def _bearers(context: str, unread: list[str]) -> Sequence[Bearer]:
    at, found = cluster(context), list[Bearer]()
    for kind in KINDS.values():
        try:
            found += bearers(at, kind) if kind is not EVENT else []
        except ApiUnreachable as problem:
            unread.append(str(problem))
            break
        except (Refused, ActFailed) as problem:
            unread.append(str(problem))
    return found


def _strange(one: Bearer) -> str:
    if not one.fault:
        return "bears our mark, which says nothing that can be read"
    there = one.fault in shelf.fault_names()
    return f"bears a mark of {one.fault}, which {'marks no such object' if there else 'this version does not have'}"
