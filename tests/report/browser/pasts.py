"""The pages about many runs, of folders as the runner writes them."""

from pathlib import Path

import pytest

from chaos_runner.history.comparing import compared
from chaos_runner.history.store import ask
from chaos_runner.report import difference, index, trend
from tests.history.folders import run_id, written

_TOLD = ("passed", "deviated", "not-restored", "aborted", "not-started", "interrupted", "nothing", "reported-only")
_LONG = "A node is lost in the payment region and nobody notices for an hour because all caches are warm"
NAMES = ("index", "trend", "difference")


def pages(reports: Path) -> dict[str, str]:
    """One of each kind, by its name."""
    for number, story in enumerate(_TOLD):
        written(reports, number, story, title=_LONG if story == "aborted" else "")
    rows, probes = ask(reports, lambda history: (
        history.trend("Checkout", 50), history.probes([run_id(number) for number in range(len(_TOLD))])), pytest.fail)
    before, after = (reports / "runs" / run_id(number) for number in (0, 1))
    return {"index": ask(reports, lambda history: index.html(history, reports), pytest.fail),
            "trend": trend.html(rows, probes, "../"), "difference": difference.html(compared(before, after), "../")}
