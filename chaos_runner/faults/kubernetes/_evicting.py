"""Emptying nodes by evictions, until they are empty or time is up."""

import time
from typing import Final

from msgspec import Struct

from chaos_runner.contracts import Evidence, Grade
from chaos_runner.errors import ActFailed, Gone, Refused
from chaos_runner.targets.kubernetes.access import Cluster, Denied
from chaos_runner.targets.kubernetes.kinds import POD
from chaos_runner.targets.kubernetes.leaving import Leaving, evict, leaving, some, spoken
from chaos_runner.targets.kubernetes.objects import Pod
from chaos_runner.targets.kubernetes.pods import ref_of
from chaos_runner.targets.kubernetes.rights import Need

EVICT: Final = Need("create", POD, "eviction")
LONGEST_S: Final = 50.0
"""An apply has a minute, and the API server needs some of it."""
_ANSWER_S: Final = 5.0
"""How long one request is asked again: the next round asks anew."""
_ROUND_S: Final = 1.0


class Emptying(Struct, frozen=True, kw_only=True):
    """Which nodes are to be emptied, as an act keeps it."""

    nodes: list[str]
    deadline_s: float
    grace_s: int | None = None
    even_protected: bool = False


class _Round(Struct, frozen=True, kw_only=True):
    """How it stands: every pod that was to leave, by UID, what was against the last eviction of each, and who is there.
    """

    seen: dict[str, str] = {}
    against: dict[str, str] = {}
    there: Leaving = Leaving([], [])


def check_deadline(deadline_s: float, least_s: float = 0.0) -> None:
    """Raises Refused for longer than an apply may take."""
    if not least_s <= deadline_s <= LONGEST_S:
        raise Refused(f"a deadline of {deadline_s:g} s: from {least_s:g} s to {LONGEST_S:g} s is possible")


def empty(at: Cluster, order: Emptying, until_s: float) -> Evidence:
    """Asks for the eviction of every pod there, all beside each other: those that a budget keeps are asked again each
    second, while the others end. Raises ApiUnreachable.
    """
    hasty = at.within(_ANSWER_S)
    now = _Round()
    while True:
        there = leaving(hasty, order.nodes, even_protected=order.even_protected)
        seen = now.seen | {pod.metadata.uid: pod.label for pod in there.going}
        now = _Round(seen=seen, against=now.against, there=there)
        if not there.going or time.monotonic() > until_s:
            return _evidence(now)
        now = _Round(seen=seen, against=_asked(hasty, there.going, order, until_s), there=there)
        time.sleep(_ROUND_S)


def _asked(at: Cluster, pods: list[Pod], order: Emptying, until_s: float) -> dict[str, str]:
    """What is against the eviction of each, by UID, as far as there is time to ask."""
    ours = [pod for pod in pods if pod.metadata.deletion_timestamp is None]
    return {pod.metadata.uid: said for pod in ours
            if time.monotonic() < until_s and (said := _against(at, pod, order.grace_s))}


def _against(at: Cluster, pod: Pod, grace_s: int | None) -> str:
    try:
        return evict(at, ref_of(at, POD.name, pod), grace_s)
    except Gone:
        return ""
    except (Denied, ActFailed) as problem:
        return str(problem)


def _evidence(now: _Round) -> Evidence:
    """Proven when all have gone or are ending, reported when some have, none when none has."""
    ending = [pod.label for pod in now.there.going if pod.metadata.deletion_timestamp]
    kept = [pod for pod in now.there.going if pod.metadata.deletion_timestamp is None]
    grade = Grade.PROVEN if not kept else Grade.REPORTED if len(kept) < len(now.seen) else Grade.NONE
    told = [f"{len(now.seen) - len(now.there.going)} of {len(now.seen)} pods have left"]
    told += [f"still ending: {some(ending)}"] if ending else []
    told += [f"not evicted: {some([_kept(pod, now.against) for pod in kept])}"] if kept else []
    told += [f"left there: {spoken(now.there.staying)}"] if now.there.staying else []
    return Evidence(grade=grade, before=f"{len(now.seen)} pods to evict", after="; ".join(told))


def _kept(pod: Pod, against: dict[str, str]) -> str:
    return f"{pod.label} ({against.get(pod.metadata.uid, 'there was no time to ask')})"
