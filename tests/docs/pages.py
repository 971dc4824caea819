"""The pages of docs/, taken apart."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
PAGES: Final = sorted(DOCS.rglob("*.md"))
HOW_TO: Final = tuple(sorted(f"how-to/{page.stem}" for page in (DOCS / "how-to").glob("*.md")))
WRITTEN: Final = ("adding-a-fault", "ci", "experiment-format", "from-chaos-toolkit", "gamedays",
                  "index", "journal", "scheduling", "tutorial", "verdicts", *HOW_TO)
"""The pages that people write and these tests keep true."""
_BLOCK: Final = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INLINE: Final = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)


class Block(Struct, frozen=True):
    """A fenced block: its language, what stands behind that (a file's name, a code, how it ends), and its text."""

    page: str
    language: str
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}: {self.text.strip().splitlines()[0][:50]}"


def text(page: str) -> str:
    """A written page."""
    return (DOCS / f"{page}.md").read_text(encoding="utf-8")


def blocks(*languages: str, pages: tuple[str, ...] = WRITTEN) -> list[Block]:
    """The fenced blocks in these languages, in order."""
    return [Block(page, language, mark, body) for page in pages for language, mark, body in _BLOCK.findall(text(page))
            if language in languages]


def inline(page: str) -> Iterator[str]:
    """What stands between single backticks."""
    yield from _INLINE.findall(_BLOCK.sub("", text(page)))


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The file and the heading that each link to this repository leads to."""
    for link in _LINK.findall(_BLOCK.sub("", page.read_text(encoding="utf-8"))):
        if "://" not in link:
            file, _, heading = link.partition("#")
            yield (page.parent / file).resolve() if file else page, heading


def headings(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    found = _HEADING.findall(_BLOCK.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def rows(page: str) -> Iterator[list[str]]:
    """The cells of every row of every table."""
    for line in text(page).splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split("|")]
