"""What faults on pods share."""

from typing import Final

from msgspec import convert

from chaos_runner.contracts import Act
from chaos_runner.errors import Gone, Refused
from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.kinds import Ref
from chaos_runner.targets.kubernetes.objects import Pod

NEEDS: Final = "a Kubernetes cluster, and the right to act on its pods"
_MIRROR: Final = "kubernetes.io/config.mirror"


def ref_of_act(act: Act) -> Ref:
    """The object that an act is on."""
    return convert(act.target, Ref)


def pod_of(at: Cluster, ref: Ref) -> Pod | None:
    """The very pod, as it is now. None when it is gone, or another has its name."""
    try:
        found = at.get(ref.path, Pod)
    except Gone:
        return None
    return found if found.metadata.uid == ref.uid else None


def check_healed(pod: Pod) -> None:
    """Raises Refused for a pod that nothing would replace."""
    if _MIRROR in pod.metadata.annotations:
        raise Refused(f"{pod.label} is a static pod: its kubelet keeps it, and the API only shows it")
    if pod.metadata.owner is None:
        raise Refused(f"{pod.label} has no workload that would make it anew")
