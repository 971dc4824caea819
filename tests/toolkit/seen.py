"""What was seen when the scenes were played: each player in a process of its own, once for all who ask."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

PLAYERS = ("theirs", "drop-in", "runner")
ROOT = Path(__file__).parents[2]


@cache
def by(player: str) -> dict[str, dict[str, Any]]:
    """What that player saw of every scene."""
    process = _playing()[player]
    out, err = process.communicate(timeout=300)
    if process.returncode:
        raise RuntimeError(f"{player} ended with {process.returncode}: {err[-2000:]}")
    found: dict[str, dict[str, Any]] = json.loads(out.splitlines()[-1])
    return found


@cache
def _playing() -> dict[str, "subprocess.Popen[str]"]:
    """All of them at once: they mostly wait. Each ends by itself."""
    return {player: subprocess.Popen([sys.executable, "-m", "tests.toolkit.play", player], stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True, cwd=ROOT)
            for player in PLAYERS}
