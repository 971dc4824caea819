"""The last minute of every probe, second by second, and how it is drawn in one line of a terminal."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import Struct

from chaos_runner.experiment.model import Comparison, Limit, Probe
from chaos_runner.run.events import Sampled
from chaos_runner.run.tally import worse

WINDOW_S: Final = 60
GAP: Final = " "
SILENT: Final = "?"
GOOD: Final = "·"
BAD: Final = "✖"
_BARS: Final = "▁▂▃▄▅▆▇█"
_INSIDE: Final = 5
"""Of the eight bars so many stand for what is inside the limit: the shape alone says which side a bar is on."""


class Second(Struct, frozen=True):
    """The worst that was read within a second, or within several. `good` is None when nothing could be said."""

    good: bool | None
    value: Any


class Recent:
    """What one probe gave in the last minute: constant in size, however often it is read."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._seconds: dict[int, Second] = {}

    def add(self, sample: Sampled) -> None:
        """One more sample."""
        at = int(sample.t)
        found = Second(sample.good, sample.value)
        before = self._seconds.get(at)
        self._seconds[at] = found if before is None else self._worse(before, found)
        if len(self._seconds) > 2 * WINDOW_S:
            self._seconds = {second: one for second, one in self._seconds.items() if second > at - WINDOW_S}

    def columns(self, until_t: float, width: int) -> list[Second | None]:
        """The last minute in so many columns, the newest last. None where nothing was read."""
        return [self._worst(seconds) for seconds in columns(until_t, width)]

    def _worst(self, seconds: Iterable[int]) -> Second | None:
        found: Second | None = None
        for second in seconds:
            one = self._seconds.get(second)
            if one:
                found = self._worse(found, one) if found else one
        return found

    def _worse(self, one: Second, other: Second) -> Second:
        if one.good is not other.good:
            return min(one, other, key=_severity)
        return other if worse(self._probe, other.value, one.value) else one


def columns(until_t: float, width: int) -> list[range]:
    """The seconds that each column of a line stands for. They stay together while time goes by."""
    each_s = max(1, WINDOW_S // max(1, width))
    last = int(until_t) // each_s
    return [range(number * each_s, (number + 1) * each_s) for number in range(last - width + 1, last + 1)]


def bars(probe: Probe, cells: Sequence[Second | None]) -> str:
    """One sign for each column: a bar where there is a limit to measure by, else whether it held."""
    return "".join(_sign(probe, cell) for cell in cells)


def _severity(second: Second) -> int:
    return (False, None, True).index(second.good)


def _sign(probe: Probe, cell: Second | None) -> str:
    if cell is None:
        return GAP
    if cell.good is None:
        return SILENT
    share = _share(probe.judge, cell.value)
    if share is None:
        return GOOD if cell.good else BAD
    return _BARS[_level(share, good=cell.good, high_is_bad=_high_is_bad(probe))]


def _share(judge: object, value: Any) -> float | None:
    """A value in terms of its limit. None where that says nothing."""
    if not isinstance(judge, Limit) or judge.comparison not in _ONE_SIDED or isinstance(value, bool):
        return None
    bound = judge.bounds[0]
    if not isinstance(value, int | float) or not isinstance(bound, int | float) or bound <= 0 or value != value:
        return None
    return _SHARE_MOST if value >= _SHARE_MOST * bound else max(0.0, value / bound)


def _high_is_bad(probe: Probe) -> bool:
    low_is_good = isinstance(probe.judge, Limit) and probe.judge.comparison in (Comparison.BELOW, Comparison.AT_MOST)
    return low_is_good is not probe.bad_when_met


def _level(share: float, *, good: bool, high_is_bad: bool) -> int:
    """Which bar: inside the limit and outside of it never the same one."""
    last = len(_BARS) - 1
    if high_is_bad:
        return min(_INSIDE - 1, int(share * _INSIDE)) if good else min(last, _INSIDE + int(max(0.0, share - 1.0) * 2))
    outside = last - _INSIDE
    return min(last, outside + 1 + int(max(0.0, share - 1.0) * _INSIDE)) if good else min(outside, int(share * 3))


_SHARE_MOST: Final = 8.0
_ONE_SIDED: Final = (Comparison.BELOW, Comparison.AT_MOST, Comparison.ABOVE, Comparison.AT_LEAST)
