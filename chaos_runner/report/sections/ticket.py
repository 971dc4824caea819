"""The run in Markdown, to be taken into a ticket: by a button, or marked and copied where scripts are off."""

from typing import Final

from msgspec import Struct

from chaos_runner.report import markdown, text
from chaos_runner.report.story import Story

MOST: Final = 12_000
"""Characters in the page. `report.md` has all of it."""


class View(Struct, frozen=True, kw_only=True):
    """The text."""

    markdown: str


def view(story: Story) -> View:
    """As `report.md` says it."""
    return View(markdown=text.cut(markdown.texts([story]), MOST))
