"""Builds the lab's programs with Go, once, into the cache.

Two builds at the same time wait for one another. A program is built in a folder beside its own, which is renamed when
the program is whole.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final, Self

from msgspec import Struct

from chaos_runner.errors import Refused
from chaos_runner.lab.kubernetes.programs import SOURCES, Program, cache

_GO_BESIDE_THE_PATH: Final = "/usr/local/go/bin/go"
_LOOK_S: Final = 0.5
_KEPT_UNUSED_S: Final = 14 * 24 * 3600
_TAIL_LINES: Final = 12


class Step(Struct, frozen=True):
    """How far the building of one program is: seconds since it began, Go packages compiled in this build."""

    program: Program
    elapsed_s: float
    packages: int
    done: bool = False


Say = Callable[[Sequence[Step]], object]
"""Is told about twice a second how far every program is, and a last time when all are there."""


def missing(programs: Sequence[Program]) -> list[Program]:
    """Those that are not in the cache."""
    return [program for program in programs if not program.file.exists()]


def build(programs: Sequence[Program], say: Say) -> None:
    """Builds those that are not in the cache, all at the same time.

    Raises Refused when there is no Go, or when Go says no.
    """
    if missing(programs):
        with _alone():
            if wanted := missing(programs):  # another may have built them while we waited
                _build(wanted, say)
    for program in programs:
        os.utime(program.folder)


def go() -> str | None:
    """Where Go is, if it is."""
    return shutil.which("go") or (_GO_BESIDE_THE_PATH if Path(_GO_BESIDE_THE_PATH).exists() else None)


def _build(wanted: Sequence[Program], say: Say) -> None:
    tool = go()
    if tool is None:
        names = " and ".join(program.what for program in wanted)
        raise Refused(f"{names} must be built once, and there is no Go: install Go (go.dev/dl, Debian's golang), "
                      "or name a folder with the programs in KUBEBUILDER_ASSETS")
    with contextlib.ExitStack() as stack:
        builds = [stack.enter_context(_Build(program, tool)) for program in wanted]
        while any(build.is_running() for build in builds):
            say([build.step() for build in builds])
            time.sleep(_LOOK_S)
        for build in builds:
            build.keep()
        say([build.step() for build in builds])
    for program in wanted:
        _forget_unused(program)


class _Build:
    """One `go` that runs. Leaving the block ends it and removes what was not kept."""

    def __init__(self, program: Program, tool: str) -> None:
        self.program = program
        self._began_s = time.monotonic()
        self._folder = Path(tempfile.mkdtemp(prefix=f".{program.name}-", dir=cache()))
        self._log = (self._folder / "log").open("w+", encoding="utf-8")
        self._go = _started(program, tool, self._folder, self._log)
        self._elapsed_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._go.terminate()
        self._go.wait()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def is_running(self) -> bool:
        running = self._go.poll() is None
        if running or not self._elapsed_s:
            self._elapsed_s = time.monotonic() - self._began_s
        return running

    def step(self) -> Step:
        packages = sum(not line.startswith("go: ") for line in self._said().splitlines())
        return Step(self.program, self._elapsed_s, packages, done=self._go.poll() == 0)

    def keep(self) -> None:
        """Puts the program into its place. Raises Refused with the end of what Go said when it did not work."""
        if self._go.returncode != 0:
            tail = "\n".join(f"  {line}" for line in self._said().splitlines()[-_TAIL_LINES:])
            raise Refused(f"{self.program.what} could not be built: go ended with {self._go.returncode}:\n{tail}")
        (self._folder / self.program.built_name).rename(self._folder / self.program.name)
        (self._folder / "log").unlink()
        self._folder.chmod(0o755)
        self._folder.rename(self.program.folder)

    def _said(self) -> str:
        return os.pread(self._log.fileno(), 1 << 24, 0).decode(errors="replace")


def _started(program: Program, tool: str, folder: Path, log: IO[str]) -> "subprocess.Popen[bytes]":
    """`-v` makes Go print each package that it compiles."""
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
    if program.is_ours:
        command = [tool, "build", "-v", *program.flags, "-o", str(folder / program.built_name), "."]
        where = SOURCES / program.package
    else:
        command = [tool, "install", "-v", *program.flags, program.package]
        where = folder
        environment["GOBIN"] = str(folder)
    return subprocess.Popen(command, cwd=where, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _forget_unused(program: Program) -> None:
    """Removes other versions of it that nobody has asked for in two weeks."""
    for folder in cache().glob(f"{program.name}-*"):
        if folder != program.folder and time.time() - folder.stat().st_mtime > _KEPT_UNUSED_S:
            shutil.rmtree(folder, ignore_errors=True)
