"""A real browser, and what a page did in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a second, in every process that only looks which tests there are
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request

DESK = (1280, 800)
TABLET = (768, 1024)
PHONE = (390, 844)


@dataclass
class Seen:
    """A page in the browser, and everything it did that a report must not do."""

    page: "Page"
    misdeeds: list[str] = field(default_factory=list)

    def bottom(self, selector: str) -> float:
        """Where an element ends, in pixels from the top of the page."""
        return float(self.page.evaluate(
            "selector => document.querySelector(selector).getBoundingClientRect().bottom + scrollY", selector))

    @property
    def width(self) -> int:
        """How wide the page is, scrolled or not."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))

    def flaws(self) -> str:
        """What axe finds, as a text, and an empty one for a page that everybody can use."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page)
        return str(found.generate_report()) if found.violations_count else ""


class Looking:
    """Opens pages, and keeps pictures of them."""

    def __init__(self, browser: "Browser", pages: Path, pictures: Path) -> None:
        self._browser, self._pages, self._pictures = browser, pages, pictures

    @classmethod
    @contextmanager
    def through(cls, chromium: str, pages: Path, pictures: Path) -> Iterator["Looking"]:
        """A browser for as long as somebody looks."""
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            try:
                yield cls(browser, pages, pictures)
            finally:
                browser.close()

    @contextmanager
    def at(self, html: str, size: tuple[int, int] = DESK, *, dark: bool = False, scripts: bool = True,
           forced: bool = False) -> Iterator[Seen]:
        """The page in a window of that size, and what it does there."""
        file = self._pages / "report.html"
        file.write_text(html, encoding="utf-8")
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light",
            forced_colors="active" if forced else "none", java_script_enabled=scripts, accept_downloads=True)
        seen = Seen(context.new_page())
        self._watch(seen, file.as_uri())
        try:
            seen.page.goto(file.as_uri())
            yield seen
        finally:
            context.close()

    def keep(self, seen: Seen, name: str) -> None:
        """A picture of the whole page."""
        seen.page.screenshot(path=self._pictures / f"{name}.png", full_page=True)

    @staticmethod
    def _watch(seen: Seen, address: str) -> None:
        def asked(dialog: "Dialog") -> None:
            seen.misdeeds.append(f"dialog: {dialog.message}")
            dialog.dismiss()

        def said(message: "ConsoleMessage") -> None:
            seen.misdeeds.append(f"console: {message.text}")

        def fetched(request: "Request") -> None:
            if request.url.partition("#")[0] != address:
                seen.misdeeds.append(f"request: {request.url[:80]}")

        seen.page.on("dialog", asked)
        seen.page.on("console", said)
        seen.page.on("request", fetched)
        seen.page.on("pageerror", lambda problem: seen.misdeeds.append(f"error: {problem}"))
