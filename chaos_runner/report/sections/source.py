"""The experiment file as its author wrote it."""


from msgspec import Struct

from chaos_runner.report import text
from chaos_runner.report.story import Story

MOST = 65_536
"""Characters of the file in the page."""


class View(Struct, frozen=True, kw_only=True):
    """A file's name, its lines and its text."""

    file: str
    lines: int
    source: str


def view(story: Story) -> View | None:
    """None when the journal does not hold the file's text."""
    run = story.run
    source = run.plan.experiment.source
    if not source:
        return None
    return View(file=text.short(run.plan.experiment.file), lines=len(source.splitlines()),
                source=text.cut(source, MOST))
