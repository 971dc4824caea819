"""Who ran it, on what, and within which limits: the last line of the first screen."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from chaos_runner.plan.limits import shares, used
from chaos_runner.report import text
from chaos_runner.report.story import Story
from chaos_runner.run.run import Run

_TARGETS_MOST: Final = 3


class Fact(Struct, frozen=True, kw_only=True):
    """A name and its value."""

    name: str
    value: str


class View(Struct, frozen=True, kw_only=True):
    """A few facts in reading order."""

    facts: list[Fact]


def view(story: Story) -> View:
    """Those that are known."""
    run = story.run
    plan, origin = run.plan, run.plan.origin
    through = f", from {origin.through}" if origin.through else ""
    facts = (
        Fact(name="target", value=_targets(run)),
        Fact(name="environment", value=f"{plan.environment}{' (production)' if plan.production else ''}"),
        Fact(name="within", value="; ".join(used(plan.safeguards.limits, run.hit))),
        Fact(name="started by", value=f"{origin.user} on {origin.host}{through}"),
        Fact(name="owner", value=plan.experiment.owner), Fact(name="file", value=plan.experiment.file),
    )
    return View(facts=[Fact(name=fact.name, value=text.short(fact.value)) for fact in facts if fact.value])


def _targets(run: Run) -> str:
    """The first few by name, and how much of their groups that is."""
    aims = [aim for aims in run.hit.values() for aim in aims]
    labels = list(dict.fromkeys(text.short(aim.label, 60) for aim in aims))
    more = f" and {len(labels) - _TARGETS_MOST} more" if len(labels) > _TARGETS_MOST else ""
    return "; ".join([f"{', '.join(labels[:_TARGETS_MOST])}{more}", *_parts(run)]) if labels else ""


def _parts(run: Run) -> Iterator[str]:
    aims = [aim for aims in run.hit.values() for aim in aims]
    yield from (str(share) for share in shares(aims)[:2])
