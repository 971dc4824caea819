"""What page, Markdown and console say of gates."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from chaos_runner.cli.console import lines_of
from chaos_runner.clock import FAKE_EPOCH, rfc3339
from chaos_runner.contracts import NoData
from chaos_runner.journal.record import Record
from chaos_runner.report import marks
from chaos_runner.report.markdown import text
from chaos_runner.report.page import html
from chaos_runner.report.sections import hypothesis
from chaos_runner.report.story import Story
from chaos_runner.run.run import Run
from chaos_runner.testing import FakeFault, MemoryRun, readings, run_in_memory

AGAIN = "try again at 2026-11-20 11:10:00 UTC"


def play(read: Any, **more: Any) -> MemoryRun:
    probe = {"name": "p", "probe": "fake.p", "below": 5}
    gate = {"name": "no open incident", "probe": "fake.incidents", "at-most": 0, **more}
    return run_in_memory(
        {"title": "t", "description": "d", "steady-state-hypothesis": {"title": "well", "probes": [probe]},
         "gates": [gate], "method": [{"name": "a", "fault": "fake.a", "duration": "5s"}]},
        faults={"fake.a": FakeFault()}, probes={"fake.p": readings(1), "fake.incidents": readings(read)})


def records(run: MemoryRun) -> list[Record]:
    return [Record(number, rfc3339(FAKE_EPOCH + timedelta(seconds=event.t)), event)  # type: ignore[arg-type]
            for number, event in enumerate(run.events)]


def said(run: MemoryRun) -> Iterator[tuple[str, str]]:
    now = Run.of(run.events[0])  # type: ignore[arg-type]
    for event in run.events[1:]:
        now = now.after(event)
        yield from lines_of(now, event)


@pytest.mark.parametrize(("read", "more", "mark"), [
    (0, {"defer": "10m"}, marks.OPEN), (3, {"defer": "10m"}, marks.DEFERS), (3, {}, marks.CLOSED),
    (NoData("down"), {"defer": "10m"}, marks.NOT_READABLE)])
def test_the_row_of_a_gate_bears_its_result(read: Any, more: dict[str, Any], mark: marks.Mark) -> None:
    run = play(read, **more)
    view = hypothesis.view(Story.of(run.run, records(run)))
    assert view
    [row] = view.stop_rules
    assert (row.kind, row.mark) == ("gate", mark)


def test_page_and_markdown_say_when_to_try_again() -> None:
    run = play(3, defer="10m")
    for told in (html(run.run, records(run)), text(run.run, records(run))):
        assert AGAIN in told
        assert "V110" in told
        assert "defers" in told


@pytest.mark.parametrize(("read", "line"), [
    (0, "no open incident: open (0)"), (3, "no open incident: closed for now (3)"),
    (NoData("the ticket system is down"), "no open incident: closed (the ticket system is down)")])
def test_the_console_says_what_each_gate_read(read: Any, line: str) -> None:
    assert ("gate", line) in list(said(play(read, defer="10m")))
