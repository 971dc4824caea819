"""What a run measured of the system: how soon the harm was seen, and how soon it was well again."""

from collections.abc import Iterator

from msgspec import Struct

from chaos_runner.run.conditions import broke, lost, recovered, tripped
from chaos_runner.run.events import Phase, Stage
from chaos_runner.run.run import Run

_SINCE_THE_FAULT = (Phase.DURING, Phase.AFTER)


class Detected(Struct, frozen=True, kw_only=True):
    """Who saw the harm first: a probe of the hypothesis, or a stop rule. Seconds from the first apply."""

    by: str
    kind: str
    after_s: float


def detected(run: Run) -> Detected | None:
    """The first of all whose limit broke since the first fault. None where none did."""
    return min(_detections(run), key=lambda found: found.after_s, default=None)


def _detections(run: Run) -> Iterator[Detected]:
    count = len(run.plan.probes)
    for number, probe in enumerate(run.plan.watched):
        after_s = time_to_detect_s(run, number)
        if after_s is not None:
            yield Detected(by=probe.name, kind="probe" if number < count else "stop rule", after_s=after_s)


def time_to_detect_s(run: Run, number: int) -> float | None:
    """Seconds from the first apply to the first bad sample of a probe whose limit broke, or of a rule that tripped."""
    if run.first_applied_t is None or not _deviated(run, number):
        return None
    seen = (run.tally(number, phase).bad_seen_t for phase in _SINCE_THE_FAULT)
    first_t = next((t for t in seen if t is not None), None)
    return None if first_t is None else _lasted_s(run.first_applied_t, first_t)


def _deviated(run: Run, number: int) -> bool:
    if number < len(run.plan.probes):
        return broke(run, number) or lost(run, number)
    return tripped(run.plan.watched[number], run.tally(number, Phase.DURING))


def time_to_recover_s(run: Run, number: int) -> float | None:
    """Seconds from the last undo, or from the end of a method that undid nothing, to the first of the good samples in
    a row that say that a probe of the hypothesis holds again.

    None for one that does not hold, and for one that was never bad since the first fault: it had nothing to recover.
    """
    tally = run.tally(number, Phase.AFTER)
    if not was_bad(run, number) or tally.good_since is None or not recovered(run.plan.probes[number], tally):
        return None
    since_t = run.stages.get(Stage.AFTER, 0.0) if run.last_undo_t is None else run.last_undo_t
    return _lasted_s(since_t, tally.good_since)


def was_bad(run: Run, number: int) -> bool:
    """Whether a probe had a bad sample since the first fault."""
    return any(run.tally(number, phase).bad for phase in _SINCE_THE_FAULT)


def all_recovered_s(run: Run) -> float | None:
    """The time to recover of the slowest probe. None while one does not hold, and where none was bad."""
    bad = [number for number in range(len(run.plan.probes)) if was_bad(run, number)]
    times_s = [time_s for number in bad if (time_s := time_to_recover_s(run, number)) is not None]
    return max(times_s) if times_s and len(times_s) == len(bad) else None


def _lasted_s(from_t: float, to_t: float) -> float:
    return round(max(0.0, to_t - from_t), 6)
