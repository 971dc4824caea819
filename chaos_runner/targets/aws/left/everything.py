"""Everything that was left in a region."""

from typing import NamedTuple

from chaos_runner.errors import ActFailed, Gone, Refused
from chaos_runner.targets.aws.access import Account, AwsUnreachable
from chaos_runner.targets.aws.left.compute import draining, suspended
from chaos_runner.targets.aws.left.network import answering, closed, inverted
from chaos_runner.targets.aws.left.serverless import throttled
from chaos_runner.targets.leftover import Leftover


class Seen(NamedTuple):
    """All that was found, and why the rest could not be looked at."""

    left: list[Leftover]
    unread: list[str]


def leftovers(at: Account) -> Seen:
    """Everything that was left, except what bears a mark of ours: `recover --scan` knows more of that. What may not be
    looked at keeps nothing else from being found.
    """
    found: list[Leftover] = []
    unread: list[str] = []
    for look in (suspended, closed, answering, throttled, draining, inverted):
        try:
            found += look(at)
        except AwsUnreachable as problem:
            unread.append(str(problem))
        except (Refused, Gone, ActFailed) as problem:
            unread.append(str(problem))
    return Seen(found, list(dict.fromkeys(unread)))
