"""Whether a taint has driven pods away."""

import time
from typing import Final

from msgspec import Struct

from chaos_runner.contracts import Evidence, Grade
from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.leaving import leaving, some
from chaos_runner.targets.kubernetes.objects import Pod, Taint

_PATIENCE_S: Final = 10.0
_ROUND_S: Final = 0.25


class Driving(Struct, frozen=True, kw_only=True):
    """The nodes, how many pods they have that the taint drives away, and the taint, as an act keeps it."""

    nodes: list[str]
    pods: int
    taint: Taint


def away(at: Cluster, wanted: Driving) -> Evidence:
    """Waits until those pods have left or are ending: the controller needs a moment. Reported when some stay."""
    until_s = time.monotonic() + _PATIENCE_S
    while (left := _left(at, wanted)) and time.monotonic() < until_s:
        time.sleep(_ROUND_S)
    stayed = f"; still there: {some([pod.label for pod in left])}" if left else ""
    return Evidence(grade=Grade.REPORTED if left else Grade.PROVEN, before=f"{wanted.pods} pods that do not bear it",
                    after=f"{max(0, wanted.pods - len(left))} of them have left or are ending{stayed}")


def _left(at: Cluster, wanted: Driving) -> list[Pod]:
    there = leaving(at, wanted.nodes, even_protected=True).going
    return [pod for pod in there if pod.metadata.deletion_timestamp is None and not wanted.taint.is_borne_by(pod)]
