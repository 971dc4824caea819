"""What was left in an account and region of AWS."""

import shlex
from collections.abc import Iterator

from msgspec import structs

from chaos_runner import shelf
from chaos_runner.errors import ActFailed, Refused
from chaos_runner.recovery.checkups.checkup import Checkup, of_scan, strangers
from chaos_runner.recovery.scan import Rules, scan
from chaos_runner.targets.aws.access import Account, way_of
from chaos_runner.targets.aws.left.everything import leftovers
from chaos_runner.targets.aws.marks import RUN, told
from chaos_runner.targets.aws.refs import Kind, Ref
from chaos_runner.targets.leftover import Bearer


def look_over(where: str, rules: Rules, *, fix: bool) -> Checkup:
    """Everything that is left in the region, of "[PROFILE@]REGION". With `fix` what our runs left is undone, where none
    that lives can hold it; what others left never is. Raises UsageError.
    """
    at = way_of(where)
    scanned = scan("aws", [where or at.region], structs.replace(rules, expired_only=True, show_only=not fix))
    unread = [one.error for one in scanned.unread]
    others, missed = leftovers(at)
    claimed = {(_thing(one.target), one.mark) for row in scanned.runs for one in (*row.shown, *row.unrestored)}
    strange = {(_thing(one.label), one.mark): one for one in _bearers(at, unread)}
    ours = [*of_scan(scanned, rules, _command(where or at.region)),
            *strangers((one for key, one in strange.items() if key not in claimed), scanned, rules)]
    return Checkup(where=f"{at.region} of account {at.number}", ours=ours, others=others,
                   unread=list(dict.fromkeys([*unread, *missed])))


def _command(where: str) -> str:
    return shlex.join(["chaos-runner", "recover", "--scan", "aws", "--expired", "--region", where])


def _thing(label: str) -> str:
    """What is called so, whatever kind of thing it counts as: a container host is an instance, too."""
    return label.rpartition(" ")[2]


def _bearers(at: Account, unread: list[str]) -> Iterator[Bearer]:
    for kind in _kinds().values():
        try:
            for thing, tags in kind.tagging.bearers(at):
                said = told(tags)
                yield Bearer(Ref.of(at, kind, thing).label, tags[RUN], said.fault if said else "")
        except (Refused, ActFailed) as problem:
            unread.append(str(problem))


def _kinds() -> dict[str, Kind]:
    """Those on which a fault of ours leaves its mark."""
    faults = [shelf.fault(name) for name in shelf.fault_names() if name.startswith("aws.")]
    return {kind.name: kind for fault in faults if isinstance(kind := getattr(fault, "kind", None), Kind)}
