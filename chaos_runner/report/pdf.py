"""The page on paper, printed by the Chromium of this machine. The page itself forbids to fetch anything."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from chaos_runner.errors import UsageError
from chaos_runner.journal.record import Record
from chaos_runner.report import page
from chaos_runner.report.story import Story
from chaos_runner.run.run import Run

BROWSER_VARIABLE: Final = "CHAOS_RUNNER_CHROMIUM"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
PATIENCE_S: Final = 60.0
_WORDS: Final = ("--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-sync",
                 "--disable-background-networking", "--disable-dev-shm-usage", "--no-pdf-header-footer")


class NotPrinted(UsageError):
    """There is no Chromium here, or it did not print the page."""


def pdf(run: Run, records: Sequence[Record]) -> bytes:
    """The report page with every folded part open, as PDF. Raises NotPrinted."""
    return of(Story.of(run, records))


def of(story: Story) -> bytes:
    """The PDF of a story, as `pdf` makes it."""
    browser = _browser()
    opened = page.of(story).replace("<details", "<details open")
    with tempfile.TemporaryDirectory(prefix="chaos-runner-pdf-", ignore_cleanup_errors=True) as folder:
        return _printed(browser, opened, Path(folder))


def _browser() -> str:
    asked = os.environ.get(BROWSER_VARIABLE)
    found = shutil.which(asked) if asked else next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        looked = f"${BROWSER_VARIABLE} ({asked})" if asked else f"none of {', '.join(NAMES)} is on the path"
        raise NotPrinted(f"a PDF is printed by Chromium, and there is none: {looked}. Install it, name it in "
                         f"${BROWSER_VARIABLE}, or print report.html from any browser")
    return found


def _printed(browser: str, html: str, folder: Path) -> bytes:
    source, target = folder / "report.html", folder / "report.pdf"
    source.write_text(html, encoding="utf-8")
    # In a container one often is root, where Chromium starts only without its sandbox.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    words = [browser, *_WORDS, *sandbox, f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={target}",
             source.as_uri()]
    said = _run(words, folder)
    data = target.read_bytes() if target.exists() else b""
    if not data.startswith(b"%PDF"):
        last = " ".join(said.split())[-300:] or "it said nothing"
        raise NotPrinted(f"{browser} did not print the page: {last}")
    return data


def _run(words: list[str], folder: Path) -> str:
    """Runs the browser to its end, and gives what it said."""
    log = folder / "log"
    try:
        with log.open("wb") as said:
            child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                     start_new_session=True)
    except OSError as problem:
        raise NotPrinted(f"{words[0]} cannot be started ({problem.strerror})") from problem
    try:
        child.wait(PATIENCE_S)
    except subprocess.TimeoutExpired as problem:
        raise NotPrinted(f"{words[0]} did not print the page within {PATIENCE_S:g} s") from problem
    finally:
        _end(child)
    return log.read_text(encoding="utf-8", errors="replace")


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Nothing of the browser is left running, its helpers included."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
