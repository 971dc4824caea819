"""Against the last run of the same experiment: what is new, what is mended, and what moved further than noise does."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from chaos_runner.report import text
from chaos_runner.report.last import Last
from chaos_runner.report.samples import is_number
from chaos_runner.report.story import Story
from chaos_runner.run.events import Phase
from chaos_runner.run.outcome import Outcome, outcome
from chaos_runner.run.sentences import value_words
from chaos_runner.units import Unit, spoken_seconds

NOISE: Final = 0.1
"""A figure that moved by less than this share of the larger one is as before."""
_LEAST_S: Final = 0.5
"""And a time to recover by less than this."""
_MOST: Final = 4


class Change(Struct, frozen=True, kw_only=True):
    """Something that is not as it was."""

    word: str
    text: str
    tone: str


class View(Struct, frozen=True, kw_only=True):
    """The other run, and what has changed since. No change is said too."""

    run: str
    day: str
    verdict: str
    changes: list[Change]
    more: int
    none: str
    """What is said where there is no change."""
    command: str


def view(story: Story) -> View | None:
    """None where no such run is known, or this one is not over."""
    last = story.last
    if last is None or story.run.ended is None:
        return None
    changes = list(_changes(last, outcome(story.run)))
    return View(run=text.short(last.run, 40), day=text.short(last.started[:10], 10),
                verdict=text.short(last.verdict, 20), changes=changes[:_MOST], more=max(0, len(changes) - _MOST),
                none="nothing moved further than noise does" if story.run.acted else "nothing was done this time",
                command=text.short(f"chaos-runner diff {last.run} {story.run.plan.run}"))


def _changes(last: Last, now: Outcome) -> Iterator[Change]:
    before, since = _deviated(last), _deviated(now)
    yield from (Change(word="new", text=f"{text.short(name, 60)} deviated", tone="bad") for name in since
                if name not in before)
    yield from (Change(word="mended", text=text.short(name, 60), tone="good") for name in before if name not in since)
    yield from (Change(word="again", text=f"{text.short(name, 60)} deviated", tone="bad") for name in since
                if name in before)
    yield from _recovery(last.time_to_recover_s, now.time_to_recover_s)
    yield from _worst(last, now)


def _deviated(of: Last | Outcome) -> list[str]:
    return list(dict.fromkeys(probe.name for probe in of.probes
                              if probe.state == "deviated" and probe.phase is not Phase.BEFORE))


def _recovery(before_s: float | None, now_s: float | None) -> Iterator[Change]:
    if before_s is None or now_s is None or abs(now_s - before_s) < max(_LEAST_S, NOISE * max(before_s, now_s)):
        return
    yield Change(word="slower" if now_s > before_s else "faster", tone="bad" if now_s > before_s else "good",
                 text=f"recovered in {spoken_seconds(before_s)} → {spoken_seconds(now_s)}")


def _worst(last: Last, now: Outcome) -> Iterator[Change]:
    """Which way is worse only the limit knows: the figures are told, and no judgement."""
    known = {probe.name: probe for probe in last.probes if probe.phase is Phase.DURING}
    for probe in now.probes:
        before = known.get(probe.name) if probe.phase is Phase.DURING else None
        if before and before.unit == probe.unit and _moved(before.worst, probe.worst):
            unit = Unit(probe.unit)
            yield Change(word="moved", tone="quiet", text=(
                f"{text.short(probe.name, 60)} {value_words(before.worst, unit)} → {value_words(probe.worst, unit)}"))


def _moved(before: object, now: object) -> bool:
    if not is_number(before) or not is_number(now):
        return False
    return abs(now - before) > NOISE * max(abs(before), abs(now))
