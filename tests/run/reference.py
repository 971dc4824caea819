"""What the samples of a phase say, worked out the long way: every sample is kept, and every figure read off them."""

from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

from chaos_runner.experiment.model import Comparison, Limit, Probe
from chaos_runner.run.events import Sampled


class Outage(NamedTuple):
    """Bad samples without a good one between, from when the first was asked for."""

    since: float
    samples: list[Sampled]

    @property
    def pieces(self) -> list[tuple[float, Sampled]]:
        """Each bad sample with the seconds that it stands for: those since the one before."""
        before = [self.since, *(sample.t for sample in self.samples)]
        return [(sample.t - t, sample) for t, sample in zip(before, self.samples, strict=False)]


def outages(samples: Sequence[Sampled]) -> list[Outage]:
    """Every outage, in order. Samples without an answer neither end one nor count."""
    found: list[Outage] = []
    open_now = False
    for sample in samples:
        if sample.good is False and open_now:
            found[-1].samples.append(sample)
        elif sample.good is False:
            found.append(Outage(sample.t - sample.took_s, [sample]))
        if sample.good is not None:
            open_now = not sample.good
    return found


def bad_for_s(samples: Sequence[Sampled]) -> float:
    """How long it was bad in all."""
    return sum(lasted_s for outage in outages(samples) for lasted_s, _ in outage.pieces)


def area(samples: Sequence[Sampled], probe: Probe) -> float:
    """The integral of |value - limit| over the bad seconds."""
    pieces = [piece for outage in outages(samples) for piece in outage.pieces]
    return sum(lasted_s * _past(probe, sample.value) for lasted_s, sample in pieces)


def _past(probe: Probe, value: float | None) -> float:
    limit = probe.judge
    assert isinstance(limit, Limit)
    if value is None:
        return 0.0
    low, high = float(limit.bounds[0]), float(limit.bounds[-1])
    match limit.comparison:
        case Comparison.BELOW | Comparison.AT_MOST:
            return value - high
        case Comparison.ABOVE | Comparison.AT_LEAST:
            return low - value
        case Comparison.BETWEEN:
            return low - value if value < low else value - high
        case Comparison.EQUALS:
            return 0.0


def breached(samples: Sequence[Sampled], probe: Probe) -> bool:
    """Whether it was bad longer or oftener than allowed."""
    judged = [sample for sample in samples if sample.good is not None]
    if probe.allow is not None:
        return bool(judged) and sum(not sample.good for sample in judged) / len(judged) > probe.allow
    if probe.held_for_s is not None:
        return any(outage.samples[-1].t - outage.since >= probe.held_for_s for outage in outages(samples))
    return any(len(outage.samples) >= (2 if probe.every_s else 1) for outage in outages(samples))


def good_row(samples: Sequence[Sampled]) -> list[Sampled]:
    """The good samples at the end, after the last bad one."""
    judged = [sample for sample in samples if sample.good is not None]
    return list(takewhile(lambda sample: sample.good, reversed(judged)))[::-1]


def first_bad(samples: Sequence[Sampled]) -> Sampled | None:
    """The first bad sample."""
    return next((sample for sample in samples if sample.good is False), None)


def worst(samples: Sequence[Sampled], probe: Probe) -> float | None:
    """The value farthest on the wrong side."""
    limit = probe.judge
    assert isinstance(limit, Limit)
    middle = sum(limit.bounds) / len(limit.bounds)
    far = {Comparison.BELOW: lambda value: value, Comparison.AT_MOST: lambda value: value,
           Comparison.ABOVE: lambda value: -value, Comparison.AT_LEAST: lambda value: -value}
    values = [sample.value for sample in samples if sample.value is not None]
    return max(values, key=far.get(limit.comparison, lambda value: abs(value - middle)), default=None)
