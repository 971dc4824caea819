"""What the traps' experiments call by Chaos Toolkit's python provider."""

import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

from tests.truth.trap import FAULT


def busy(seconds: float) -> None:
    """Holds the thread it runs on."""
    time.sleep(seconds)


def fail() -> None:
    """Raises, as an extension whose credentials have expired."""
    raise RuntimeError("access denied")


def fail_late() -> None:
    """Raises when everybody looks elsewhere."""
    time.sleep(0.3)
    fail()


def log_only() -> bool:
    """Catches its own error, logs it, and returns."""
    logging.getLogger("chaostoolkit").error("access denied")
    return False


def hurt_all(name: str) -> list[str]:
    """Hurts everything of that name: there is none."""
    return []


def refuse() -> dict[str, Any]:
    """Returns its error instead of raising it."""
    return {"error": "access denied"}


def leave() -> None:
    """Ends the process with status 0."""
    sys.exit(0)


def leave_at_once() -> None:
    """Ends the process with status 0 and without a word."""
    os._exit(0)


def become_true() -> None:
    """Replaces the process by one that ends with status 0."""
    os.execvp("true", ["true"])  # noqa: S606 -- this is what the trap is about


def leave_with(value: object) -> bool:
    """A tolerance that ends the process, unless it is calm."""
    if value == "calm":
        return True
    sys.exit(0)


def leave_at_once_with(value: object) -> bool:
    """A tolerance that ends the process without a word, unless it is calm."""
    if value == "calm":
        return True
    os._exit(0)


def hurt() -> bool:
    """Whether the fault acts."""
    return Path(FAULT).exists()


def weather(calm: Any, storm: Any) -> Any:
    """One answer in calm weather, another while the fault acts. "nan" stands for what JSON has no word for."""
    answer = storm if hurt() else calm
    return float("nan") if answer == "nan" else answer


def raise_in_storm() -> bool:
    """A probe that raises while the fault acts."""
    if hurt():
        raise RuntimeError("no answer")
    return True


def a_set() -> set[str]:
    """Returns what JSON cannot hold."""
    return {"a"}


def one_second_late() -> bool:
    """A probe that needs a second for its answer while the fault acts."""
    if hurt():
        time.sleep(1)
    return True
