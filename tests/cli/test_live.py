"""What stands in a frame of the live view, at every width and height, from runs that take no time."""

from collections.abc import Callable
from itertools import accumulate, product
from typing import Any

import pytest

from chaos_runner.cli.frame import View, frame
from chaos_runner.cli.moment import clock
from chaos_runner.cli.recent import Recent, bars
from chaos_runner.experiment.findings import Place
from chaos_runner.experiment.model import Comparison, Limit, Native, Probe
from chaos_runner.run import events as ev
from chaos_runner.run.events import Phase, Sampled
from chaos_runner.run.run import Run
from chaos_runner.testing import FakeFault, run_in_memory, signal_at
from tests.run.samples import experiment, fault, probe


def _well(_: float) -> float:
    return 0.0


def moments(data: dict[str, Any], value: Callable[[float], Any] = _well, **more: Any) -> list[View]:
    """Every moment of a run, as the live view would meet it."""
    done = run_in_memory(data, faults={"fake.pause": FakeFault(targets=3)}, probes={"fake.errors": value}, **more)
    first, *rest = done.events
    assert isinstance(first, ev.RunStarted)
    recent = {number: Recent(watched) for number, watched in enumerate(first.plan.watched)}
    runs = list(accumulate(rest, Run.after, initial=Run.of(first)))
    views = []
    for run, event in zip(runs[1:], rest, strict=True):
        if isinstance(event, Sampled):
            recent[event.probe].add(event)
        views.append(View(run, run.t, recent))
    return views


def drawn(view: View, width: int = 79, height: int = 23) -> str:
    return "\n".join(line.plain for line in frame(view, width, height))


@pytest.mark.slow
def test_no_frame_is_wider_or_higher_than_its_terminal() -> None:
    names = ["short", "a name that is much longer than any terminal is wide " * 3, "界" * 60]
    data = experiment(fault(name=names[1]), probes=[probe(name) for name in names])
    for view, width, height in product(moments(data), (19, 39, 59, 60, 79, 200), (3, 8, 23)):
        lines = frame(view, width, height)
        assert len(lines) <= height
        assert max(line.cell_len for line in lines) <= width


def test_where_there_is_no_room_the_headline_what_ctrl_c_does_and_what_is_bad_stay() -> None:
    data = experiment(fault(duration="60s"), probes=[probe(f"probe {number}") for number in range(30)])
    view = next(view for view in moments(data, lambda t: 9 if t > 20 else 0) if view.t > 30)
    text = drawn(view, height=5)
    assert text.startswith("✖ 30 probes are outside their limits")
    assert "Ctrl-C stops and undoes" in text
    assert "✖ bad for" in text


def test_each_stage_says_what_the_next_ctrl_c_does() -> None:
    stopped = {drawn(view).splitlines()[-1].strip() for view in moments(
        experiment(fault(duration="60s")), items=[signal_at(20)])}
    untouched = {drawn(view).splitlines()[-1].strip() for view in moments(experiment(fault()))}
    assert stopped >= {"Ctrl-C stops: nothing has been touched yet", "Ctrl-C again skips the waits, and still undoes",
                       "Ctrl-C stops and undoes 3 changes (again: skips waits, still undoes)"}
    assert untouched >= {"Ctrl-C ends the wait for recovery: everything is undone"}


def test_a_fault_s_band_stands_above_the_samples_it_was_taken_with() -> None:
    view = next(view for view in moments(experiment(fault(duration="60s")), lambda t: 9 if t > 5 else 0)
                if view.t > 40)
    [band] = [line for line in drawn(view).splitlines() if "▨▨" in line]
    [line] = [line for line in drawn(view).splitlines() if line.startswith("  errors")]
    assert {band.index("▨") - line.index("█")} <= {-1, 0, 1}


@pytest.mark.parametrize(("comparison", "good", "bad"), [
    (Comparison.BELOW, (0, 0.1, 0.29), (0.31, 0.5, 99)), (Comparison.AT_LEAST, (0.3, 0.5, 99), (0, 0.1, 0.29))])
def test_a_bar_says_by_its_shape_alone_on_which_side_of_the_limit_it_is(
        comparison: Comparison, good: tuple[float, ...], bad: tuple[float, ...]) -> None:
    watched = limited(comparison)
    inside = {line(watched, value, good=True) for value in good}
    outside = {line(watched, value, good=False) for value in bad}
    assert not inside & outside


@pytest.mark.parametrize("value", [None, True, "text", float("nan"), float("inf"), -1, {"status": 200}, 10**400])
def test_whatever_a_probe_gives_has_a_sign(value: Any) -> None:
    for comparison in Comparison:
        for good in (True, False, None):
            assert len(line(limited(comparison), value, good=good)) == 1


def test_a_second_in_which_nothing_was_read_is_a_gap_and_silence_is_a_question() -> None:
    watched = limited(Comparison.BELOW)
    recent = Recent(watched)
    for t, good in ((1.0, True), (3.0, None)):
        recent.add(Sampled(t=t, probe=0, phase=Phase.DURING, good=good, value=0.1))
    assert bars(watched, recent.columns(4.5, 60)).endswith(" ▂ ? ")


def test_a_minute_at_a_thousand_samples_a_second_is_kept_in_a_hundred_cells() -> None:
    recent = Recent(limited(Comparison.BELOW))
    for number in range(300_000):
        recent.add(Sampled(t=number / 1000, probe=0, phase=Phase.DURING, good=True, value=0.1))
    assert len(recent._seconds) <= 121


def test_a_clock_shows_hours_only_where_there_are_any() -> None:
    assert [clock(seconds) for seconds in (-1, 7.9, 75, 3725)] == ["0:00", "0:07", "1:15", "1:02:05"]


def limited(comparison: Comparison) -> Probe:
    bounds = (0.1, 0.3) if comparison is Comparison.BETWEEN else (0.3,)
    return Probe(name="p", call=Native("fake.errors"), judge=Limit(comparison=comparison, bounds=bounds),
                 place=Place("f", 1, 1), every_s=1.0)


def line(watched: Probe, value: Any, *, good: bool | None) -> str:
    recent = Recent(watched)
    recent.add(Sampled(t=0.0, probe=0, phase=Phase.DURING, good=good, value=value))
    return bars(watched, recent.columns(0.5, 60))[-1]
