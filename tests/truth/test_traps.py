"""Every false-green trap is told as it is, and the page says the same."""

from pathlib import Path

import pytest

from tests.truth import table
from tests.truth.runs import Ours, Theirs, ours, theirs
from tests.truth.table import Row
from tests.truth.trap import Said, Trap
from tests.truth.traps import TRAPS

BY_NAME = {trap.name: trap for trap in TRAPS}
MEASURED = ("an action raises", "a range meets a text", "SIGTERM comes while a process works", "a rollback raises")
"""Traps that these tests give to Chaos Toolkit too; all of them: `make truth`."""


def on_the_page() -> dict[str, tuple[str, str]]:
    return table.in_the_page(table.PAGE.read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("trap", TRAPS, ids=str)
def test_a_trap_is_told_as_the_table_says(trap: Trap, tmp_path: Path) -> None:
    found = ours(trap, tmp_path)
    assert found.said == trap.says, found.told
    assert found.as_expected(trap), f"the fault is left, and nothing says so: {found.told}"


@pytest.mark.slow
@pytest.mark.parametrize("name", MEASURED)
def test_what_the_page_says_of_chaos_toolkit_is_what_it_does(name: str, tmp_path: Path) -> None:
    told, _ = on_the_page()[name]
    assert told == f"**{theirs(BY_NAME[name], tmp_path)}**"


def test_at_least_thirty_traps_are_told_as_they_are() -> None:
    assert sum(1 for trap in TRAPS if not trap.missed) >= 30


def test_a_trap_that_is_missed_is_never_counted_as_told() -> None:
    trap = next(trap for trap in TRAPS if trap.missed)
    assert not Ours(trap.says, left=False).true_to(trap)


def test_every_trap_has_its_own_name() -> None:
    assert len(BY_NAME) == len(TRAPS)


def test_the_page_names_the_same_traps_and_says_the_same_of_them() -> None:
    assert {name: told for name, (_, told) in on_the_page().items()} == {
        trap.name: f"**{trap.says}**" if trap.missed else str(trap.says) for trap in TRAPS}


def test_a_table_that_is_written_is_the_one_that_is_read() -> None:
    trap = TRAPS[0]
    row = Row(trap, Ours(trap.says, left=False), Theirs(0, "completed", deviated=False, left=True))
    page = table.written(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n", [row])
    assert page.startswith("before\n")
    assert page.endswith("\nafter\n")
    assert table.in_the_page(page) == {trap.name: ("**completed, exit 0; fault left behind**", str(trap.says))}
    assert "Of 1 traps chaos-runner tells 1 as they are, and misses 0. Chaos Toolkit tells 0" in page


def test_a_fault_that_is_left_is_a_lie_unless_it_is_said() -> None:
    trap = TRAPS[0]
    assert not Ours(trap.says, left=True).true_to(trap)
    left = Said(6, "V402", "error", "unknown")
    assert Ours(left, left=True).true_to(Trap(name="x", truth="y", experiment={}, says=left))
