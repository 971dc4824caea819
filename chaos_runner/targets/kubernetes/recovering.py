"""How long a workload was not whole, and how its pods came back: fed by the watch, so nothing between two samples is
missed. Times are those at which the watch told us, monotonic, in seconds.
"""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from msgspec import Struct, structs

from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.kinds import Kind
from chaos_runner.targets.kubernetes.seen import SeenPod, SeenWorkload, pods, workloads
from chaos_runner.targets.kubernetes.watching import watched
from chaos_runner.units import spoken_seconds

_RETURNS_MOST: Final = 100
S = TypeVar("S")


class Return(Struct, frozen=True, kw_only=True):
    """A pod that became ready, with the seconds from when the workload was no longer whole: until the pod was first
    seen, scheduled, its containers started, ready. What was so before is 0.
    """

    pod: str
    seen: float
    scheduled: float
    started: float
    ready: float

    def __str__(self) -> str:
        return (f"{self.pod} scheduled after {spoken_seconds(self.scheduled)}, started {spoken_seconds(self.started)}, "
                f"ready {spoken_seconds(self.ready)}")


class Disturbance(Struct, frozen=True, kw_only=True):
    """One time during which not all pods were ready. `ended_s` is None while it lasts."""

    began_s: float
    ended_s: float | None = None
    fewest: int = 0
    returns: tuple[Return, ...] = ()

    def lasted(self, now_s: float) -> float:
        """How long it was, or has been until now."""
        return (now_s if self.ended_s is None else self.ended_s) - self.began_s


class Recovering:
    """One workload's disturbances since it was first asked about. The watches of pods and of workloads tell it of each
    change, on their threads.
    """

    def __init__(self, kind: Kind, name: str) -> None:
        self.kind = kind
        self.name = name
        self.pods = Teller(self._pod_changed)
        self.workloads = Teller(self._workload_changed)
        self._lock = threading.Lock()
        self._workload: SeenWorkload | None = None
        self._near: dict[str, SeenPod] = {}
        self._ready: set[str] = set()
        self._past: list[Disturbance] = []
        self._present: Disturbance | None = None
        self._began = False

    def begin(self, at_s: float) -> None:
        """It has been told of all there is: from now on it judges."""
        with self._lock:
            self._began = True
            self._weigh(at_s)

    def disturbances(self) -> list[Disturbance]:
        """All of them, the present one last."""
        with self._lock:
            return [*self._past, *([self._present] if self._present else [])]

    def _pod_changed(self, old: SeenPod | None, new: SeenPod | None, at_s: float) -> None:
        found = new or old
        if found is None or not found.owner_name.startswith(self.name):
            return
        with self._lock:
            self._near.pop(found.uid, None)
            if new is not None:
                self._near[new.uid] = new
            self._count(found.uid, new)
            if new is not None and new.ready and not (old and old.ready) and new.uid in self._ready:
                self._came_back(new)
            self._weigh(at_s)

    def _workload_changed(self, old: SeenWorkload | None, new: SeenWorkload | None, at_s: float) -> None:
        if self.name not in [one.name for one in (old, new) if one is not None]:
            return
        with self._lock:
            self._workload = new
            if old is None or new is None or old.metadata.uid != new.metadata.uid:
                for uid, pod in self._near.items():
                    self._count(uid, pod)
            self._weigh(at_s)

    def _count(self, uid: str, pod: SeenPod | None) -> None:
        if pod and pod.ready and self._workload and self._workload.made(pod):
            self._ready.add(uid)
        else:
            self._ready.discard(uid)

    def _weigh(self, at_s: float) -> None:
        if not self._began:
            return
        ready, present = len(self._ready), self._present
        if self._workload is not None and ready >= self._workload.wanted(self.kind):
            if present:
                self._past.append(structs.replace(present, ended_s=at_s))
                self._present = None
        elif present is None:
            self._present = Disturbance(began_s=at_s, fewest=ready)
        elif ready < present.fewest:
            self._present = structs.replace(present, fewest=ready)

    def _came_back(self, pod: SeenPod) -> None:
        if self._present is None:
            return
        began_s = self._present.began_s
        seen, scheduled, started, ready = (max(0.0, (when or began_s) - began_s) for when in (
            pod.seen_s, pod.scheduled_s, pod.started_s, pod.ready_s))
        back = Return(pod=pod.name, seen=seen, scheduled=scheduled, started=started, ready=ready)
        self._present = structs.replace(self._present, returns=(*self._present.returns, back)[-_RETURNS_MOST:])


class Teller(Generic[S]):
    """Passes changes on."""

    def __init__(self, changed: Callable[[S | None, S | None, float], None]) -> None:
        self.changed = changed


_ALL: Final[dict[Hashable, Recovering]] = {}
_LOCK: Final = threading.Lock()


def recovering(at: Cluster, kind: Kind, namespace: str, name: str) -> Recovering:
    """The one record of that workload in this process, begun when it is first asked for. Raises Blind."""
    of_workloads, of_pods = watched(at, workloads(kind, namespace)), watched(at, pods(namespace))
    of_workloads.look()
    of_pods.look()
    key = (of_pods, of_workloads, name)
    with _LOCK:
        if key not in _ALL:
            _ALL[key] = found = Recovering(kind, name)
            of_workloads.follow(found.workloads)
            of_pods.follow(found.pods)
            found.begin(time.monotonic())
        return _ALL[key]


class Restarted:
    """The pods that are gone, and whose containers were started again while we looked."""

    def __init__(self) -> None:
        self.gone: list[SeenPod] = []

    def changed(self, old: SeenPod | None, new: SeenPod | None, at_s: float) -> None:  # noqa: ARG002 -- a Follower's
        """Keeps those."""
        if new is None and old is not None and old.restarts > old.restarts_at_first:
            self.gone.append(old)


_RESTARTED: Final[dict[Hashable, Restarted]] = {}


def restarted(at: Cluster, namespace: str) -> Restarted:
    """The one record of a namespace in this process, begun when it is first asked for."""
    of_pods = watched(at, pods(namespace))
    with _LOCK:
        if of_pods not in _RESTARTED:
            _RESTARTED[of_pods] = found = Restarted()
            of_pods.follow(found)
        return _RESTARTED[of_pods]
