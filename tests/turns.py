"""Tests that load the machine, or feel its load, have it one after the other, in this order and in one process: a shop
that answers in milliseconds does not, while a browser starts beside it or a cluster does.
"""

from typing import Final

import pytest

_GROUP: Final = "machine"

BROWSER: Final = pytest.mark.xdist_group(_GROUP, turn=0)
MONITORING: Final = pytest.mark.xdist_group(_GROUP, turn=1)
SCAN: Final = pytest.mark.xdist_group(_GROUP, turn=2)
"""A scan sees the marks of tests beside it, and one for what has expired undoes them."""
REAL_NODE: Final = pytest.mark.xdist_group(_GROUP, turn=3)
"""There is one, and whoever else wants it waits."""
SHOP: Final = pytest.mark.xdist_group(_GROUP, turn=4)
"""Experiments find a shop by its command lines, and measure how quick it is. Last, when nothing is built any more."""

_CLUSTERS: Final = {"simulated", "real_node"}


def has_one(item: pytest.Item) -> bool:
    """Whether a test is one of those above."""
    return any("turn" in group.kwargs for group in item.iter_markers("xdist_group"))


def turn(item: pytest.Item) -> tuple[int, int]:
    """What a test is sorted by. Who has the machine comes first, being long; then what is slow, and of that last what
    needs a cluster, which may still be built meanwhile; and last what is quick: so all processes end together.
    """
    group = item.get_closest_marker("xdist_group")
    if group:
        return 0, group.kwargs.get("turn", -1)
    if not item.get_closest_marker("slow"):
        return 3, 0
    return (2 if _CLUSTERS & set(getattr(item, "fixturenames", ())) else 1), 0
