"""The run in Markdown, to be taken into a ticket: by a button, or marked and copied where scripts are off."""

from msgspec import Struct

from chaos_runner.report import markdown
from chaos_runner.report.story import Story


class View(Struct, frozen=True, kw_only=True):
    """The text."""

    markdown: str


def view(story: Story) -> View:
    """As `report.md` says it."""
    return View(markdown=markdown.text(story.run, story.records))
