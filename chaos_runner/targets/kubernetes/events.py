"""Kubernetes Events about what we do, so that whoever looks at an object sees why it behaves so."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from chaos_runner.errors import ChaosRunnerError
from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.kinds import EVENT, KINDS, Ref, body_of
from chaos_runner.targets.kubernetes.rights import Need

EVENTS: Final = Need("create", EVENT)
INJECTED: Final = "FaultInjected"
ENDED: Final = "FaultUndone"
COMPONENT: Final = "chaos-runner"
_MESSAGE_MOST: Final = 1000


def tell(at: Cluster, ref: Ref, reason: str, text: str) -> None:
    """Tells it of an object, once and in the best case: whoever may not write Events injects faults all the same."""
    with suppress(ChaosRunnerError):
        at.within(0.0).create(EVENT.path(ref.namespace or "default"), _event(ref, reason, text))


def _event(ref: Ref, reason: str, text: str) -> dict[str, object]:
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    kind = KINDS[ref.kind]
    about = {"apiVersion": kind.api, "kind": kind.camel, "name": ref.name, "uid": ref.uid,
             **({"namespace": ref.namespace} if ref.namespace else {})}
    return body_of(EVENT, metadata={"generateName": f"{ref.name}."}, involvedObject=about, reason=reason, count=1,
                   message=text[:_MESSAGE_MOST], type="Normal", firstTimestamp=now, lastTimestamp=now,
                   source={"component": COMPONENT}, reportingComponent=COMPONENT)
