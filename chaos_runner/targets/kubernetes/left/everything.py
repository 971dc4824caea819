"""Everything that was left in a cluster."""

from datetime import datetime
from functools import partial
from typing import NamedTuple

from chaos_runner.errors import ActFailed, Gone, Refused
from chaos_runner.targets.kubernetes.access import ApiUnreachable, Cluster
from chaos_runner.targets.kubernetes.left.finalizers import stuck
from chaos_runner.targets.kubernetes.left.nodes import of_nodes
from chaos_runner.targets.kubernetes.left.pods import helpers, pauses
from chaos_runner.targets.kubernetes.left.policies import policies
from chaos_runner.targets.kubernetes.left.services import selectors
from chaos_runner.targets.leftover import Leftover


class Seen(NamedTuple):
    """All that was found, and why the rest could not be looked at."""

    left: list[Leftover]
    unread: list[str]


def leftovers(at: Cluster, now: datetime) -> Seen:
    """Everything that was left, except what bears a mark of ours: `recover --scan` knows more of that. What may not be
    looked at keeps nothing else from being found.
    """
    found: list[Leftover] = []
    unread: list[str] = []
    for look in (of_nodes, policies, selectors, pauses, helpers, partial(stuck, now=now)):
        try:
            found += look(at)
        except ApiUnreachable as problem:
            return Seen(found, [*unread, str(problem)])
        except (Refused, Gone, ActFailed) as problem:
            unread.append(str(problem))
    return Seen(found, list(dict.fromkeys(unread)))
