"""A year of a hundred schedules: read, worked out, and printed."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure

SCHEDULES: Final = 100
ZONES: Final = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
_EXPERIMENT: Final = """title: t
description: d
method:
  - {name: cut, fault: proxy.cut, target: {proxy: "db-%d"}, duration: 30s}
"""
_SCHEDULE: Final = """experiment: experiments/%d.yaml
cron: "%d %d * * *"
timezone: %s
jitter: 10m
window: 08:00-18:00
days: mon-fri
blackouts: [{from: 2026-12-20, to: 2027-01-06, why: the end of the year}]
"""


def scheduling(folder: Path, quick: bool) -> Figure:  # noqa: FBT001 -- one switch of one command
    """The whole command, from its start to its last line: the best of a few times."""
    _project(folder)
    took_s, rows = min(_previewed(folder) for _ in range(2 if quick else 5))
    what = f"`schedule preview --days 365` of {SCHEDULES} schedules ({rows:,} occurrences, an experiment each)"
    return Figure(what=what, ours=f"{took_s * 1000:.0f} ms", theirs="has no schedules", found=f"{took_s:.2f} s",
                  limit="≤ 1 s", held=took_s <= 1,
                  bounded_by="the interpreter: an object and a line for each occurrence")


def _project(folder: Path) -> None:
    for name in ("experiments", "schedules"):
        (folder / name).mkdir()
    for number in range(SCHEDULES):
        (folder / "experiments" / f"{number}.yaml").write_text(_EXPERIMENT % number)
        zone = ZONES[number % len(ZONES)]
        text = _SCHEDULE % (number, number * 7 % 60, 8 + number % 10, zone)
        (folder / "schedules" / f"{number:03d}.yaml").write_text(text)


def _previewed(folder: Path) -> tuple[float, int]:
    command = [sys.executable, "-m", "chaos_runner", "schedule", "preview", "--days", "365", "--from", "2026-11-21"]
    began_s = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True,
                          env={**os.environ, "NO_COLOR": "1"})
    took_s = time.perf_counter() - began_s
    return took_s, sum(line.startswith(("●", "○")) for line in done.stdout.splitlines())
