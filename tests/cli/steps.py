"""Actions that tests call as Chaos Toolkit's python provider does."""

import sys
import time


def a_set() -> set[str]:
    """Returns what JSON cannot hold."""
    return {"b", "a"}


def leave() -> None:
    """Tries to end the process it runs in."""
    sys.exit(0)


def busy(seconds: float) -> None:
    """Holds the main thread."""
    time.sleep(seconds)
