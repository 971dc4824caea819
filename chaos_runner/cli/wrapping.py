"""Text made to fit a terminal, with a hanging indent. Nothing is wrapped where nobody sees a width."""

import os
from textwrap import TextWrapper
from typing import Final, NamedTuple, TextIO

from chaos_runner.cli.ink import Ink

NARROW: Final = 60
"""Below so many columns nothing is set out in columns."""
LINE_MOST: Final = 1000
"""Characters that are shown of one text from outside. What a person must be able to copy is never cut."""


class Paper(NamedTuple):
    """What is written on: its ink, and its width where it has one."""

    ink: Ink
    width: int | None


def width_of(stream: TextIO) -> int | None:
    """The columns of the terminal behind a stream, None where there is none."""
    try:
        return max(20, os.get_terminal_size(stream.fileno()).columns or 80) if stream.isatty() else None
    except (OSError, ValueError, AttributeError):
        return None


def brief(text: str, most: int = LINE_MOST) -> str:
    """The text, or its beginning and how much more of it there is."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most} more characters)"


def wrapped(text: str, width: int | None, indent: int, first: int | None = None) -> str:
    """The text in lines of at most `width` cells; all but the first are indented, and that begins `first` cells in."""
    if width is None or width - indent < 10:
        return text
    begin = indent if first is None else first
    wrapper = TextWrapper(width=width, initial_indent=" " * begin, subsequent_indent=" " * indent,
                          break_on_hyphens=False)
    return "\n".join(wrapper.wrap(text))[begin:] if text.strip() else text
