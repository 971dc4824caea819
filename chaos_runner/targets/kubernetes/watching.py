"""Looking at what a cluster has without asking anew each time: one list and one watch of a collection, kept up to date
by a thread of its own, for all who look at it. What many probes cost is what one costs.

A watch is asked for in legs of a few seconds, each going on from the last version, with a small read through to the
storage between them: so silence is never taken for "nothing has changed". What is older than STALE_S is not shown.
"""

import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import count
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from chaos_runner.errors import ActFailed, Gone
from chaos_runner.targets.kubernetes.access import ApiUnreachable, Cluster, Denied, Expired, Query
from chaos_runner.units import spoken_seconds

LEG_S: Final = 3
"""How long one answer of the watch lasts; whole seconds, as the API wants them."""
STALE_S: Final = 6.0
"""After so long without a sign of life nobody is shown anything."""
FIRST_S: Final = 8.0
"""How long whoever looks first waits for the list."""
_HICCUP_S: Final = 1.0
_LATE_S: Final = 2
_AGAIN_S: Final = 0.25
_SLOWEST_AGAIN_S: Final = 2.0
T = TypeVar("T")
S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)
R = TypeVar("R")
Clock = Callable[[], float]


class Blind(ActFailed):
    """What could be shown is not there yet, or too old."""


def _together(_: object) -> Hashable:
    return ""


def _all_of_them(_: object) -> bool:
    return True


class Collection(NamedTuple, Generic[T, S]):
    """Some objects: where they stand, which of them, what is decoded of each, and what is kept of it.

    `see` is given what is kept of the object so far, if anything, the object, and the monotonic time in seconds.
    `group` says what belongs together: what is made of one group is not made anew when another changes.
    """

    path: str
    item: type[T]
    see: Callable[[S | None, T, float], S]
    labels: str = ""
    fields: str = ""
    group: Callable[[S], Hashable] = _together

    @property
    def query(self) -> Query:
        """Which of them, as the API takes it."""
        asked = {"labelSelector": self.labels, "fieldSelector": self.fields}
        return {key: value for key, value in asked.items() if value}


class Follower(Protocol[S_contra]):
    """Told of each change, on the watch's own thread: it must be quick."""

    def changed(self, old: S_contra | None, new: S_contra | None, at_s: float, /) -> None:
        """One object is there, is another, or is gone (`new` is None)."""


class _Bare(Struct, frozen=True, rename="camel"):
    uid: str = ""
    resource_version: str = ""


class _Any(Struct, frozen=True):
    metadata: _Bare = _Bare()


class _Event(Struct, frozen=True):
    type: str
    object: msgspec.Raw


class _Status(Struct, frozen=True):
    code: int = 0
    message: str = ""


_EVENTS: Final = msgspec.json.Decoder(_Event)
_ANY: Final = msgspec.json.Decoder(_Any)
_GONE: Final = 410


class _Group(Generic[S]):
    """What belongs together, and a number that no other state of any group has."""

    def __init__(self) -> None:
        self.members: dict[str, S] = {}
        self.state = 0


class Watched(Generic[T, S]):
    """One collection, as it is now."""

    def __init__(self, at: Cluster, what: Collection[T, S], now_s: Clock = time.monotonic) -> None:
        self._at = at.within(0.0)
        self.what = what
        self._now_s = now_s
        self._decoder = msgspec.json.Decoder(what.item)
        self._objects: dict[str, S] = {}
        self._shown: Sequence[S] | None = None
        self._groups: dict[Hashable, _Group[S]] = {}
        self._states = count(1)
        self._folded: dict[Hashable, dict[int, Any]] = {}
        self._followers: list[Follower[S]] = []
        self._version = ""
        self._listed = False
        self._heard_s = now_s()
        self._trouble: Exception | None = None
        self._state = threading.Condition()
        self._stopped = threading.Event()
        self.lists = 0
        """How often everything was read: once, and again after each gap that was too long to go on from."""
        self._thread = threading.Thread(target=self._work, name=f"watch {what.path}", daemon=True)

    def start(self) -> "Watched[T, S]":
        """Begins to watch."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ends the watch, soon."""
        self._stopped.set()

    def look(self) -> Sequence[S]:
        """All there is. Waits for the first list, and a moment where the API server is just away. Raises Blind."""
        with self._state:
            self._wait()
            return self._all()

    def fold(self, key: Hashable, make: Callable[[Sequence[S]], R],
             where: Callable[[S], bool] = _all_of_them) -> list[R]:
        """What `make` makes of each group of which `where` holds, asked of one member; made anew only of a group that
        has changed. Raises Blind.
        """
        with self._state:
            self._wait()
            before = self._folded.get(key, {})
            now = self._folded[key] = {
                group.state: before[group.state] if group.state in before else make([*group.members.values()])
                for group in self._groups.values() if where(next(iter(group.members.values())))}
            return [*now.values()]

    def follow(self, follower: Follower[S]) -> None:
        """Tells it of all there is, and from now on of each change."""
        with self._state:
            for seen in self._objects.values():
                follower.changed(None, seen, self._now_s())
            self._followers.append(follower)

    # ── for those who look ──────────────────────────────────────────────────────────────────────────────────────────

    def _all(self) -> Sequence[S]:
        if self._shown is None:
            self._shown = tuple(self._objects.values())
        return self._shown

    def _wait(self) -> None:
        self._state.wait_for(lambda: self._listed or self._trouble, FIRST_S)
        if not self._is_clear() and not isinstance(self._trouble, Denied):
            self._state.wait_for(self._is_clear, _HICCUP_S)
        if not self._is_clear():
            raise Blind(self._why())

    def _is_clear(self) -> bool:
        return self._listed and self._trouble is None and self._age_s() <= STALE_S

    def _age_s(self) -> float:
        return self._now_s() - self._heard_s

    def _why(self) -> str:
        if self._trouble:
            return str(self._trouble)
        what = self.what.path.rpartition("/")[2]
        if not self._listed:
            return f"{self._at.context}: the first list of {what} has not come within {spoken_seconds(FIRST_S)}"
        return f"{self._at.context}: nothing was heard of {what} for {spoken_seconds(self._age_s())}"

    # ── the thread ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _work(self) -> None:
        pause_s = 0.0
        while not self._stopped.wait(pause_s):
            began_s = self._now_s()
            try:
                self._leg()
            except Expired:
                self._version = ""
            except (ApiUnreachable, Denied, Gone, msgspec.DecodeError) as problem:
                self._in_trouble(problem)
            short = self._now_s() - began_s < LEG_S / 2
            pause_s = min(max(2 * pause_s, _AGAIN_S), _SLOWEST_AGAIN_S) if short else 0.0

    def _leg(self) -> None:
        if self._version:
            self._at.get(self.what.path, _Any, {**self.what.query, "limit": "1"})
        else:
            self._list()
        asked = {**self.what.query, "watch": "1", "allowWatchBookmarks": "true", "timeoutSeconds": str(LEG_S),
                 "resourceVersion": self._version}
        with self._at.stream(self.what.path, asked, LEG_S + _LATE_S) as lines:
            self._heard()
            for line in lines:
                self._take(line)
                if self._stopped.is_set():
                    return

    def _list(self) -> None:
        listed = self._at.list(self.what.path, msgspec.Raw, self.what.query)
        with self._state:
            gone = self._objects.keys() - {self._keep(raw) for raw in listed.items}
            for uid in gone:
                self._drop(uid)
            self._version = listed.version
            self._listed = True
            self.lists += 1
        self._heard()

    def _take(self, line: bytes) -> None:
        event = _EVENTS.decode(line)
        if event.type == "ERROR":
            raise _meant(msgspec.json.decode(event.object, type=_Status))
        meta = _ANY.decode(event.object).metadata
        with self._state:
            if event.type == "DELETED":
                self._drop(meta.uid)
            elif event.type != "BOOKMARK":
                self._keep(event.object)
            self._version = meta.resource_version
        self._heard()

    def _keep(self, raw: msgspec.Raw) -> str:
        uid = _ANY.decode(raw).metadata.uid
        old, at_s = self._objects.get(uid), self._now_s()
        new = self._objects[uid] = self.what.see(old, self._decoder.decode(raw), at_s)
        self._regroup(uid, old, new)
        self._changed(old, new, at_s)
        return uid

    def _drop(self, uid: str) -> None:
        old = self._objects.pop(uid, None)
        if old is not None:
            self._regroup(uid, old, None)
            self._changed(old, None, self._now_s())

    def _regroup(self, uid: str, old: S | None, new: S | None) -> None:
        keys = {self.what.group(one) for one in (old, new) if one is not None}
        for key in keys:
            group = self._groups.setdefault(key, _Group())
            group.state = next(self._states)
            if new is not None and self.what.group(new) == key:
                group.members[uid] = new
            else:
                group.members.pop(uid, None)
            if not group.members:
                del self._groups[key]

    def _changed(self, old: S | None, new: S | None, at_s: float) -> None:
        self._shown = None
        for follower in self._followers:
            follower.changed(old, new, at_s)

    def _heard(self) -> None:
        with self._state:
            self._heard_s = self._now_s()
            self._trouble = None
            self._state.notify_all()

    def _in_trouble(self, problem: Exception) -> None:
        with self._state:
            self._trouble = problem
            self._state.notify_all()


def _meant(status: _Status) -> Exception:
    return Expired(status.message) if status.code == _GONE else ApiUnreachable(f"the watch has ended: {status.message}")


_ALL: Final[dict[Hashable, Watched[Any, Any]]] = {}
_LOCK: Final = threading.Lock()


def watched(at: Cluster, what: Collection[T, S]) -> Watched[T, S]:
    """The one watch of that collection in this process; begun by whoever asks first."""
    key = (at.context, at.server, what)
    with _LOCK:
        if key not in _ALL:
            _ALL[key] = Watched(at, what).start()
        found: Watched[T, S] = _ALL[key]
        return found


def watches() -> Mapping[str, Watched[Any, Any]]:
    """All that is being watched, by the address of each."""
    with _LOCK:
        return {f"{one.what.path}?{urlencode(one.what.query)}".rstrip("?"): one for one in _ALL.values()}


def stop_all() -> None:
    """Ends every watch. They end with the process too."""
    with _LOCK:
        for one in _ALL.values():
            one.stop()
        _ALL.clear()
