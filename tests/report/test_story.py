from functools import reduce

import pytest

from chaos_runner.report.story import Story
from chaos_runner.run.events import RunStarted, Sampled
from chaos_runner.run.run import Run
from tests.report import stories


@pytest.mark.parametrize("name", stories.TOLD)
def test_events_that_are_folded_at_once_make_the_run_that_they_make_one_by_one(name: str) -> None:
    _, records = stories.TOLD[name]()
    started, *events = [record.event for record in records]
    assert isinstance(started, RunStarted)
    assert Run.of(started).after_all(events) == reduce(Run.after, events, Run.of(started))


def test_of_samples_only_those_that_turn_are_told() -> None:
    story = Story.of(*stories.aborted())
    rule = [(record.event.t, record.event.good) for record in story.turns
            if isinstance(record.event, Sampled) and record.event.probe == 1]
    assert rule == [(1.01, True), (14.01, False)]
    assert sum(not isinstance(record.event, Sampled) for record in story.turns) == len(story.records) - story.count
