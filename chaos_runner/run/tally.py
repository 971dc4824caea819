"""What the samples of one probe in one phase add up to: constant in size, however many there were."""

from typing import Any

from msgspec import Struct, structs

from chaos_runner.experiment.model import Comparison, Limit, Probe
from chaos_runner.run.events import Sampled

IN_A_ROW = 2
"""Bad samples in a row that make a breach when the author says neither `allow` nor `for`."""


class Tally(Struct, frozen=True, kw_only=True):
    """Counts, the worst value and the breaches of one probe in one phase. Times are seconds since the run began."""

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
    first_bad_t: float | None = None
    bad_since: float | None = None
    bad_until_t: float = 0.0
    bad_for_s: float = 0.0
    missing_since: float | None = None
    blind: bool = False
    breached_t: float | None = None

    def after(self, sample: Sampled, probe: Probe) -> "Tally":
        """This tally with one more sample. One that took longer than `missing-for` was silence for that long."""
        if probe.every_s and sample.took_s > probe.missing_for_s:
            return structs.replace(self._counted(sample, probe), blind=True)
        return self._counted(sample, probe)

    def _counted(self, sample: Sampled, probe: Probe) -> "Tally":
        if sample.good is None:
            return self._after_silence(sample, probe)
        if sample.good:
            return self._after_good(sample, probe)
        return self._after_bad(sample, probe)

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

    def _after_silence(self, sample: Sampled, probe: Probe) -> "Tally":
        since = sample.t if self.missing_since is None else self.missing_since
        return structs.replace(
            self, missing=self.missing + 1, missing_since=since, doubt=sample.doubt or self.doubt, note=sample.note,
            blind=self.blind or sample.t - since > probe.missing_for_s)

    def _after_good(self, sample: Sampled, probe: Probe) -> "Tally":
        worst, worst_t = self._worst(sample, probe)
        return structs.replace(
            self, samples=self.samples + 1, last=sample.value, worst=worst, worst_t=worst_t, missing_since=None,
            good_in_a_row=self.good_in_a_row + 1, bad_in_a_row=0, bad_since=None)

    def _after_bad(self, sample: Sampled, probe: Probe) -> "Tally":
        began_t = sample.t - sample.took_s
        since = began_t if self.bad_since is None else self.bad_since
        worst, worst_t = self._worst(sample, probe)
        breached = self.breached_t
        if breached is None and _breaks(probe, self.bad_in_a_row + 1, sample.t - since):
            breached = since
        return structs.replace(
            self, samples=self.samples + 1, bad=self.bad + 1, last=sample.value, note=sample.note or self.note,
            worst=worst, worst_t=worst_t, missing_since=None, good_in_a_row=0, bad_in_a_row=self.bad_in_a_row + 1,
            unanswered=self.unanswered + (sample.value is None), bad_since=since, breached_t=breached,
            first_bad_t=since if self.first_bad_t is None else self.first_bad_t,
            bad_for_s=self.bad_for_s + sample.t - (began_t if self.bad_since is None else self.bad_until_t),
            bad_until_t=sample.t)

    def _worst(self, sample: Sampled, probe: Probe) -> tuple[Any, float | None]:
        if sample.value is None or not (self._first_bad_word(sample) or worse(probe, sample.value, self.worst)):
            return self.worst, self.worst_t
        return sample.value, sample.t

    def _first_bad_word(self, sample: Sampled) -> bool:
        """Values without an order have no worst one, but a bad one is worse than a good one."""
        return sample.good is False and self.bad == self.unanswered and not isinstance(sample.value, int | float)


def _breaks(probe: Probe, in_a_row: int, bad_for_s: float) -> bool:
    if probe.allow is not None:
        return False
    if probe.held_for_s is not None:
        return bad_for_s >= probe.held_for_s
    return in_a_row >= (IN_A_ROW if probe.every_s else 1)


def worse(probe: Probe, value: Any, than: Any) -> bool:
    """Whether a value is farther on the wrong side than another. Values without an order: the first stays."""
    if than is None:
        return True
    if not isinstance(probe.judge, Limit) or not all(
            isinstance(number, int | float) for number in (value, than, *probe.judge.bounds)):
        return False
    match probe.judge.comparison:
        case Comparison.BELOW | Comparison.AT_MOST:
            return bool(value < than if probe.bad_when_met else value > than)
        case Comparison.ABOVE | Comparison.AT_LEAST:
            return bool(value > than if probe.bad_when_met else value < than)
        case Comparison.BETWEEN | Comparison.EQUALS:
            middle = sum(probe.judge.bounds) / len(probe.judge.bounds)
            return bool(abs(value - middle) > abs(than - middle))
