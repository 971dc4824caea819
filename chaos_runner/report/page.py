"""The report page: an ordered tuple of sections, each a function from a story to a view and a template for it."""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from chaos_runner.journal.record import Record
from chaos_runner.report import times
from chaos_runner.report.rendering import environment
from chaos_runner.report.sections import (
    hypothesis,
    log,
    origin,
    reasons,
    source,
    steps,
    timeline,
    undo,
    verdict,
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
    """What surrounds the sections."""

    title: str
    description: str
    run: str
    started: str
    version: str
    sections: list[Placed]


SECTIONS: tuple[Section, ...] = (
    Section("verdict.html", verdict.view),
    Section("hypothesis.html", hypothesis.view),
    Section("timeline.html", timeline.view),
    Section("steps.html", steps.view),
    Section("undo.html", undo.view),
    Section("log.html", log.view),
    Section("origin.html", origin.view),
    Section("source.html", source.view),
    Section("reasons.html", reasons.view),
)


def html(run: Run, records: Sequence[Record]) -> str:
    """One self-contained page: no script, no network, everything from outside escaped."""
    story = Story.of(run, records)
    views = [(section.template, section.view(story)) for section in SECTIONS]
    frame = Frame(
        title=short(run.plan.experiment.title), description=short(run.plan.experiment.description, 600),
        run=short(run.plan.run), started=times.utc_date(run, 0.0), version=short(run.plan.origin.version),
        sections=[Placed(template, view) for template, view in views if view is not None])
    return environment().get_template("page.html").render(frame=frame)
