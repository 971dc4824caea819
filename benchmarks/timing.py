"""Timing whole processes in turn, A B A B …, so that a machine whose speed drifts slows both alike."""

import compileall
import os
import resource
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from msgspec import Struct

import chaos_runner


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
    began_s = time.perf_counter()
    with Path(os.devnull).open("wb") as nowhere:
        child = subprocess.Popen(command, stdout=nowhere, stderr=nowhere, cwd=folder)
        _, _, usage = os.wait4(child.pid, 0)
    child.returncode = 0
    return Timed(time.perf_counter() - began_s, usage.ru_utime + usage.ru_stime, _mib(usage))


def _mib(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / 1024


def in_turn(ours: Sequence[str], theirs: Sequence[str], folder: Path, runs: int) -> Pair:
    """Both commands, `runs` times each after one warm-up."""
    timed(ours, folder)
    timed(theirs, folder)
    pairs = [(timed(ours, folder), timed(theirs, folder)) for _ in range(runs)]
    return Pair([pair[0] for pair in pairs], [pair[1] for pair in pairs])
