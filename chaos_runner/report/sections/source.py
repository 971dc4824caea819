"""The experiment file as its author wrote it, and the reusable probes that it uses."""


from msgspec import Struct

from chaos_runner.experiment.model import Used
from chaos_runner.report import text
from chaos_runner.report.story import Story

MOST = 65_536
"""Characters of the file in the page."""
MOST_OF_A_PART = 8_192


class Part(Struct, frozen=True, kw_only=True):
    """A reusable probe: its name, its file, and what stands there of it."""

    name: str
    file: str
    source: str


class View(Struct, frozen=True, kw_only=True):
    """A file's name, its lines and its text, and what `use:` has brought from other files."""

    file: str
    lines: int
    source: str
    used: list[Part]


def view(story: Story) -> View | None:
    """None when the journal does not hold the file's text."""
    run = story.run
    source = run.plan.experiment.source
    if not source:
        return None
    return View(file=text.short(run.plan.experiment.file), lines=len(source.splitlines()),
                source=text.cut(source, MOST), used=[_part(used) for used in run.plan.experiment.used])


def _part(used: Used) -> Part:
    return Part(name=text.short(used.name), file=text.short(used.file), source=text.cut(used.text, MOST_OF_A_PART))
