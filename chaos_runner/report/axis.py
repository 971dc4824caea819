"""The one time axis of the page, shared by every lane and chart.

Lanes, ticks and labels stand at percents of the width, so that text keeps its size on any screen. Lines are drawn on a
ruler of 1000 that is stretched to the same width.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec import Struct, structs

from chaos_runner.report import times
from chaos_runner.run.events import Phase, Stage
from chaos_runner.run.run import Run

WIDTH: Final = 1000.0
NARROWEST: Final = 0.3
"""Percent of the width that the shortest stretch still has."""
ROOM_FOR_A_WORD: Final = 8
TICKS_MOST: Final = 6
_STEPS_S: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


class Span(Struct, frozen=True, kw_only=True):
    """A stretch of time in percent of the axis, with its words."""

    x: float
    width: float
    word: str = ""
    title: str = ""
    kind: str = ""


class Tick(Struct, frozen=True, kw_only=True):
    """A labelled moment at `x` percent. `anchor` keeps the label inside the picture."""

    x: float
    elapsed: str
    utc: str
    anchor: str


class Axis(Struct, frozen=True):
    """From the run's beginning to its last event."""

    end_s: float

    @classmethod
    def of(cls, run: Run) -> "Axis":
        """The axis of a run; never empty, so that a run of no time can be drawn."""
        return cls(max(run.t, 0.001))

    def x(self, t: float) -> float:
        """Where a moment is on the ruler."""
        return min(max(t / self.end_s, 0.0), 1.0) * WIDTH

    def t(self, x: float) -> float:
        """What moment stands at a place on the ruler."""
        return x / WIDTH * self.end_s

    def columns(self, times: Iterable[float], width: float) -> list[float]:
        """The number of the column of such a width on the ruler in which each moment stands."""
        scale = WIDTH / self.end_s / width
        return [t * scale // 1 for t in times]

    def percent(self, t: float) -> float:
        """Where a moment is, in percent of the width."""
        return round(self.x(t) / WIDTH * 100, 2)

    def span(self, from_t: float, to_t: float, title: str = "") -> Span:
        """A stretch, at least wide enough to be seen."""
        x = min(self.percent(from_t), 100 - NARROWEST)
        return Span(x=x, width=round(max(self.percent(to_t) - x, NARROWEST), 2), title=title)


def ticks(run: Run, axis: Axis) -> list[Tick]:
    """Round moments, few enough for a telephone."""
    return ticks_of(axis, lambda t: times.utc(run, t))


def ticks_of(axis: Axis, utc: Callable[[float], str]) -> list[Tick]:
    """The same for any axis; `utc` says what time of day a moment is."""
    step_s = next((step for step in _STEPS_S if axis.end_s / step <= TICKS_MOST), axis.end_s / TICKS_MOST)
    count = int(axis.end_s / step_s) + 1
    return [_tick(axis, number * step_s, step_s, utc) for number in range(count)]


def _tick(axis: Axis, t: float, step_s: float, utc: Callable[[float], str]) -> Tick:
    x = axis.percent(t)
    anchor = "start" if x < 6 else "end" if x > 94 else "middle"
    return Tick(x=x, elapsed=times.elapsed(t, 0 if step_s >= 1 else 1), utc=utc(t), anchor=anchor)


def phases(run: Run, axis: Axis) -> list[Span]:
    """Before, during and after, as the samples were counted."""
    return [_phase(axis, phase, begin, end) for phase, begin, end in phase_times(run)]


def _phase(axis: Axis, phase: Phase, begin: float, end: float) -> Span:
    span = axis.span(begin, end, title=f"{phase}: {times.elapsed(begin)} to {times.elapsed(end)}")
    return structs.replace(span, kind=str(phase), word=str(phase) if span.width >= ROOM_FOR_A_WORD else "")


def phase_times(run: Run) -> Iterator[tuple[Phase, float, float]]:
    """Where each phase begins and ends, in seconds of the run. Phases that never came are left out."""
    over_t = run.stages.get(Stage.OVER, run.t)
    after_t = run.stages.get(Stage.AFTER)
    acted_t = run.first_applied_t
    before_t = run.stages.get(Stage.BEFORE)
    if before_t is not None:
        yield Phase.BEFORE, before_t, over_t if acted_t is None else acted_t
    if acted_t is not None:
        yield Phase.DURING, acted_t, over_t if after_t is None else after_t
    if after_t is not None:
        yield Phase.AFTER, after_t, over_t
