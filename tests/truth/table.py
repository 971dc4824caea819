"""The table of traps as `docs/verdicts.md` has it."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from msgspec import Struct

from tests.truth.runs import Ours, Theirs
from tests.truth.trap import Trap

PAGE: Final = Path(__file__).parents[2] / "docs" / "verdicts.md"
BEGIN: Final = "<!-- traps: written by `make truth WRITE=1` -->"
END: Final = "<!-- end of the traps -->"
_HEAD: Final = ("| trap | what is true | given | Chaos Toolkit | chaos-runner |", "|---|---|---|---|---|")


class Row(Struct, frozen=True):
    """One trap, run by both."""

    trap: Trap
    ours: Ours
    theirs: Theirs

    def __str__(self) -> str:
        cells = (self.trap.name, self.trap.truth, self.trap.given,
                 _lie(self.theirs.true_to(self.trap), str(self.theirs)),
                 _lie(self.ours.true_to(self.trap), str(self.ours.said)))
        return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _lie(true: bool, words: str) -> str:  # noqa: FBT001 -- what is so, not how to do it
    return words if true else f"**{words}**"


def told(rows: Sequence[Row]) -> str:
    """How many each of them told as they are, in a few sentences."""
    green = sum(1 for row in rows if row.theirs.green and not row.trap.well)
    left = sum(1 for row in rows if row.theirs.left)
    theirs = sum(1 for row in rows if row.theirs.true_to(row.trap))
    ours = sum(1 for row in rows if row.ours.true_to(row.trap))
    alike = [row for row in rows if row.trap.given == "one file"]
    return (f"Of {len(rows)} traps chaos-runner tells {ours} as they are, and misses {len(rows) - ours}. Chaos Toolkit "
            f"tells {theirs}: it is green (exit 0) in {green} where it should not be, and in {left} the fault is left "
            f"behind without a word. In {len(alike)} both had one file with nothing in it that only one of them knows: "
            f"there chaos-runner tells {sum(1 for row in alike if row.ours.true_to(row.trap))}, Chaos Toolkit "
            f"{sum(1 for row in alike if row.theirs.true_to(row.trap))}.")


def table(rows: Sequence[Row]) -> str:
    """Everything between the markers."""
    machine = f"chaostoolkit {version('chaostoolkit')}, chaostoolkit-lib {version('chaostoolkit-lib')}."
    return "\n".join([BEGIN, "", f"{told(rows)} Run with {machine}", "", *_HEAD, *map(str, rows), "", END])


def written(page: str, rows: Sequence[Row]) -> str:
    """The page with this table in the place of its own."""
    before, _, rest = page.partition(BEGIN)
    return before + table(rows) + rest.partition(END)[2]


def in_the_page(page: str) -> dict[str, tuple[str, str]]:
    """What the page says that Chaos Toolkit and chaos-runner say, by the name of the trap."""
    between = page.partition(BEGIN)[2].partition(END)[0]
    lines = [line for line in between.splitlines() if line.startswith("| ")][1:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: (row[3], row[4]) for row in cells}
