"""Measures every figure, prints the table, and writes it into docs/benchmarks.md when asked."""

import argparse
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import chain
from pathlib import Path

from benchmarks.figures import Figure, all_figures
from benchmarks.history import figures as of_history
from benchmarks.judging import hundred_probes, judging
from benchmarks.planning import planning
from benchmarks.reporting import reporting
from benchmarks.scheduling import scheduling
from benchmarks.timing import compile_as_installed

_PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
_INTRO = """# Benchmarks

Whole processes, in turn with Chaos Toolkit's (`chaos --no-version-check`, without its reporting plugin) in the same run
on the same machine; medians, and the median of the pairs' ratios. Ratios travel between machines, milliseconds do not.
Both have their bytecode, as whatever pip installs has.
This page is written by `make bench WRITE=1`; `make bench` prints the table and fails when a limit does not hold.
"""


def main() -> int:
    """Exit code 1 when a limit does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs, for a first look")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args()
    compile_as_installed()
    figures: list[Figure] = []
    for figure in chain(_of_pages(options.quick), all_figures(options.quick), _of_judging(options.quick),
                        of_history(options.quick)):
        print(f"{'held' if figure.held else 'NOT HELD':<9} {figure.found:>9} ({figure.limit})  {figure.what}: "
              f"{figure.ours}; Chaos Toolkit: {figure.theirs}", flush=True)
        figures.append(figure)
    if options.write:
        _PAGE.write_text(_page(figures), encoding="utf-8")
    return 0 if all(figure.held for figure in figures) else 1


def _of_pages(quick: bool) -> Iterator[Figure]:  # noqa: FBT001 -- one switch of one command
    """First of all: they have limits in seconds, and a machine that has worked for minutes is often a slower one."""
    with tempfile.TemporaryDirectory() as name:
        yield from reporting(Path(name), quick)
    with tempfile.TemporaryDirectory() as name:
        yield scheduling(Path(name), quick)


def _of_judging(quick: bool) -> Iterator[Figure]:  # noqa: FBT001 -- one switch of one command
    with tempfile.TemporaryDirectory() as name:
        yield planning(quick)
        yield judging(quick)
        yield hundred_probes(Path(name), quick)


def _page(figures: Sequence[Figure]) -> str:
    rows = [f"| {figure.what} | {figure.ours} | {figure.theirs} | **{figure.found}** | {figure.limit} | "
            f"{figure.bounded_by} |" for figure in figures]
    machine = (f"Measured with Python {platform.python_version()} on {platform.system()} {platform.machine()}, "
               f"chaostoolkit-lib {version('chaostoolkit-lib')}.")
    head = ["| what | chaos-runner | Chaos Toolkit | found | limit | what bounds it |", "|---|---|---|---|---|---|"]
    return "\n".join([_INTRO, *head, *rows, "", machine, ""])


if __name__ == "__main__":
    sys.exit(main())
