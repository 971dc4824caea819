"""Random experiments in a random world: what must always hold does. `CHAOS_RUNNER_FUZZ=20000` plays that many."""

import os
from collections.abc import Iterable
from functools import cache
from typing import Final, NamedTuple

import pytest

from chaos_runner.run import commands as co
from chaos_runner.run.events import StopKind, Verdict
from chaos_runner.run.patience import VERB_LATE_S
from chaos_runner.testing import FakeFault, readings, run_in_memory
from tests.run.invariants import LEFT, complaints
from tests.run.replay import replay
from tests.run.samples import experiment, fault
from tests.run.stories import play, story

SEEDS: Final = int(os.environ.get("CHAOS_RUNNER_FUZZ", "600"))
AT_ONCE: Final = 50
"""Seeds in one test."""
pytestmark = pytest.mark.xdist_group("stories")  # what one test has played is remembered for the others


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_whatever_happens_the_invariants_hold(first: int) -> None:
    broken = [text for seed in range(first, min(first + AT_ONCE, SEEDS)) for text in _wrong(seed)]
    assert not broken, "\n".join(broken)


def _wrong(seed: int) -> list[str]:
    return [f"seed {seed}: {complaint}  ({_how_to_replay(seed)})" for complaint in _played(seed).wrong]


class Played(NamedTuple):
    """What is remembered of a story."""

    wrong: list[str]
    verdict: Verdict | None
    stop: StopKind | None


@cache
def _played(seed: int) -> Played:
    try:
        ending = play(story(seed))
        wrong = complaints(ending)
    except Exception as bug:
        bug.add_note(_how_to_replay(seed))
        raise
    if ending.run is None:
        return Played(wrong, None, None)
    stop = ending.run.run.stop
    return Played(wrong, ending.run.verdict, stop.kind if stop else None)


def _how_to_replay(seed: int) -> str:
    return f"replay: python -m tests.run.replay {seed}"


def test_the_stories_come_to_every_verdict_and_stop_for_every_reason() -> None:
    played = [_played(seed) for seed in range(300)]
    assert {one.verdict for one in played} == {*Verdict, None}
    elsewhere = {StopKind.DIED, StopKind.CONTROL, StopKind.STEP_BROKE, StopKind.STEP_LEFT,
                 StopKind.FAIL_FAST}
    assert {one.stop for one in played} == {*StopKind, None} - elsewhere


def test_a_story_is_the_same_each_time_it_is_played() -> None:
    for seed in range(10):
        assert _without_took(replay(seed)) == _without_took(replay(seed))


def _without_took(lines: Iterable[str]) -> list[str]:
    """A sample also tells how long it took by the machine's clock."""
    return [line.split(", took_s=")[0] for line in lines]


def test_an_apply_that_lands_after_the_run_has_given_it_up_is_not_said_to_be_restored() -> None:
    pause = FakeFault()
    run = run_in_memory(experiment(fault()), faults={"fake.pause": pause}, probes={"fake.errors": readings(0)},
                        latency=lambda command: VERB_LATE_S + 30 if isinstance(command, co.Apply) else 0.0)
    assert pause.state == {"thing-0": "hurt"}
    assert run.restored in LEFT
    assert run.exit == 6
