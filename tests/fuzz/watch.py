"""Calling what is fuzzed so that nothing of it gets away: an uncaught error, a hang, or all the memory there is."""

import io
import resource
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Final

import click
from msgspec import Struct

from chaos_runner.errors import ChaosRunnerError

HANG_S: Final = 2.0
"""Of this process' own time."""
WAIT_S: Final = 20.0
"""By the clock: a machine may be busy."""
MEMORY_MOST: Final = 500 * 2**20
_OURS: Final = ("/chaos_runner/", "/tests/fuzz/entrances")


class Hung(BaseException):
    """It took too long. No Exception, so that nobody who catches those catches it."""


class Trouble(Struct, frozen=True):
    """What went wrong: `kind` is the same for the same bug, `told` is for whoever mends it."""

    kind: str
    told: str


def trouble_of(call: Callable[[], None]) -> Trouble | None:
    """Calls it. Whatever is neither a return nor an error for people is trouble."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        try:
            with _alarmed():
                call()
        except SystemExit as left:
            return None if left.code in (0, 2, None) else Trouble(f"left with {left.code}", "")
        except (ChaosRunnerError, click.ClickException) as problem:
            return _told(problem) if problem.exit_code == ChaosRunnerError.exit_code else None
        except (Exception, Hung) as problem:  # noqa: BLE001 -- this is what is looked for
            return _told(problem)
    return None


def bound_memory() -> None:
    """From here on this process gets MEMORY_MOST more than it has, and a MemoryError for what is above."""
    has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + MEMORY_MOST, resource.RLIM_INFINITY))


def _told(problem: BaseException) -> Trouble:
    frames = traceback.extract_tb(problem.__traceback__)
    ours = [frame for frame in frames if any(part in frame.filename for part in _OURS)] or frames
    last = ours[-1]
    kind = f"{type(problem).__name__} at {Path(last.filename).name}:{last.lineno}"
    return Trouble(kind, "".join(traceback.format_exception(problem)[-8:]))


@contextmanager
def _alarmed() -> Iterator[None]:
    before = {number: signal.signal(number, _hung) for number in (signal.SIGPROF, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_PROF, HANG_S)
    signal.setitimer(signal.ITIMER_REAL, WAIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _hung(number: int, _: object) -> None:
    raise Hung(f"longer than {HANG_S if number == signal.SIGPROF else WAIT_S} s")
