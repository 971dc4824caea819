"""NetworkPolicies that chaos tools made to deny traffic, known by their names and labels."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.kinds import POLICY, label_of
from chaos_runner.targets.kubernetes.left.leftover import Written, command_on
from chaos_runner.targets.kubernetes.marks import RUN
from chaos_runner.targets.leftover import Leftover

_POLICIES: Final = (("krkn-", "krkn"), ("kraken-", "krkn"), ("chaostoolkit-", "Chaos Toolkit"))
"""How the names of policies begin that tools make to deny traffic."""
_POLICY_LABELS: Final = {("app", "krkn"): "krkn", ("app.kubernetes.io/part-of", "litmus"): "LitmusChaos"}


class _Policy(Struct, frozen=True):
    metadata: Written


def policies(at: Cluster) -> Iterator[Leftover]:
    """Policies of other tools."""
    for policy in at.list(POLICY.path(""), _Policy).items:
        meta = policy.metadata
        if not meta.annotations.get(RUN) and (whose := _maker(meta)):
            yield Leftover(code="network-policy", what=label_of(POLICY, meta), whose=whose,
                           says="denies traffic, as the tool's experiments do", by=meta.writer().manager,
                           since=meta.creation_timestamp, undo=command_on(at, POLICY, meta, "delete"),
                           first=f"no experiment of {whose} is running")


def _maker(meta: Written) -> str:
    named = next((tool for begins, tool in _POLICIES if meta.name.startswith(begins)), "")
    return named or next((_POLICY_LABELS[item] for item in meta.labels.items() if item in _POLICY_LABELS), "")
