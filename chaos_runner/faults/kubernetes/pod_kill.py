"""kubernetes.pod_kill: deletes pods; their workload makes new ones."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from chaos_runner.contracts import Band, Seconds
from chaos_runner.faults.kubernetes._parting import PartingFault
from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.kinds import POD, Ref
from chaos_runner.targets.kubernetes.leaving import delete
from chaos_runner.targets.kubernetes.rights import Need, Permissions


class PodKillArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the pods may take to end; 0 kills them at once. Without `grace` they have the time that they ask for."""

    grace: Seconds | None = None


class PodKill(PartingFault[PodKillArguments]):
    """Deletes pods by name and UID: one that was replaced meanwhile is not hit. A pod that no workload would replace is
    refused.
    """

    arguments = PodKillArguments
    band = Band(word="killed")
    permissions = Permissions(do=(Need("get", POD), Need("delete", POD)))
    deed = "deleted"

    def order(self, arguments: PodKillArguments) -> dict[str, Any]:
        return {} if arguments.grace is None else {"grace_s": round(arguments.grace)}

    def send_off(self, at: Cluster, ref: Ref, do: Mapping[str, Any]) -> str:
        delete(at, ref, do.get("grace_s"))
        return ""
