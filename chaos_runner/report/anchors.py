"""Names that links lead to: made of what people call a thing, so that a link from last week still finds it."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from chaos_runner.run.run import Run

_MOST: Final = 48
_NO_WORD: Final = r"[^a-z0-9]+"


def of_probes(run: Run) -> list[str]:
    """One for each watched probe, in their order: "probe-p99-latency"."""
    return anchors("probe", (probe.name for probe in run.plan.watched))


def anchors(kind: str, names: Iterable[str]) -> list[str]:
    """One for each name, no two alike: letters and digits of ASCII, and hyphens."""
    seen: Counter[str] = Counter()
    made = []
    for name in names:
        word = re.sub(_NO_WORD, "-", name[:4 * _MOST].lower()).strip("-")[:_MOST].rstrip("-") or "unnamed"
        seen[word] += 1
        made.append(f"{kind}-{word}" if seen[word] == 1 else f"{kind}-{word}.{seen[word]}")
    return made
