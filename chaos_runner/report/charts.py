"""Samples as lines, envelopes and ticks: plain numbers and path data, placed by a template.

A picture is 1000 wide and 100 high and is stretched to whatever room there is. Two and a half units are one
column, about two pixels on a desk; a column keeps the lowest and the highest of its samples, so that a spike survives
any thinning.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import groupby
from operator import sub
from typing import Any, Final, NamedTuple

from chaos_runner.report.axis import Axis
from chaos_runner.run.events import Sampled

COLUMN: Final = 2.5
_NOUGHT: Final = re.compile(r"(?<!\d)0\.")
TOP: Final = 24.0
BOTTOM: Final = 90.0
"""Values are drawn between the two; below stands the strip for samples without one."""
STRIP: Final = 94.0


class Trace(NamedTuple):
    """The samples of a probe, field by field: what is asked of very many is asked of one field of all of them."""

    times: Sequence[float] = ()
    values: Sequence[Any] = ()
    goods: Sequence[bool | None] = ()
    took_s: Sequence[float] = ()

    @classmethod
    def of(cls, samples: Sequence[Sampled]) -> "Trace":
        """Those of these samples."""
        fields = [(sample.t, sample.value, sample.good, sample.took_s) for sample in samples]
        return cls(*zip(*fields, strict=True))

    @property
    def good(self) -> list[float]:
        """When there was a good sample."""
        return [t for t, good in zip(self.times, self.goods, strict=True) if good]

    @property
    def bad(self) -> list[float]:
        """When there was a bad one."""
        return [t for t, good in zip(self.times, self.goods, strict=True) if good is False]

    @property
    def unknown(self) -> list[float]:
        """When there was one of which nothing can be said."""
        return [t for t, good in zip(self.times, self.goods, strict=True) if good is None]

    @property
    def mute(self) -> "Trace":
        """Those without a value."""
        at = [number for number, value in enumerate(self.values) if value is None]
        return Trace([self.times[n] for n in at], [None] * len(at), [self.goods[n] for n in at],
                     [self.took_s[n] for n in at])


class Column(NamedTuple):
    """What was measured within two units of the ruler."""

    x: float
    low: float
    high: float
    mean: float


class Scale(NamedTuple):
    """Values to heights. Heights grow downwards."""

    low: float
    high: float

    def y(self, value: float) -> float:
        return BOTTOM - (value - self.low) / (self.high - self.low) * (BOTTOM - TOP)


Point = tuple[float, float]


def scale(values: Sequence[float], bounds: Sequence[float]) -> Scale:
    """From zero where that leaves the values room, else from the lowest, and with the limit in sight."""
    low, high = min([*values, *bounds]), max([*values, *bounds])
    if 0 <= low <= high / 2 or low == high == 0:
        low = 0.0
    if low == high:
        return Scale(low - (abs(low) / 10 if low else 0.0), high + (abs(high) / 10 or 1.0))
    return Scale(low, high + (high - low) * 0.05)


def columns(axis: Axis, trace: Trace, gap_s: float) -> list[list[Column]]:
    """The samples' values, thinned to columns; a new list wherever the line must break."""
    return [_thinned(axis, times, values) for times, values in _pieces(trace.times, trace.values, gap_s)]


def _pieces(times: Sequence[float], values: Sequence[Any], gap_s: float) -> Iterator[tuple[Sequence[float], ...]]:
    """Times and values of samples that have one, none longer apart than `gap_s`."""
    far = [(number, 0) for number, apart in enumerate(map(sub, times[1:], times), 1) if apart > gap_s]
    mute = [(number, 1) for number, value in enumerate(values) if value is None]
    begin = 0
    for end, left_out in (*sorted(far + mute), (len(times), 0)):
        if begin < end:
            yield times[begin:end], values[begin:end]
        begin = end + left_out


def _thinned(axis: Axis, times: Sequence[float], values: Sequence[float]) -> list[Column]:
    thinned: list[Column] = []
    begin = 0
    for at, alike in groupby(axis.columns(times, COLUMN)):
        end = begin + len(list(alike))
        thinned.append(_column(at, values[begin:end]))
        begin = end
    return thinned


def _column(at: float, values: Sequence[float]) -> Column:
    if len(values) == 1:
        return Column(at * COLUMN, values[0], values[0], values[0])
    return Column(at * COLUMN, min(values), max(values), sum(values) / len(values))


def line(pieces: Sequence[Sequence[Column]], to: Scale) -> str:
    """A line through the means. A lone sample becomes a short upright stroke."""
    return "".join(_polyline([(column.x, to.y(column.mean)) for column in piece]) for piece in pieces)


def envelope(pieces: Sequence[Sequence[Column]], to: Scale) -> str:
    """The area between the lowest and the highest of every column. Empty where each has one sample."""
    return "".join(_envelope(piece, to) for piece in pieces if any(column.low < column.high for column in piece))


def _envelope(piece: Sequence[Column], to: Scale) -> str:
    upper = [(column.x, to.y(column.high)) for column in piece]
    lower = [(column.x, to.y(column.low)) for column in piece]
    if len(piece) == 1:
        upper.append((upper[0][0] + COLUMN, upper[0][1]))
        lower.append((lower[0][0] + COLUMN, lower[0][1]))
    return f"{_polyline([*upper, *reversed(lower)])}Z"


def breach(pieces: Sequence[Sequence[Column]], to: Scale, bound: float, side: int) -> str:
    """The areas between the limit and what went past it: above it for side 1, below it for -1."""
    at_y = to.y(bound)
    paths = []
    for piece in pieces:
        points = [(column.x, to.y(column.high if side > 0 else column.low)) for column in piece]
        paths += [f"{_polyline(area)}Z" for area in _beyond(points, at_y, side)]
    return "".join(paths)


def _beyond(points: Sequence[Point], at_y: float, side: int) -> Iterator[list[Point]]:
    """The pieces of a line that lie past `at_y`, each closed along it."""
    area: list[Point] = []
    for here, point in enumerate(points):
        past = (at_y - point[1]) * side > 0
        before = points[here - 1] if here else None
        if past and not area:
            area = [_crossing(before, point, at_y) if before else (point[0], at_y)]
        if past:
            area.append(point)
        elif area:
            yield [*area, _crossing(points[here - 1], point, at_y)]
            area = []
    if area:
        yield [*area, (area[-1][0], at_y)]


def _crossing(one: Point, other: Point, at_y: float) -> Point:
    if one[1] == other[1]:
        return (other[0], at_y)
    share = (at_y - one[1]) / (other[1] - one[1])
    return (one[0] + share * (other[0] - one[0]), at_y)


def _polyline(points: Sequence[Point]) -> str:
    """Each point as its way from the one before, in whole tenths: half as long as where they are."""
    xs, ys = [round(x) for x, _ in points], [round(y * 10) for _, y in points]
    if len(points) == 1:
        return f"M{xs[0]} {ys[0] / 10 - 3:g}v6"
    ways = [f"{x}{_tenths(y)}" for x, y in zip(map(sub, xs[1:], xs), map(sub, ys[1:], ys), strict=True)]
    return f"M{xs[0]}{_tenths(ys[0])}l{' '.join(ways)}".replace(" -", "-")


@cache
def _tenths(number: int) -> str:
    """So many tenths as they stand behind another number, as short as can be read: " .5", "-12.3"."""
    return _NOUGHT.sub(".", f" {number / 10:g}").replace(" -", "-")


def ticks(axis: Axis, times: Iterable[float], top: float, bottom: float) -> str:
    """One upright stroke per column that holds any of these moments; neighbours become one block."""
    paths = []
    for first, last in _blocks(sorted(set(axis.columns(times, COLUMN)))):
        right = (last + 1) * COLUMN
        paths.append(f"M{first * COLUMN:.0f} {top:g}V{bottom:g}H{right:.0f}V{top:g}Z")
    return "".join(paths)


def _blocks(at: Sequence[float]) -> Iterator[tuple[float, float]]:
    first = last = at[0] if at else 0.0
    for here in at[1:]:
        if here != last + 1:
            yield first, last
            first = here
        last = here
    if at:
        yield first, last
