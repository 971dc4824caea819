"""Timing whole processes in turn, A B A B …, so that a machine whose speed drifts slows both alike."""

import compileall
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

from msgspec import Struct

import chaos_runner

_LAUNCHER: Final = """
import os, sys, time
nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
began_s = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=nowhere)
_, _, used = os.wait4(child, 0)
print(time.perf_counter() - began_s, used.ru_utime + used.ru_stime, used.ru_maxrss)
"""
"""The most memory that a process ever had is at least what the one had that started it: so a small one does."""


class Timed(Struct, frozen=True):
    """One process from its start to its end."""

    wall_s: float
    cpu_s: float
    peak_mib: float


class Pair(Struct, frozen=True):
    """Two commands, timed in turn."""

    ours: list[Timed]
    theirs: list[Timed]

    @property
    def ratio(self) -> float:
        """The median of the pairs' ratios of wall time."""
        return median(a.wall_s / b.wall_s for a, b in zip(self.ours, self.theirs, strict=True))


def compile_as_installed() -> None:
    """Bytecode for the package, as pip makes it of what it installs, and has made it of Chaos Toolkit.

    A checkout that is installed as editable has none, or an old one, where Python was told not to write any
    (PYTHONDONTWRITEBYTECODE): compiling takes longer than all else that a short run does.
    """
    compileall.compile_dir(Path(chaos_runner.__file__).parent, quiet=1)


def timed(command: Sequence[str], folder: Path) -> Timed:
    """Runs a command once, its output thrown away."""
    told = subprocess.run([sys.executable, "-I", "-S", "-c", _LAUNCHER, *command], stdout=subprocess.PIPE, cwd=folder,
                          check=True)
    wall_s, cpu_s, peak_kib = map(float, told.stdout.split())
    return Timed(wall_s, cpu_s, peak_kib / 1024)


def in_turn(ours: Sequence[str], theirs: Sequence[str], folder: Path, runs: int) -> Pair:
    """Both commands, `runs` times each after one warm-up."""
    timed(ours, folder)
    timed(theirs, folder)
    pairs = [(timed(ours, folder), timed(theirs, folder)) for _ in range(runs)]
    return Pair([pair[0] for pair in pairs], [pair[1] for pair in pairs])
