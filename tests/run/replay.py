"""Plays the story of a seed once more and prints it: `python -m tests.run.replay SEED`."""

import json
import sys
from collections.abc import Iterator

from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from tests.run.invariants import complaints
from tests.run.stories import Story, play, story
from tests.run.worlds import Told


def replay(seed: int) -> Iterator[str]:
    """The experiment, what was told, and what is wrong with it, line by line."""
    told = story(seed)
    yield from _setting(told)
    ending = play(told)
    yield from (line for what in ending.world.trace if (line := _line(what)))
    yield f"hurt: {ending.hurt or 'nothing'}"
    yield from (f"WRONG: {complaint}" for complaint in complaints(ending))


def _setting(told: Story) -> Iterator[str]:
    yield json.dumps(told.experiment, indent=1)
    for name, fault in told.faults.items():
        yield f"{name}: raises {fault.moods}, stays hurt: {fault._stays_hurt}, healed by {fault.healed_by or 'nobody'}"
    lost = told.journal_fails_at.__name__ if told.journal_fails_at else "nothing"
    yield f"from outside: {told.items}; journal lost at: {lost}; rollbacks: {told.strategy}; slow: {told.slow}"


def _line(what: Told) -> str:
    match what:
        case ev.RunStarted() | co.Wake():
            return ""
        case ev.Event():
            return f"{what.t:9.3f}  {str(what)[:160]}"
        case _:
            return f"{'':9}    > {what}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in replay(int(sys.argv[1])))
