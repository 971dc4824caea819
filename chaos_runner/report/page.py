"""The report page: an ordered tuple of sections, each a function from a story to a view and a template for it."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from msgspec import Struct

from chaos_runner.journal.record import Record
from chaos_runner.report import times
from chaos_runner.report.last import Last
from chaos_runner.report.rendering import rendered, script
from chaos_runner.report.sections import (
    against,
    hypothesis,
    log,
    origin,
    raw,
    reasons,
    source,
    steps,
    ticket,
    timeline,
    undo,
    verdict,
    who,
)
from chaos_runner.report.story import Story
from chaos_runner.report.text import short
from chaos_runner.run.run import Run


class Section(Struct, frozen=True):
    """A part of the page. A view of None leaves it out."""

    template: str
    view: Callable[[Story], Any]


class Placed(Struct, frozen=True):
    """A section's template with what it places."""

    template: str
    view: Any


class Frame(Struct, frozen=True, kw_only=True):
    """What surrounds the sections. `first` is the first screen; all else is folded below."""

    title: str
    run: str
    started: str
    started_iso: str
    version: str
    script: str
    script_hash: str
    first: list[Placed]
    folded: list[Placed]


FIRST: tuple[Section, ...] = (
    Section("verdict.html", verdict.view),
    Section("hypothesis.html", hypothesis.view),
    Section("timeline.html", timeline.view),
    Section("against.html", against.view),
    Section("who.html", who.view),
)
"""The first screen, always in this order."""
FOLDED: tuple[Section, ...] = (
    Section("reasons.html", reasons.view),
    Section("measured.html", hypothesis.view),
    Section("picture.html", timeline.view),
    Section("steps.html", steps.view),
    Section("undo.html", undo.view),
    Section("log.html", log.view),
    Section("source.html", source.view),
    Section("origin.html", origin.view),
    Section("raw.html", raw.view),
    Section("ticket.html", ticket.view),
)
"""What is folded below it, in this order."""


def html(run: Run, records: Sequence[Record], last: Last | None = None) -> str:
    """One self-contained page: no network, everything from outside escaped, whole with scripts off.

    `last` is the run of the same experiment before this one: without it the page depends on the journal alone.
    """
    return of(Story.of(run, records, last))


def of(story: Story) -> str:
    """The page of a story, as `html` makes it."""
    run = story.run
    view = cache(lambda made: made(story))
    code = script()
    frame = Frame(
        title=short(run.plan.experiment.title), run=short(run.plan.run), started=times.utc_date(run, 0.0),
        started_iso=short(run.plan.started), version=short(run.plan.origin.version), script=code.text,
        script_hash=code.hash, first=_placed(FIRST, view), folded=_placed(FOLDED, view))
    return rendered("page.html", frame=frame)


def _placed(sections: Sequence[Section], view: Callable[[Callable[[Story], Any]], Any]) -> list[Placed]:
    placed = [Placed(section.template, view(section.view)) for section in sections]
    return [one for one in placed if one.view is not None]
