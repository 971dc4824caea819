"""Listening at a terminal: no Ctrl-C is missed, whatever was typed just before it."""

import random
import sys
import time

from tests.cli.terminal import Screen, Terminal

TIMES = 2000
LISTENS = """
from chaos_runner.cli.ears import Signalled, listening

with listening(attended=True) as ears:
    print("listening", flush=True)
    heard = 0
    while True:
        if isinstance(ears.listen(), Signalled):
            heard += 1
            print(f"<{heard}>", flush=True)
"""


def wait(for_s: float) -> None:
    """Waits exactly so long, which `sleep` does not."""
    until_s = time.perf_counter() + for_s
    while time.perf_counter() < until_s:
        pass


def test_ctrl_c_right_after_a_line_is_heard_though_the_terminal_throws_the_line_away() -> None:
    with Terminal(["-c", LISTENS], columns=40, program=[sys.executable]) as at:
        at.wait_for("listening")
        for number in range(1, TIMES + 1):
            at.type("a note\n")
            wait(random.uniform(0, 0.0002))
            at.type("\x03")

            def is_heard(screen: Screen, told: str = f"<{number}>") -> bool:
                return any(told in line for line in screen.lines)

            at.wait_for(is_heard)
