"""kubernetes.pod_evict: asks for pods to leave, as a drain does; their disruption budgets have a say."""

import time
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from chaos_runner.contracts import Band, Seconds
from chaos_runner.faults.kubernetes._evicting import EVICT, check_deadline
from chaos_runner.faults.kubernetes._parting import PartingFault
from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.kinds import POD, Ref
from chaos_runner.targets.kubernetes.leaving import evict
from chaos_runner.targets.kubernetes.rights import Need, Permissions

_AGAIN_S: Final = 1.0


class PodEvictArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`grace`: how long the pods may take to end; without it they have the time that they ask for. `deadline`: how long
    each is asked again while a budget forbids it, up to 50 s; 0 asks once.
    """

    grace: Seconds | None = None
    deadline: Seconds = 0.0


class PodEvict(PartingFault[PodEvictArguments]):
    """Evicts pods by name and UID through the Eviction API. What a PodDisruptionBudget forbids is not done, and is told
    as a fault without effect: the run is inconclusive, never passed. A pod that no workload would replace is refused.
    """

    arguments = PodEvictArguments
    band = Band(word="evicted")
    permissions = Permissions(do=(Need("get", POD), EVICT))
    deed = "evicted"

    def order(self, arguments: PodEvictArguments) -> dict[str, Any]:
        check_deadline(arguments.deadline)
        grace = {} if arguments.grace is None else {"grace_s": round(arguments.grace)}
        return {"deadline_s": arguments.deadline, **grace}

    def send_off(self, at: Cluster, ref: Ref, do: Mapping[str, Any]) -> str:
        until_s = time.monotonic() + do["deadline_s"]
        while True:
            against = evict(at, ref, do.get("grace_s"))
            if not against or time.monotonic() + _AGAIN_S > until_s:
                return against
            time.sleep(_AGAIN_S)
