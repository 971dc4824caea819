"""Activities that tell that they were called."""

import sys
import time
from typing import Any

CALLED: list[str] = []
"""What was called, in order."""
_SAID: dict[str, int] = {}


def reset() -> None:
    """Nothing was called yet."""
    CALLED.clear()
    _SAID.clear()


def do(name: str) -> str:
    """Does nothing but say so."""
    CALLED.append(name)
    return name


def say(name: str, answers: list[Any]) -> Any:
    """The next of these answers, the last one for ever. One that is "raise" is raised."""
    CALLED.append(name)
    number = _SAID.get(name, 0)
    _SAID[name] = number + 1
    answer = answers[min(number, len(answers) - 1)]
    if answer == "raise":
        raise RuntimeError("as told")
    return answer


def fail(name: str) -> None:
    """Raises."""
    CALLED.append(name)
    raise RuntimeError("as told")


def leave(name: str) -> None:
    """Asks the process to leave."""
    CALLED.append(name)
    sys.exit(3)


def nap(name: str, seconds: float) -> str:
    """Takes a while."""
    CALLED.append(name)
    time.sleep(seconds)
    return name


def odd(name: str) -> set[int]:
    """Gives what JSON does not have."""
    CALLED.append(name)
    return {1}


def known(name: str, configuration: dict[str, Any], secrets: dict[str, Any] | None = None) -> list[Any]:
    """What it is given beside its arguments."""
    CALLED.append(name)
    return [configuration.get("who"), (secrets or {}).get("token")]


def safeguard(name: str, *, harshly: bool = False) -> None:
    """What the safeguards of Chaos Toolkit's addons do when they want the run to end."""
    from chaoslib.exit import exit_gracefully, exit_ungracefully

    CALLED.append(name)
    (exit_ungracefully if harshly else exit_gracefully)()  # type: ignore[no-untyped-call]  # chaoslib's
    time.sleep(5)
