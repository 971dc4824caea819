"""The whole crash matrix, as a table. `make crash`

    python -m tests.crash [REPETITIONS]
    CHAOS_RUNNER_VM_LIMIT_S=7200 tests/vm/run tests.crash --network [REPETITIONS]

The second is the same for the faults of the network, in the guest, where all takes twelve times as long:
one at a time there, since a second victim would be what is measured.
"""

import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles

from tests.crash.matrix import Case, Result, cases, play
from tests.crash.scenes import NETWORK_SCENES, SCENES

SLOWEST_S = 1.0
SLOWEST_IN_THE_GUEST_S = 10.0


def main(faults: Sequence[str], repetitions: int, slowest_s: float, at_once: int) -> int:
    """Exit code 1 when anything was left, or the watchdog was too slow. Only the watchdog's part measures time."""
    with tempfile.TemporaryDirectory() as name:
        by_watchdog = _played(cases(faults, repetitions, with_watchdog=False), Path(name) / "watchdog", at_once)
        _table("restored by the watchdog", by_watchdog)
        p99_s = quantiles([result.took_s for result in by_watchdog if result.restored], n=100, method="inclusive")[98]
        print(f"kill to restored p50 {median(result.took_s for result in by_watchdog):.3f} s, p99 {p99_s:.3f} s"
              f" (limit {slowest_s:g} s)", flush=True)
        by_recover = _played(cases(faults, repetitions, with_watchdog=True), Path(name) / "recover", at_once=2)
    _table("watchdog killed too, restored by recover", by_recover)
    left = [result for result in (*by_watchdog, *by_recover) if not result.restored]
    print(f"\nleft behind: {len(left)}")
    for result in left:
        print(f"  LEFT: {result.case}: {result.told}")
    return 0 if not left and p99_s <= slowest_s else 1


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
    network = "--network" in sys.argv
    sys.exit(main(tuple(NETWORK_SCENES), numbers[0], SLOWEST_IN_THE_GUEST_S, at_once=1) if network
             else main(tuple(SCENES), numbers[0], SLOWEST_S, at_once=2))
