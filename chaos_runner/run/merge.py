"""One verdict and one exit code for many runs."""

from collections.abc import Sequence
from typing import Final

from chaos_runner.run.events import Verdict
from chaos_runner.run.verdict import NOT_RESTORED_EXIT

ORDER: Final = (Verdict.DEVIATED, Verdict.ABORTED, Verdict.INTERRUPTED, Verdict.ERROR, Verdict.INCONCLUSIVE,
                Verdict.NOT_STARTED, Verdict.PASSED)
"""The first of these that any run has is the verdict of all."""


def merged(ends: Sequence[tuple[Verdict, int]]) -> tuple[Verdict, int]:
    """The verdict and the exit code of many runs: exit 6 first, then the order above. Passed when there is none."""
    if not ends:
        return Verdict.PASSED, 0
    verdict, exit_code = min(ends, key=lambda end: ORDER.index(end[0]))
    return verdict, NOT_RESTORED_EXIT if any(code == NOT_RESTORED_EXIT for _, code in ends) else exit_code
