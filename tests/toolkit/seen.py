"""What was seen when the scenes were played: each player in a process of its own, once for all who ask."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@cache
def by(player: str) -> dict[str, dict[str, Any]]:
    """What that player saw of every scene."""
    done = subprocess.run([sys.executable, "-m", "tests.toolkit.play", player], capture_output=True, text=True,
                          cwd=ROOT, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"{player} ended with {done.returncode}: {done.stderr[-2000:]}")
    found: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found
