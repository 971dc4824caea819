"""Tests that are tried once more when they fail, since other people's servers take part in them on a busy machine. Each
one that needed it is told at the end: a test that does is a test to mend.

Never tried again is what tries to break a promise of ours: that it breaks seldom is just what such a test looks for.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tests import turns

PAUSE_S: Final = 2.0
PLACES: Final = {
    "aws": "moto",
    "kubernetes": "a Kubernetes, that takes its time with pods and nodes",
    "lab": "the shop, which must be quick",
    "proxy": "how long bytes take",
}
"""Where tests are that are tried again, as all are that have a turn: with the shop, Prometheus, a browser or a real
node. And what takes part in them.
"""
PROMISES: Final = {
    "aws/test_chaosaws.py", "aws/test_crash.py", "aws/test_deny.py", "aws/test_late.py", "aws/test_rights.py",
    "aws/test_sharing.py", "aws/test_undo_rights.py", "aws/test_unwell.py",
    "kubernetes/test_change.py", "kubernetes/test_crash.py", "kubernetes/test_inverses.py", "kubernetes/test_leases.py",
    "kubernetes/test_limited_places.py", "kubernetes/test_marks.py", "kubernetes/test_network_rights.py",
    "kubernetes/test_parting.py", "kubernetes/test_policy.py", "kubernetes/test_unwell.py",
}
"""Who is there, and is never tried again: runs that are killed or not allowed to undo, others who write meanwhile."""
_TESTS: Final = Path(__file__).parent


def mark(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Without pytest-rerunfailures nothing is tried again."""
    if config.pluginmanager.has_plugin("rerunfailures"):
        for item in items:
            if may_be_tried_again(item.path.relative_to(_TESTS), has_a_turn=turns.has_one(item)):
                item.add_marker(pytest.mark.flaky(reruns=1, reruns_delay=PAUSE_S))


def may_be_tried_again(file: Path, *, has_a_turn: bool) -> bool:
    """By the test's file, from the folder of all tests."""
    return str(file) not in PROMISES and (has_a_turn or file.parts[0] in PLACES)


def told(stats: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    """A line for each test that passed at the second try, with how the first one ended."""
    failed = {report.nodeid for word in ("failed", "error") for report in stats.get(word, ())}
    for report in stats.get("rerun", ()):
        if report.nodeid not in failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            why = crash.message.partition("\n")[0] if crash else str(report.longrepr).rpartition("\n")[2]
            yield f"passed at the second try: {report.nodeid} ({report.when}: {why[:200]})"
