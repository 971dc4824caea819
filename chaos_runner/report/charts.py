"""Samples as lines, envelopes and ticks: plain numbers and path data, placed by a template.

A picture is 1000 wide and 100 high and is stretched to whatever room there is. Two and a half units are one
column, about two pixels on a desk; a column keeps the lowest and the highest of its samples, so that a spike survives
any thinning.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import count, islice
from operator import sub
from typing import Any, Final, NamedTuple

from chaos_runner.report.axis import Axis
from chaos_runner.run.events import Sampled

COLUMN: Final = 2.5
TOP: Final = 24.0
BOTTOM: Final = 90.0
"""Values are drawn between the two; below stands the strip for samples without one."""
STRIP: Final = 94.0
_ROOM: Final = BOTTOM - TOP


class Trace(NamedTuple):
    """The samples of a probe, with their times and values: what is asked of very many is asked of one field of all of
    them. `mute_at` tells which have no value.
    """

    samples: Sequence[Sampled]
    times: Sequence[float]
    values: Sequence[Any]
    mute_at: Sequence[int]

    @classmethod
    def of(cls, samples: Sequence[Sampled]) -> "Trace":
        """That of these samples."""
        values = [sample.value for sample in samples]
        mute_at = [n for n, value in enumerate(values) if value is None] if None in values else ()
        return cls(samples, [sample.t for sample in samples], values, mute_at)

    @property
    def answers(self) -> Sequence[Any]:
        """The values that there are."""
        return [value for value in self.values if value is not None] if self.mute_at else self.values

    @property
    def longest_s(self) -> float:
        """How long the slowest reading took."""
        return max([sample.took_s for sample in self.samples], default=0.0)

    @property
    def mute(self) -> Sequence[Sampled]:
        """Those without a value."""
        return [self.samples[n] for n in self.mute_at]


class Piece(NamedTuple):
    """A stretch without a gap, column by column: the lowest, the highest and the mean of what was measured in each."""

    xs: Sequence[float]
    lows: Sequence[float]
    highs: Sequence[float]
    means: Sequence[float]


class Scale(NamedTuple):
    """Values to heights. Heights grow downwards."""

    low: float
    high: float

    def y(self, value: float) -> float:
        return BOTTOM - (value - self.low) / (self.high - self.low) * _ROOM

    def ys(self, values: Sequence[float]) -> list[float]:
        """The same for very many."""
        low, extent = self.low, self.high - self.low
        return [BOTTOM - (value - low) / extent * _ROOM for value in values]


Point = tuple[float, float]


def scale(values: Sequence[float], bounds: Sequence[float]) -> Scale:
    """From zero where that leaves the values room, else from the lowest, and with the limit in sight."""
    low, high = min([*values, *bounds]), max([*values, *bounds])
    if 0 <= low <= high / 2 or low == high == 0:
        low = 0.0
    if low == high:
        return Scale(low - (abs(low) / 10 if low else 0.0), high + (abs(high) / 10 or 1.0))
    return Scale(low, high + (high - low) * 0.05)


def columns(axis: Axis, trace: Trace, gap_s: float) -> list[Piece]:
    """The samples' values, thinned to columns; a new piece wherever the line must break."""
    return [_thinned(axis, times, values) for times, values in _pieces(trace, gap_s)]


def _pieces(trace: Trace, gap_s: float) -> Iterator[tuple[Sequence[float], ...]]:
    """Times and values of samples that have one, none longer apart than `gap_s`."""
    times, values = trace.times, trace.values
    apart_s = list(map(sub, islice(times, 1, None), times))
    far = [(n, 0) for n, apart in enumerate(apart_s, 1) if apart > gap_s] if max(apart_s, default=0) > gap_s else []
    begin = 0
    for end, left_out in (*sorted([*far, *((number, 1) for number in trace.mute_at)]), (len(times), 0)):
        if begin < end:
            yield times[begin:end], values[begin:end]
        begin = end + left_out


def _thinned(axis: Axis, times: Sequence[float], values: Sequence[float]) -> Piece:
    """Times only grow, so those of a column stand together: where it ends is looked up, and none of them is touched."""
    first, last = (int(at) for at in axis.columns([times[0], times[-1]], COLUMN))
    ends = [*(bisect_left(times, axis.t(at * COLUMN)) for at in range(first + 1, last + 1)), len(times)]
    full = [(at * COLUMN, values[begin:end])
            for at, begin, end in zip(count(first), [0, *ends], ends, strict=False) if begin < end]
    xs, rows = zip(*full, strict=True)
    return Piece(xs, list(map(min, rows)), list(map(max, rows)), [sum(row) / len(row) for row in rows])


def extremes(pieces: Sequence[Piece]) -> list[float]:
    """The lowest and the highest of every column: what a scale must have room for."""
    return [value for piece in pieces for values in (piece.lows, piece.highs) for value in values]


def line(pieces: Sequence[Piece], to: Scale) -> str:
    """A line through the means. A lone sample becomes a short upright stroke."""
    return "".join(_polyline(piece.xs, to.ys(piece.means)) for piece in pieces)


def envelope(pieces: Sequence[Piece], to: Scale) -> str:
    """The area between the lowest and the highest of every column. Empty where each has one sample."""
    return "".join(_envelope(piece, to) for piece in pieces if piece.lows != piece.highs)


def _envelope(piece: Piece, to: Scale) -> str:
    xs, upper, lower = list(piece.xs), to.ys(piece.highs), to.ys(piece.lows)
    if len(xs) == 1:
        xs, upper, lower = [xs[0], xs[0] + COLUMN], upper * 2, lower * 2
    return f"{_polyline([*xs, *reversed(xs)], [*upper, *reversed(lower)])}Z"


def breach(pieces: Sequence[Piece], to: Scale, bound: float, side: int) -> str:
    """The areas between the limit and what went past it: above it for side 1, below it for -1."""
    paths = []
    for piece in pieces:
        if max(piece.highs) > bound if side > 0 else min(piece.lows) < bound:
            points = list(zip(piece.xs, to.ys(piece.highs if side > 0 else piece.lows), strict=True))
            paths += [f"{_polyline(*zip(*area, strict=True))}Z" for area in _beyond(points, to.y(bound), side)]
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


def _polyline(at_x: Sequence[float], at_y: Sequence[float]) -> str:
    """Each point as its way from the one before, in whole tenths: half as long as where they are."""
    xs, ys = [(x + 0.5) // 1 for x in at_x], [(y * 10 + 0.5) // 1 for y in at_y]
    if len(xs) == 1:
        return f"M{xs[0]:g} {ys[0] / 10 - 3:g}v6"
    ways = map(_way, map(sub, xs[1:], xs), map(sub, ys[1:], ys))
    return f"M{xs[0]:g}{_tenths(ys[0])}l{' '.join(ways)}".replace(" -", "-")


@cache
def _way(x: float, tenths_y: float) -> str:
    return f"{x:g}{_tenths(tenths_y)}"


def _tenths(number: float) -> str:
    """So many tenths as they stand behind another number, as short as can be read: " .5", "-12.3"."""
    return f" {number / 10:g}".replace(" 0.", " .").replace(" -0.", " -.").replace(" -", "-")


def when(samples: Iterable[Sampled], good: bool | None) -> list[float]:  # noqa: FBT001 -- three answers, no switch
    """When there was a sample that said so."""
    return [sample.t for sample in samples if sample.good is good]


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
