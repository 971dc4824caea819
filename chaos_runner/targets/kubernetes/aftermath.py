"""What became of a target after it was hit: the cluster's Events about it, and the pods that replaced it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.events import COMPONENT
from chaos_runner.targets.kubernetes.kinds import EVENT, POD, Ref
from chaos_runner.targets.kubernetes.objects import Meta, Pod
from chaos_runner.units import spoken_seconds

_ROUNDED: Final = timedelta(seconds=1)
"""Kubernetes writes most of its times in whole seconds."""
_MILESTONES: Final = {"PodScheduled": "scheduled", "ContainersReady": "started", "Ready": "ready"}


class _Event(Struct, frozen=True, kw_only=True, rename="camel"):
    metadata: Meta
    reason: str = ""
    message: str = ""
    type: str = ""
    reporting_component: str = ""
    count: int | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None

    @property
    def when(self) -> datetime:
        found = self.last_timestamp or self.event_time or self.metadata.creation_timestamp
        return found or datetime.min.replace(tzinfo=UTC)


def events_about(at: Cluster, ref: Ref, since: datetime) -> list[str]:
    """The Events about this very object since then, oldest first: "+2 s Killing: Stopping container web". What we told
    ourselves is not news.
    """
    found = at.list(EVENT.path(ref.namespace), _Event, {"fieldSelector": f"involvedObject.uid={ref.uid}"}).items
    ours = sorted((one for one in found if one.when >= since - _ROUNDED and one.reporting_component != COMPONENT),
                  key=_when)
    return [f"{_after(one.when, since)} {one.reason}: {one.message}{_times(one)}" for one in ours]


def replacements(at: Cluster, namespace: str, owner_uid: str, since: datetime) -> list[str]:
    """The pods that the owner has made since then, and how soon each was scheduled, started and ready."""
    pods = [pod for pod in at.list(POD.path(namespace), Pod).items
            if pod.metadata.owner and pod.metadata.owner.uid == owner_uid
            and (pod.metadata.creation_timestamp or since) >= since.replace(microsecond=0)]
    return [f"{pod.label} came: {', '.join(_milestones(pod, since)) or 'not scheduled yet'}" for pod in pods]


def _milestones(pod: Pod, since: datetime) -> Iterator[str]:
    held = {one.type: one for one in pod.status.conditions if one.status == "True"}
    for kind, word in _MILESTONES.items():
        condition = held.get(kind)
        if condition and condition.last_transition_time:
            yield f"{word} {_after(condition.last_transition_time, since)}"
    if "Ready" not in held:
        yield "not ready yet"


def _after(when: datetime, since: datetime) -> str:
    return f"+{spoken_seconds(max(0.0, round((when - since).total_seconds())))}"


def _times(event: _Event) -> str:
    return f" ({event.count} times)" if event.count and event.count > 1 else ""


def _when(event: _Event) -> datetime:
    return event.when
