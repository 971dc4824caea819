"""Every trap, run by Chaos Toolkit and by chaos-runner, side by side. `make truth`

    python -m tests.truth [--write] [WORD…]

Prints what each of them said. With words, only the traps that have one of them in their name.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.truth import table
from tests.truth.runs import ours, theirs
from tests.truth.table import Row
from tests.truth.trap import Trap
from tests.truth.traps import TRAPS

_AT_ONCE = 2


def main() -> int:
    """Exit code 1 when chaos-runner says of a trap what is not listed for it."""
    parser = argparse.ArgumentParser(prog="python -m tests.truth", description=__doc__)
    parser.add_argument("words", nargs="*", help="only traps with one of these words in their name")
    parser.add_argument("--write", action="store_true", help="write the table into docs/verdicts.md")
    options = parser.parse_args()
    chosen = [trap for trap in TRAPS if not options.words or any(word in trap.name for word in options.words)]
    rows = _played(chosen)
    print(f"\n{table.told(rows)}")
    if options.write:
        table.PAGE.write_text(table.written(table.PAGE.read_text(encoding="utf-8"), rows), encoding="utf-8")
    return 0 if all(row.ours.as_expected(row.trap) for row in rows) else 1


def _played(traps: Sequence[Trap]) -> list[Row]:
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(_AT_ONCE) as pool:
        rows: list[Row] = []
        for row in pool.map(_row, traps, [Path(name) / str(number) for number in range(len(traps))]):
            print(_said(row), flush=True)
            rows.append(row)
        return rows


def _row(trap: Trap, folder: Path) -> Row:
    for side in ("ours", "theirs"):
        (folder / side).mkdir(parents=True)
    return Row(trap, ours(trap, folder / "ours"), theirs(trap, folder / "theirs"))


def _said(row: Row) -> str:
    lines = [row.trap.name, f"  true            {row.trap.truth}",
             f"  Chaos Toolkit   {_mark(row.theirs.true_to(row.trap))} {row.theirs}",
             f"  chaos-runner    {_mark(row.ours.true_to(row.trap))} {row.ours.said}"]
    if row.trap.missed:
        lines.append(f"    missed: {row.trap.missed}")
    if not row.ours.as_expected(row.trap):
        lines += [f"    it should say {row.trap.says}", *(f"    | {line}" for line in row.ours.told.splitlines())]
    return "\n".join(lines)


def _mark(true: bool) -> str:  # noqa: FBT001 -- what is so, not how to do it
    return "✔" if true else "✖"


if __name__ == "__main__":
    sys.exit(main())
