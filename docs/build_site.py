"""Builds the pages of docs/ as a site, and checks every link and heading in it. Needs no network.

    python docs/build_site.py [FOLDER]    writes the site (default: build/site); exit code 1 if a link leads nowhere
    python docs/build_site.py --check     writes nothing

Every page has to stand in NAVIGATION: one that nobody is led to is an error as well.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from html import escape
from itertools import pairwise
from os.path import relpath
from pathlib import Path, PurePosixPath
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec import Struct

DOCS: Final = Path(__file__).parent
ROOT: Final = DOCS.parent
STYLE: Final = ROOT / "chaos_runner" / "report" / "templates" / "style.css"
NAVIGATION: Final[Mapping[str, tuple[str, ...]]] = {
    "Begin": ("docs/index.md", "docs/tutorial.md"),
    "How to": ("docs/how-to/slow-dependency.md", "docs/how-to/dead-process.md", "docs/how-to/full-disk.md",
               "docs/how-to/cut-network.md", "docs/kubernetes.md", "docs/aws.md", "docs/lab.md",
               "docs/how-to/ci-gate.md", "docs/ci.md", "docs/scheduling.md", "docs/how-to/gates.md",
               "docs/notifications.md", "docs/gamedays.md", "docs/how-to/game-day-by-hand.md", "docs/recovery.md",
               "docs/from-chaos-toolkit.md", "docs/adding-a-fault.md"),
    "Reference": ("docs/experiment-format.md", "docs/verdicts.md", "docs/journal.md", "docs/history.md",
                  "docs/reference/commands.md", "docs/reference/faults.md", "docs/reference/probes.md",
                  "docs/reference/codes.md"),
    "Understand": ("docs/architecture.md", "docs/benchmarks.md", "CONTRIBUTING.md", "CHANGELOG.md"),
}
_OWN_STYLE: Final = """
body { max-width: 1180px; display: grid; grid-template-columns: 210px minmax(0, 1fr); gap: 40px; font-size: 15px; }
nav { font-size: 14px; position: sticky; top: 20px; align-self: start; max-height: 95vh; overflow: auto; }
nav h2 { font-size: 12px; color: var(--soft); margin: 14px 0 2px; } nav ul { list-style: none; }
nav a { display: block; padding: 3px 0; } nav [aria-current] { font-weight: 650; color: var(--ink); }
main { max-width: 82ch; } main h1 { font-size: 26px; } main h2 { font-size: 19px; margin: 30px 0 6px; }
main h3 { font-size: 15px; color: var(--ink); margin-top: 20px; } main p, main ul, main ol { margin: 10px 0; }
main ul, main ol { padding-left: 22px; } main a { text-decoration: underline; }
main pre { max-height: none; white-space: pre; overflow-wrap: normal; } main pre code { font-size: 13px; }
main table { border-collapse: collapse; margin: 12px 0; display: block; overflow-x: auto; }
main th, main td { border: 1px solid var(--rule); padding: 4px 8px; text-align: left; vertical-align: top; }
main img { max-width: 100%; } main code { font-size: 13px; overflow-wrap: anywhere; }
nav { grid-column: 1; grid-row: 1; } main { grid-column: 2; } .pages { display: none; }
@media (max-width: 760px) {
  body { display: block; } nav { position: static; max-height: none; } .pages { display: block; }
}
@media print { nav, .pages { display: none; } body { display: block; } }
"""
_MARKDOWN: Final = MarkdownIt("commonmark").enable("table")


class Page(Struct, frozen=True):
    """A source of the site: its path below the repository's folder, its tokens, its title, its headings."""

    source: str
    tokens: list[Token]
    title: str
    headings: frozenset[str]

    @property
    def path(self) -> str:
        """Where it stands in the site."""
        inside = PurePosixPath(self.source.removeprefix("docs/"))
        return str(inside.with_suffix(".html")) if inside.suffix == ".md" else f"{inside}.html"


def main(words: list[str]) -> int:
    """Builds or checks. Returns the exit code."""
    pages = {source: read(ROOT / source) for source in sources()}
    problems = [*unlisted(pages), *(problem for page in pages.values() for problem in led(page, pages))]
    if words != ["--check"]:
        folder = Path(words[0]) if words else ROOT / "build" / "site"
        write(pages, folder)
        print(f"wrote {len(pages)} pages below {folder}")
    print("\n".join(problems) or "every link leads somewhere")
    return 1 if problems else 0


def sources() -> list[str]:
    """What becomes a page."""
    found = [*DOCS.rglob("*.md"), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md",
             *(ROOT / "experiments").glob("*.yaml")]
    return sorted(str(file.relative_to(ROOT)) for file in found)


def read(file: Path) -> Page:
    """A page, with an id on each of its headings. An experiment is shown as it stands in its file."""
    text = file.read_text(encoding="utf-8")
    if file.suffix != ".md":
        text = f"# {file.name}\n\n````yaml\n{text}````\n"
    tokens = _MARKDOWN.parse(text)
    title = ""
    for opening, inside in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", slug(inside.content))
            title = title or inside.content
    ids = frozenset(str(token.attrs["id"]) for token in tokens if token.type == "heading_open")
    return Page(str(file.relative_to(ROOT)), tokens, title, ids)


def slug(heading: str) -> str:
    """A heading as links name it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def unlisted(pages: Mapping[str, Page]) -> Iterator[str]:
    """Pages that nobody is led to, and places in the navigation without a page."""
    listed = {source for group in NAVIGATION.values() for source in group}
    yield from (f"{source}: stands nowhere in the navigation" for source in pages
                if source.endswith(".md") and source not in listed)
    yield from (f"{source}: stands in the navigation, but is no page" for source in listed - pages.keys())


def led(page: Page, pages: Mapping[str, Page]) -> Iterator[str]:
    """Turns the page's links from files to pages. Yields those that lead nowhere."""
    for link in _links(page.tokens):
        name = "src" if link.type == "image" else "href"
        wanted = str(link.attrs[name])
        if "://" in wanted or wanted.startswith("mailto:"):
            continue
        target, problem = _target(page, wanted, pages)
        if problem:
            yield f"{page.source}: {wanted} {problem}"
        link.attrs[name] = target


def _links(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.type in ("link_open", "image"):
            yield token
        yield from _links(token.children or [])


def _target(page: Page, wanted: str, pages: Mapping[str, Page]) -> tuple[str, str]:
    """The link within the site, and what is wrong with it."""
    file, _, heading = wanted.partition("#")
    source = relpath((ROOT / page.source).parent / file, ROOT) if file else page.source
    if source not in pages:
        inside = next((other for other in pages if other.startswith(f"{source}/")), "")
        if not inside:
            return wanted, "leads nowhere"
        source = inside
    if heading and heading not in pages[source].headings:
        return wanted, "leads to a heading that is not there"
    there = relpath(pages[source].path, Path(page.path).parent) if file else ""
    return f"{there}{'#' if heading else ''}{heading}", ""


def write(pages: Mapping[str, Page], folder: Path) -> None:
    """Writes the site."""
    for page in pages.values():
        file = folder / page.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(html(page, pages), encoding="utf-8")
    (folder / "style.css").write_text(STYLE.read_text(encoding="utf-8") + _OWN_STYLE, encoding="utf-8")


def html(page: Page, pages: Mapping[str, Page]) -> str:
    """A whole page."""
    style = relpath("style.css", Path(page.path).parent)
    body = _MARKDOWN.renderer.render(page.tokens, _MARKDOWN.options, {})
    return (f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(page.title)} · '
            'chaos-runner</title>\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<link rel="stylesheet" href="{style}">\n</head>\n<body>\n<main>\n'
            f'<a class="pages" href="#pages">All pages</a>\n{body}</main>\n<nav id="pages" aria-label="Pages">\n'
            f'{"".join(_navigation(page, pages))}</nav>\n</body>\n</html>\n')


def _navigation(page: Page, pages: Mapping[str, Page]) -> Iterator[str]:
    for group, members in NAVIGATION.items():
        yield f"<h2>{group}</h2>\n<ul>\n"
        for other in (pages[source] for source in members if source in pages):
            here = ' aria-current="page"' if other is page else ""
            there = relpath(other.path, Path(page.path).parent)
            yield f'<li><a href="{there}"{here}>{escape(other.title)}</a></li>\n'
        yield "</ul>\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
