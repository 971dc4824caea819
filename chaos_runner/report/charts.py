"""Samples as lines, envelopes and ticks: plain numbers and path data, placed by a template.

A picture is 1000 wide and 100 high and is stretched to whatever room there is. Two and a half units are one
column, about two pixels on a desk; a column keeps the lowest and the highest of its samples, so that a spike survives
any thinning.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from chaos_runner.report.axis import Axis
from chaos_runner.run.events import Sampled

COLUMN: Final = 2.5
_NOUGHT: Final = re.compile(r"(?<!\d)0\.")
TOP: Final = 24.0
BOTTOM: Final = 90.0
"""Values are drawn between the two; below stands the strip for samples without one."""
STRIP: Final = 94.0


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


def columns(axis: Axis, samples: Sequence[Sampled], gap_s: float) -> list[list[Column]]:
    """The samples' values, thinned to columns; a new list wherever the line must break."""
    return [_thinned(axis, piece) for piece in _pieces(samples, gap_s)]


def _pieces(samples: Sequence[Sampled], gap_s: float) -> Iterator[list[Sampled]]:
    """Runs of samples with a value, none longer apart than `gap_s`."""
    piece: list[Sampled] = []
    for sample in samples:
        if sample.value is None or (piece and sample.t - piece[-1].t > gap_s):
            if piece:
                yield piece
            piece = []
        if sample.value is not None:
            piece.append(sample)
    if piece:
        yield piece


def _thinned(axis: Axis, piece: Sequence[Sampled]) -> list[Column]:
    thinned: list[Column] = []
    gathered: list[float] = []
    at = -1.0
    for x, sample in zip(axis.columns(piece, COLUMN), piece, strict=True):
        if x != at and gathered:
            thinned.append(_column(at, gathered))
            gathered = []
        at = x
        gathered.append(sample.value)
    thinned.append(_column(at, gathered))
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
    tenths = [(round(x), round(y * 10)) for x, y in points]
    (x, y), rest = tenths[0], tenths[1:]
    if not rest:
        return f"M{x} {y / 10 - 3:g}v6"
    steps = [f"M{x} {y / 10:g}l"]
    for to_x, to_y in rest:
        steps.append(f"{to_x - x} {(to_y - y) / 10:g} ")
        x, y = to_x, to_y
    return _NOUGHT.sub(".", "".join(steps)).replace(" -", "-").rstrip()


def ticks(axis: Axis, samples: Sequence[Sampled], top: float, bottom: float) -> str:
    """One upright stroke per column that holds any of the samples; neighbours become one block."""
    paths = []
    for first, last in _blocks(sorted(set(axis.columns(samples, COLUMN)))):
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
