"""What the probes of a cluster share: whom they ask, which pods are meant, and what keeps them from an answer.

The API server measures here: while it does not answer, samples are missing. What it says is not there, is not there.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Final, TypeVar

from msgspec import Struct

from chaos_runner.contracts import BadQuestion, NoData, Unreachable
from chaos_runner.errors import UsageError
from chaos_runner.targets.kubernetes.access import ApiUnreachable, Cluster, Denied, cluster
from chaos_runner.targets.kubernetes.kinds import POD, Kind, workload_of
from chaos_runner.targets.kubernetes.rights import Demand, look
from chaos_runner.targets.kubernetes.seen import SeenPod, SeenWorkload, pods, workloads
from chaos_runner.targets.kubernetes.watching import Blind, Collection, watched

_SHOWN_MOST: Final = 3
T = TypeVar("T")
S = TypeVar("S")
R = TypeVar("R")


class Place(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The kubeconfig's current context and that context's own namespace, where nothing else is said."""

    context: str = ""
    namespace: str = ""

    def kinds(self) -> tuple[Kind, ...]:
        """What it has to see all of, and to watch."""
        return ()

    def looks(self, space: str) -> list[Demand]:
        """What that takes. `space` is the context's own namespace."""
        here = self.namespace or space
        return [look(verb, kind, here) for kind in self.kinds() for verb in ("list", "watch")]


class WorkloadArguments(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A workload by its kind and name: "deployment/checkout"."""

    workload: str

    def kinds(self) -> tuple[Kind, ...]:
        """The workload, and its pods."""
        return (workload_of(self.workload)[0], POD)


class PodsArguments(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pods of a workload ("deployment/checkout"), those with labels, or, without either, all of the namespace."""

    workload: str = ""
    labels: dict[str, str] = {}

    def kinds(self) -> tuple[Kind, ...]:
        """Pods, and the workload that made them, where it is named."""
        return (POD, *((workload_of(self.workload)[0],) if self.workload else ()))


class Asked(Struct, frozen=True):
    """Where one probe looks."""

    at: Cluster
    namespace: str

    def all(self, what: Callable[[str], Collection[T, S]]) -> Sequence[S]:
        """All there is of a kind in the namespace."""
        return watched(self.at, what(self.namespace)).look()

    def workload(self, text: str) -> tuple[Kind, SeenWorkload]:
        """The workload of that name. Raises Unreachable when there is none."""
        kind, name = workload_of(text)
        there = watched(self.at, workloads(kind, self.namespace)).look()
        found = next((one for one in there if one.name == name), None)
        if found is None:
            raise self.nothing(f"{kind.name} {name!r}", meant(name, (one.name for one in there)))
        return kind, found

    def lasting(self, text: str) -> tuple[Kind, SeenWorkload]:
        """The same, of a workload that always has pods. Raises BadQuestion for a Job, whose pods are to end."""
        if workload_of(text)[0].name == "job":
            raise BadQuestion("the pods of a Job end: ask kubernetes.pod_phase how many have succeeded")
        return self.workload(text)

    def each(self, wanted: PodsArguments, make: Callable[[Sequence[SeenPod]], R]) -> list[R]:
        """What `make` makes of the pods that are meant, those of each maker by themselves: it is made anew only of
        those that have changed.
        """
        maker = self.workload(wanted.workload)[1] if wanted.workload else None
        labels = wanted.labels
        key = (make, wanted.workload, tuple(sorted(labels.items())))
        return watched(self.at, pods(self.namespace)).fold(key, lambda found: make(
            [pod for pod in found if labels.items() <= pod.labels.items()] if labels else found,
        ), maker.made if maker else _any)

    def pods(self, wanted: PodsArguments) -> list[SeenPod]:
        """The pods that are meant."""
        return [pod for found in self.each(wanted, tuple[SeenPod, ...]) for pod in found]

    def nothing(self, what: str, hint: str = "") -> Unreachable:
        """What to raise when something is not there."""
        return Unreachable(f"there is no {what} in namespace {self.namespace!r} of {self.at.context}{hint}")


def _any(_: SeenPod) -> bool:
    return True


def is_meant(pod: SeenPod, maker: SeenWorkload | None, labels: dict[str, str]) -> bool:
    """Whether the pod was made by it, if that is asked, and has these labels."""
    return (maker is None or maker.made(pod)) and labels.items() <= pod.labels.items()


@contextmanager
def asking(place: Place) -> Iterator[Asked]:
    """Where to look. Raises BadQuestion for what can never be answered, NoData for what cannot be answered now."""
    try:
        at = cluster(place.context)
        yield Asked(at, place.namespace or at.namespace)
    except UsageError as problem:
        raise BadQuestion(str(problem)) from problem
    except (Blind, ApiUnreachable, Denied) as problem:
        raise NoData(str(problem)) from problem


def meant(name: str, known: Iterable[str]) -> str:
    """A hint at another that has nearly that name."""
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def some(words: Iterable[str]) -> str:
    """The first few of them."""
    all_ = sorted(words)
    return ", ".join(all_[:_SHOWN_MOST]) + (f" and {len(all_) - _SHOWN_MOST} more" if len(all_) > _SHOWN_MOST else "")
