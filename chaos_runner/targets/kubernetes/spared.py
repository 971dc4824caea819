"""What is never hit: what its owners have opted out, and namespaces that keep the cluster alive."""

from typing import Final

from chaos_runner.errors import Gone, NoTarget, Refused
from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.kinds import NAMESPACE
from chaos_runner.targets.kubernetes.objects import Meta, Whole

OPT_OUT: Final = "chaos-runner.io/exclude"
"""A label on an object or its namespace. Any value but "false" spares it."""
PROTECTED: Final = ("kube-system", "kube-public", "kube-node-lease")


def spared(meta: Meta) -> bool:
    """Whether its owners have opted it out."""
    return meta.labels.get(OPT_OUT, "false") != "false"


def check_namespace(at: Cluster, name: str, *, even_protected: bool) -> None:
    """Raises Refused for a namespace that is protected, opted out or being deleted; NoTarget when it is not there."""
    if name in PROTECTED and not even_protected:
        raise Refused(f"namespace {name!r} keeps the cluster alive and is protected: `even-protected: true` in the "
                      "target says that you mean it")
    try:
        found = at.get(NAMESPACE.path("", name), Whole).metadata
    except Gone as gone:
        raise NoTarget(f"there is no namespace {name!r} in {at.context}") from gone
    except Refused:
        return  # who may not read namespaces may still act in one
    if spared(found):
        raise Refused(f"namespace {name!r} has opted out: it bears the label {OPT_OUT}")
    if found.deletion_timestamp:
        raise Refused(f"namespace {name!r} is being deleted")
