"""The whole crash matrix, as a table. `make crash`

    python -m tests.crash [REPETITIONS]
    python -m tests.crash --kubernetes [REPETITIONS]
    python -m tests.crash --aws [REPETITIONS]
    CHAOS_RUNNER_VM_LIMIT_S=7200 tests/vm/run tests.crash --network [REPETITIONS]

The last is for the faults of the network, in the guest, where all takes twelve times as long: one at a time there,
since a second victim would be what is measured. On AWS it is one at a time because some scenes have servers of their
own, to which the environment leads.
"""

import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from statistics import median, quantiles

from msgspec import Struct

from chaos_runner.lab.kubernetes.lab import Wanted
from chaos_runner.lab.kubernetes.state import Pods
from tests.aws.labs import opened
from tests.crash.aws import AWS_SCENES
from tests.crash.cluster import CLUSTER_SCENES
from tests.crash.matrix import By, Case, Result, cases, play
from tests.crash.scenes import NETWORK_SCENES, SCENES, Scene
from tests.kubernetes.labs import shared


class Matrix(Struct, frozen=True, kw_only=True):
    """The faults, who brings them back, and how soon the watchdog must have done it (99 of 100)."""

    scenes: dict[str, Callable[[Path], AbstractContextManager[Scene]]]
    slowest_s: float
    by: tuple[By, ...] = (By.WATCHDOG, By.RECOVER)
    at_once: int = 2


MATRICES = {
    "": Matrix(scenes=SCENES, slowest_s=1.0),
    "--kubernetes": Matrix(scenes=CLUSTER_SCENES, slowest_s=3.0, by=tuple(By)),
    "--aws": Matrix(scenes=AWS_SCENES, slowest_s=5.0, by=tuple(By), at_once=1),
    "--network": Matrix(scenes=NETWORK_SCENES, slowest_s=10.0, at_once=1),
}


def main(matrix: Matrix, repetitions: int) -> int:
    """Exit code 1 when anything was left, or the watchdog was too slow."""
    left, p99_s = [], 0.0
    for by in matrix.by:
        with tempfile.TemporaryDirectory() as name:
            results = _played(cases(matrix.scenes, repetitions, by), Path(name), matrix.at_once)
        _table(f"brought back by {by}", results)
        if by is By.WATCHDOG:
            p99_s = _told(results, matrix.slowest_s)
        left += [result for result in results if not result.restored]
    print(f"\nleft behind: {len(left)}")
    for result in left:
        print(f"  LEFT: {result.case}: {result.told}")
    return 0 if not left and p99_s <= matrix.slowest_s else 1


@contextmanager
def _cluster() -> Iterator[None]:
    """A simulated one, unless KUBECONFIG names another."""
    if "KUBECONFIG" in os.environ:
        yield
        return
    with shared("crash", Wanted(Pods.SIMULATED, 3)) as lab:
        os.environ["KUBECONFIG"] = lab.kubeconfig
        yield


_PLACES: dict[str, Callable[[], AbstractContextManager[object]]] = {"--kubernetes": _cluster, "--aws": opened}


def _told(results: Sequence[Result], slowest_s: float) -> float:
    took_s = [result.took_s for result in results if result.restored]
    p99_s = quantiles(took_s, n=100, method="inclusive")[98]
    print(f"kill to restored p50 {median(took_s):.3f} s, p99 {p99_s:.3f} s (limit {slowest_s:g} s)", flush=True)
    return p99_s


def _played(all_cases: Sequence[Case], folder: Path, at_once: int) -> list[Result]:
    def one(number: int) -> Result:
        result = play(all_cases[number], folder / str(number))
        if number % 9 == 0:
            print(f"{number} of {len(all_cases)}: {all_cases[number]}: {result.took_s:.3f} s",
                  file=sys.stderr, flush=True)
        return result

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(one, range(len(all_cases))))


def _table(title: str, results: Iterable[Result]) -> None:
    rows: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        rows[result.case.fault].append(result)
    print(f"\n{title}")
    for fault, of_fault in rows.items():
        good = [result.took_s for result in of_fault if result.restored]
        print(f"  {fault:<24} {len(good)} of {len(of_fault)}   slowest {max(good, default=0):.3f} s", flush=True)


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()] or [3]
    which = next((word for word in sys.argv[1:] if word in MATRICES), "")
    with _PLACES.get(which, nullcontext)():
        sys.exit(main(MATRICES[which], numbers[0]))
