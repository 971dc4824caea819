"""Fuzzed files through everything that reads one. `make fuzz`

    python -m tests.fuzz [FILES] [SEED]
    python -m tests.fuzz --only NUMBER [SEED]

The second replays one of them and shows it. With CHAOS_RUNNER_FUZZ_CORPUS the files in that folder are seeds too, and
so are needed to replay what came of them.
"""

import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Final

from tests.fuzz.entrances import case, enter
from tests.fuzz.finding import Find, begin, command_finds_in, finds_in

Work = Callable[[range, int], list[Find]]

FILES: Final = 10_000
SEED: Final = 7
AS_A_COMMAND: Final = 200
"""How many of the files go through the real command too."""
_CHUNK: Final = 50
_SHOWN_BYTES: Final = 1500


def main(files: int, seed: int) -> int:
    """Exit code 1 when anything was found."""
    began_s = time.monotonic()
    chunks = [range(first, min(first + _CHUNK, files)) for first in range(0, files, _CHUNK)]
    through_the_command = range(0, files, max(1, files // AS_A_COMMAND))
    jobs: list[tuple[Work, range]] = [(finds_in, chunk) for chunk in chunks]
    jobs += [(command_finds_in, through_the_command[first:first + 10])
             for first in range(0, len(through_the_command), 10)]
    found: list[Find] = []
    dead: list[range] = []
    for (_, numbers), finds in zip(jobs, _worked(jobs, seed), strict=True):
        if finds is None:
            dead.append(numbers)
        else:
            found += finds
    _tell(found, dead)
    print(f"{files} files, seed {seed}, {time.monotonic() - began_s:.0f} s: {len(found)} finds"
          + (f", {len(dead)} deaths" if dead else ""))
    return 1 if found or dead else 0


def _worked(jobs: Sequence[tuple[Work, range]], seed: int) -> Iterable[list[Find] | None]:
    """The finds of each job; None where its process died, after which the rest go to a new pool."""
    at = 0
    while at < len(jobs):
        with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), begin) as pool:
            futures = [pool.submit(work, numbers, seed) for work, numbers in jobs[at:]]
            for future in futures:
                at += 1
                try:
                    yield future.result()
                except BrokenProcessPool:
                    yield None
                    break


def _tell(found: Sequence[Find], dead: Sequence[range]) -> None:
    by_bug: dict[str, list[Find]] = defaultdict(list)
    for find in sorted(found, key=lambda find: len(find.blob)):
        by_bug[find.trouble.kind].append(find)
    for kind, finds in by_bug.items():
        least = finds[0]
        entrances = Counter(find.case.entrance for find in finds)
        print(f"── {kind} · {', '.join(f'{count} x {name}' for name, count in entrances.items())}")
        print(f"replay: python -m tests.fuzz --only {least.number} {least.seed}   ({least.case.file})")
        print(f"{least.blob[:_SHOWN_BYTES]!r}\n{least.trouble.told}")
    for numbers in dead:
        print(f"── a process died among the cases {numbers.start} to {numbers.stop - 1} (the first of them is the "
              "likeliest): replay each with --only")


def replay(number: int, seed: int) -> int:
    """Shows the case, and what becomes of it."""
    one = case(seed, number)
    print(f"{one.entrance} {one.file}, {len(one.blob)} bytes\n{one.blob[:_SHOWN_BYTES]!r}")
    enter(one)
    print("no find")
    return 0


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:] if word.isdigit()]
    if "--only" in sys.argv:
        sys.exit(replay(*[*given, SEED][:2]))
    sys.exit(main(*[*given, *(FILES, SEED)[len(given):]]))
