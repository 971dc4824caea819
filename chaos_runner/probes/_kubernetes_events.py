"""Choosing Events on the server, and counting how often they were told."""

import time
from collections import Counter
from collections.abc import Iterable

from chaos_runner.contracts import BadQuestion
from chaos_runner.targets.kubernetes.kinds import KINDS
from chaos_runner.targets.kubernetes.seen import SeenEvent


def selector(reason: str, kind: str, about: str) -> str:
    """The field selector for Events of a reason and a type, about "pod" or "pod/checkout-0". Raises BadQuestion."""
    what, _, name = about.partition("/")
    if what and what.lower() not in KINDS:
        raise BadQuestion(f'`object` is written as "pod" or "pod/checkout-0", not {about!r}; known kinds: '
                          f"{', '.join(KINDS)}")
    asked = {"reason": reason, "type": kind, "involvedObject.name": name,
             "involvedObject.kind": KINDS[what.lower()].camel if what else ""}
    return ",".join(f"{key}={value}" for key, value in asked.items() if value)


def counted(told: Iterable[SeenEvent], within_s: float) -> Counter[str]:
    """How often each was told in the last while."""
    since_s = time.time() - within_s
    times: Counter[str] = Counter()
    for event in told:
        recent = sum(more for at_s, more in event.told if at_s >= since_s)
        if recent:
            times[event.text] += recent
    return times
