"""What the samples of one probe in one phase add up to: constant in size, however many there were."""

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from itertools import groupby
from operator import attrgetter, neg, pos
from typing import Any, Final

from msgspec import Struct, structs

from chaos_runner.experiment.model import Comparison, Judge, Limit, Probe
from chaos_runner.run.events import Sampled

IN_A_ROW = 2
"""Bad samples in a row that make a breach when the author says neither `allow` nor `for`."""
Far = Callable[[Any], float]
"""What grows with how far a number is on the wrong side."""
Row = Sequence[Sampled]
"""Samples one after the other, all good, all bad, or all without an answer to that."""


class Tally(Struct, frozen=True, kw_only=True):
    """Counts, the worst value and the breaches of one probe in one phase. Times are seconds since the run began.

    `area` is the integral of |value - limit| over the bad seconds, in the probe's unit times seconds; a bad sample
    counts for as long as `bad_for_s` counts it, one without a value adds nothing. `bad_seen_t` is when the first bad
    sample was there, `first_bad_t` when it was asked for. `good_since` is the first of the good ones in a row.
    """

    samples: int = 0
    bad: int = 0
    unanswered: int = 0
    missing: int = 0
    worst: Any = None
    worst_t: float | None = None
    last: Any = None
    note: str = ""
    doubt: str = ""
    bad_in_a_row: int = 0
    good_in_a_row: int = 0
    good_since: float | None = None
    first_bad_t: float | None = None
    bad_seen_t: float | None = None
    bad_since: float | None = None
    bad_until_t: float = 0.0
    bad_for_s: float = 0.0
    area: float = 0.0
    missing_since: float | None = None
    blind: bool = False
    breached_t: float | None = None

    def after(self, sample: Sampled, probe: Probe) -> "Tally":
        """This tally with one more sample."""
        return self._after_row((sample,), probe)

    def after_all(self, samples: Iterable[Sampled], probe: Probe) -> "Tally":
        """This tally with more samples, the same to the last bit as if they had come one by one, and much sooner."""
        tally = self
        for _, row in groupby(samples, _GOOD):
            tally = tally._after_row(list(row), probe)
        return tally

    def breached(self, probe: Probe) -> bool:
        """Whether the probe was out of its limit longer or oftener than its author allows."""
        if probe.allow is not None:
            return self.samples > 0 and self.bad / self.samples > probe.allow
        return self.breached_t is not None

    @property
    def unknown(self) -> bool:
        """Whether nothing can be said: no good sample at all, none for too long, or a judge that raised.

        Single bad samples are forgiven among good ones; a phase that has none but bad ones has not been seen to hold.
        """
        return bool(self.doubt) or self.blind or self.samples == self.bad

    @property
    def readings(self) -> int:
        """How often the probe was read, whatever came of it."""
        return self.samples + self.missing

    def _after_row(self, row: Row, probe: Probe) -> "Tally":
        good = row[0].good
        if good is None:
            tally = self._after_silence(row, probe)
        else:
            tally = self._after_good(row, probe) if good else self._after_bad(row, probe)
        if probe.every_s and not tally.blind and max([sample.took_s for sample in row]) > probe.missing_for_s:
            return structs.replace(tally, blind=True)  # a sample that took so long was silence for that long
        return tally

    def _after_silence(self, row: Row, probe: Probe) -> "Tally":
        since = row[0].t if self.missing_since is None else self.missing_since
        doubt = next((sample.doubt for sample in reversed(row) if sample.doubt), self.doubt)
        return structs.replace(
            self, missing=self.missing + len(row), missing_since=since, doubt=doubt, note=row[-1].note,
            blind=self.blind or row[-1].t - since > probe.missing_for_s)

    def _after_good(self, row: Row, probe: Probe) -> "Tally":
        worst, worst_t = self._worst(row, probe)
        count = len(row)
        if self.good_in_a_row and self.missing_since is None:  # nearly always: what seldom changes is left alone
            return structs.replace(self, samples=self.samples + count, last=row[-1].value, worst=worst,
                                   worst_t=worst_t, good_in_a_row=self.good_in_a_row + count)
        return structs.replace(
            self, samples=self.samples + count, last=row[-1].value, worst=worst, worst_t=worst_t, missing_since=None,
            good_in_a_row=self.good_in_a_row + count, bad_in_a_row=0, bad_since=None,
            good_since=self.good_since if self.good_in_a_row else row[0].t)

    def _after_bad(self, row: Row, probe: Probe) -> "Tally":
        worst, worst_t = self._worst(row, probe)
        first, last, in_a_row = row[0], row[-1], self.bad_in_a_row + len(row)
        since = first.t - first.took_s if self.bad_since is None else self.bad_since
        bad_for_s, area = self._extent(row, probe)
        breached_t = self.breached_t
        if breached_t is None and _breaks(probe, in_a_row, last.t - since):
            breached_t = since
        return structs.replace(
            self, samples=self.samples + len(row), bad=self.bad + len(row), last=last.value, worst=worst,
            worst_t=worst_t, note=next((sample.note for sample in reversed(row) if sample.note), self.note),
            unanswered=self.unanswered + sum(sample.value is None for sample in row), missing_since=None,
            good_in_a_row=0, good_since=None, bad_in_a_row=in_a_row, bad_since=since, breached_t=breached_t,
            first_bad_t=since if self.first_bad_t is None else self.first_bad_t,
            bad_seen_t=first.t if self.bad_seen_t is None else self.bad_seen_t,
            bad_for_s=bad_for_s, area=area, bad_until_t=last.t)

    def _extent(self, row: Row, probe: Probe) -> tuple[float, float]:
        """How long it was bad, and how far: summed up in one order, so that every fold comes to the same number."""
        until_t = row[0].t - row[0].took_s if self.bad_since is None else self.bad_until_t
        bad_for_s, area, past = self.bad_for_s, self.area, _past(probe.judge)
        for sample in row:
            lasted_s, until_t = sample.t - until_t, sample.t
            bad_for_s += lasted_s
            if past and isinstance(sample.value, (int, float)):
                area += lasted_s * past(sample.value)
        return bad_for_s, area

    def _worst(self, row: Row, probe: Probe) -> tuple[Any, float | None]:
        """The worst value so far, and its time. Of equally bad values, and of those without an order, the first."""
        word = self._first_bad_word(row)
        if word is not None:
            return word.value, word.t
        values = [sample.value for sample in row]
        far = _far(probe)
        if far and _NUMBERS.issuperset(map(type, values)) and type(self.worst) in _NUMBERS_OR_NONE:
            found = _EXTREME[far](values) if far in _EXTREME else max(values, key=far)
            if self.worst is not None and far(found) <= far(self.worst):
                return self.worst, self.worst_t
        else:
            found = reduce(lambda worst, value: value if worse(probe, value, worst) else worst, values, self.worst)
            if found is self.worst:
                return self.worst, self.worst_t
        return found, next(sample.t for sample in row if sample.value is found)

    def _first_bad_word(self, row: Row) -> Sampled | None:
        """Values without an order have no worst one, but a bad one is worse than a good one."""
        if row[0].good is not False or self.bad != self.unanswered:
            return None
        first = next((sample for sample in row if sample.value is not None), None)
        return None if first is None or isinstance(first.value, int | float) else first


def _breaks(probe: Probe, in_a_row: int, bad_for_s: float) -> bool:
    if probe.allow is not None:
        return False
    if probe.held_for_s is not None:
        return bad_for_s >= probe.held_for_s
    return in_a_row >= (IN_A_ROW if probe.every_s else 1)


def has_order(judge: Judge) -> bool:
    """Whether values can be farther from the limit and less far. A status that must equal 200 is only right or wrong.
    """
    return isinstance(judge, Limit) and judge.comparison in _WITH_ORDER


def nearest_bound(probe: Probe, value: Any) -> tuple[float | None, float | None]:
    """The bound that a value is nearest to breaking, and how far inside it the value is: below zero beyond it.

    None and None without an order, or for what is no number.
    """
    judge = probe.judge
    if not isinstance(judge, Limit) or not has_order(judge) or type(value) not in _NUMBERS:
        return None, None
    signs = _INSIDE[judge.comparison]
    inside = [((bound - value) * sign, float(bound)) for bound, sign in zip(judge.bounds, signs, strict=True)]
    margin, bound = min(inside)
    return bound, float(margin)


def _past(judge: Judge) -> Far | None:
    """How far a bad number is from the limit, in the probe's unit: |value - limit|. None without an order."""
    if not isinstance(judge, Limit) or not has_order(judge):
        return None
    low, high = judge.bounds[0], judge.bounds[-1]
    if len(judge.bounds) == 1:
        return lambda value: abs(value - low)
    return lambda value: min(abs(value - low), abs(value - high))


def worse(probe: Probe, value: Any, than: Any) -> bool:
    """Whether a value is farther on the wrong side than another. Values without an order: the first stays."""
    if value is None or than is None:
        return value is not None
    far = _far(probe)
    if far is None or not isinstance(value, int | float) or not isinstance(than, int | float):
        return False
    return far(value) > far(than)


def _far(probe: Probe) -> Far | None:
    """How far a number is on the wrong side. None where numbers have no wrong side."""
    judge = probe.judge
    if not isinstance(judge, Limit):
        return None
    far = _FAR.get(judge.comparison)
    if far is None:
        return _from_the_middle(judge.bounds)
    return far[probe.bad_when_met]


def _from_the_middle(bounds: tuple[Any, ...]) -> Far | None:
    if not all(isinstance(bound, int | float) for bound in bounds):
        return None
    middle = sum(bounds) / len(bounds)
    return lambda value: abs(value - middle)


_GOOD: Final = attrgetter("good")
_NUMBERS: Final = frozenset((int, float))
_NUMBERS_OR_NONE: Final = _NUMBERS | {type(None)}
_FAR: Final[dict[Comparison, tuple[Far, Far]]] = {
    Comparison.BELOW: (pos, neg), Comparison.AT_MOST: (pos, neg),
    Comparison.ABOVE: (neg, pos), Comparison.AT_LEAST: (neg, pos),
}
"""Of a limit that says which values are good, and of one that says which are bad."""
_EXTREME: Final[dict[Far, Callable[[Iterable[Any]], Any]]] = {pos: max, neg: min}
"""What finds the farthest of very many, without asking each how far it is."""
_INSIDE: Final[dict[Comparison, tuple[int, ...]]] = {
    Comparison.BELOW: (1,), Comparison.AT_MOST: (1,), Comparison.ABOVE: (-1,), Comparison.AT_LEAST: (-1,),
    Comparison.BETWEEN: (-1, 1),
}
_WITH_ORDER: Final = frozenset(_FAR) | {Comparison.BETWEEN}
