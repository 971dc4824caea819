"""Actions that tests call as Chaos Toolkit's python provider does."""

import os
import signal
import sys
import threading
import time
from pathlib import Path


def a_set() -> set[str]:
    """Returns what JSON cannot hold."""
    return {"b", "a"}


def leave() -> None:
    """Tries to end the process it runs in."""
    sys.exit(0)


def busy(seconds: float) -> None:
    """Holds the main thread."""
    time.sleep(seconds)


def leave_with(value: object) -> bool:
    """A tolerance that tries to end the process it runs in."""
    sys.exit(0)


def leave_at_once() -> None:
    """Tries to end the process without a word."""
    os._exit(0)


def break_handlers() -> None:
    """Takes the signals for itself."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def chatter() -> None:
    """Prints to standard output, by Python and by descriptor."""
    print("hello from a step", flush=True)
    os.write(1, b"hello again\n")


def say(text: str) -> None:
    """Prints what it is given."""
    print(text, flush=True)


def fail(text: str) -> None:
    """Raises what it is given."""
    raise RuntimeError(text)


def remove_slowly(path: str, seconds: float) -> None:
    """Takes a file away, after a while."""
    time.sleep(seconds)
    Path(path).unlink(missing_ok=True)


def make(path: str) -> None:
    """Makes a file."""
    Path(path).touch()


def close_everything() -> None:
    """Closes what it did not open."""
    os.closerange(3, 200)


def stay() -> None:
    """Leaves a thread behind that never ends."""
    threading.Thread(target=time.sleep, args=(300,)).start()


def go_away() -> None:
    """Changes the folder of the process."""
    os.chdir("/")
