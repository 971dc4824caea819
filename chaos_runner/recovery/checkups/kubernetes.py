"""What was left in a cluster."""

import shlex

from msgspec import structs

from chaos_runner.errors import ActFailed, Refused
from chaos_runner.recovery.checkups.checkup import Checkup, of_scan, strangers
from chaos_runner.recovery.scan import Rules, scan
from chaos_runner.targets.kubernetes.access import ApiUnreachable, Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import EVENT, KINDS
from chaos_runner.targets.kubernetes.left.everything import leftovers
from chaos_runner.targets.kubernetes.marks import bearers
from chaos_runner.targets.leftover import Bearer


def look_over(where: str, rules: Rules, *, fix: bool) -> Checkup:
    """Everything that is left in the cluster of a context. With `fix` what our runs left is undone, where none that
    lives can hold it; what others left never is. Raises UsageError.
    """
    at = cluster(where)
    scanned = scan("kubernetes", [at.context], structs.replace(rules, expired_only=True, show_only=not fix))
    unread = [one.error for one in scanned.unread]
    others, missed = leftovers(at, rules.now)
    ours = [*of_scan(scanned, rules, _command(at.context)), *strangers(_bearers(at, unread), scanned, rules)]
    return Checkup(where=at.context, ours=ours, others=others, unread=list(dict.fromkeys([*unread, *missed])))


def _command(context: str) -> str:
    return shlex.join(["chaos-runner", "recover", "--scan", "kubernetes", "--expired", "--context", context])


def _bearers(at: Cluster, unread: list[str]) -> list[Bearer]:
    found: list[Bearer] = []
    for kind in KINDS.values():
        try:
            found += bearers(at, kind) if kind is not EVENT else []
        except ApiUnreachable as problem:
            unread.append(str(problem))
            break
        except (Refused, ActFailed) as problem:
            unread.append(str(problem))
    return found
