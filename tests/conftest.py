"""What all tests share."""

import os
import signal
import sys
from pathlib import Path
from typing import Final

import pytest

from tests import again, turns

# Without bytecode every process that a test starts would compile the package anew, which takes it twice as long.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A pipeline that runs these tests says that its machine is thrown away, and that refuses some faults.
os.environ.pop("CI", None)

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path(os.environ.get("HOME", "/tmp")) / ".cache") / "chaos-runner"
_TOXIPROXY = _CACHE / "toxiproxy-2.12.0" / "server"

if _TOXIPROXY.exists():
    os.environ.setdefault("CHAOS_RUNNER_TOXIPROXY", str(_TOXIPROXY))

if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # under nohup: what the tests start must still hear a hang-up
    signal.signal(signal.SIGHUP, lambda *_: None)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a shell's background: neither would they hear Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

_FEWER: Final = {"CHAOS_RUNNER_EXAMPLES": "0.15", "CHAOS_RUNNER_FUZZ": "150"}
"""How many random things the loop for daily work tries. All the tests try them all."""
_QUICK: Final = "not slow"
_NAMED_MOST = 60


def pytest_configure(config: pytest.Config) -> None:
    config.option.loadscopereorder = False  # groups come in the order of `turns`, not the longest first
    if config.option.markexpr == _QUICK:
        os.environ.update({name: much for name, much in _FEWER.items() if name not in os.environ})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=turns.turn)
    again.mark(config, items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in again.told(terminalreporter.stats):
        terminalreporter.write_line(line, yellow=True)


def pytest_make_parametrize_id(val: object) -> str | None:
    """A long text in a test's name would be in the environment of every process that it starts, and too long for it."""
    if not isinstance(val, str | bytes) or len(val) <= _NAMED_MOST:
        return None
    return f"{val[:_NAMED_MOST]!a}... ({len(val)})"
