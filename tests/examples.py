"""How many examples a property is tried with: all of them, or the share that CHAOS_RUNNER_EXAMPLES names."""

import os
from typing import Final

from hypothesis import settings

SHARE_VARIABLE: Final = "CHAOS_RUNNER_EXAMPLES"


def examples(many: int) -> settings:
    """So many examples where all tests are run, fewer in the loop for daily work: others each time."""
    share = float(os.environ.get(SHARE_VARIABLE, "1"))
    return settings(max_examples=max(10, round(many * share)), deadline=None)
