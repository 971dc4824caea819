"""The other runs of chaos-runner on this machine."""

from pathlib import Path
from typing import Literal

from msgspec import Struct

from chaos_runner.contracts import Nearness, Neighbour, Neighbours, Reading, probe_of_runs
from chaos_runner.units import Unit

NAMED_MOST = 3
_COUNTED = {
    "targets": {Nearness.TARGETS}, "family": {Nearness.TARGETS, Nearness.FAMILY}, "anything": set(Nearness),
}


class OtherRuns(Struct, frozen=True, forbid_unknown_fields=True):
    """Which runs count: those on the same targets or groups, those with faults of the same family (host, kubernetes,
    …), or all. `reports` are folders of reports beside the one that this run is written to.
    """

    same: Literal["targets", "family", "anything"] = "targets"
    reports: list[str] = []


@probe_of_runs(OtherRuns, Unit.COUNT, example={"arguments": {"same": "targets"}, "at-most": 0})
def beside(arguments: OtherRuns, neighbours: Neighbours) -> Reading:
    """How many other runs there are beside this one: on the same targets, unless `same` says otherwise.

    Runs that live count, and those that died and left something that nobody has undone yet. One that has not said whom
    it hits counts as if it hit the same. Runs on other machines are not seen: `locks` are for these. Raises NoData.
    """
    there = neighbours([Path(folder) for folder in arguments.reports])
    found = [one for one in there if one.nearness in _COUNTED[arguments.same]]
    more = f" and {len(found) - NAMED_MOST} more" if len(found) > NAMED_MOST else ""
    return Reading(value=len(found), note="; ".join(map(_words, found[:NAMED_MOST])) + more)


def _words(one: Neighbour) -> str:
    title = f' "{one.title}"' if one.title else ""
    why = f" ({one.why})" if one.why else ""
    left = ", which died and is not undone" if one.left else ""
    return f"{one.run}{title}{why}{left}"
