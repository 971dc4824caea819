"""The ways out of a process, shut while foreign code runs: it would end the run with its own exit code, 0 included."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

_SHUT: Final = ("_exit", "execv", "execve")
"""All others of `os` come down to these. `sys.exit` raises by itself; C code that leaves cannot be held."""
_held = threading.local()


@contextmanager
def no_way_out() -> Iterator[None]:
    """On this thread `os._exit` and `os.exec…` raise SystemExit meanwhile.

    Children that foreign code forks leave as they like, and so do our other threads.
    """
    before, _held.pid = getattr(_held, "pid", None), os.getpid()
    try:
        yield
    finally:
        _held.pid = before


def _shut(name: str) -> Callable[..., Any]:
    real: Callable[..., Any] = getattr(os, name)

    def leave(*words: Any) -> Any:
        if getattr(_held, "pid", None) != os.getpid():
            return real(*words)
        raise SystemExit(f"the step called os.{name}({', '.join(map(repr, words))})")

    return leave


for _name in _SHUT:  # once and for good: threads that put it back each for itself would open it for one another
    setattr(os, _name, _shut(_name))
