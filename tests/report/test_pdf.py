import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chaos_runner.report.pdf import BROWSER_VARIABLE, NAMES

_PRINT = """
import sys
from chaos_runner.errors import UsageError
from chaos_runner.report.pdf import pdf
from tests.report import stories
try:
    sys.stdout.buffer.write(pdf(*stories.deviated()))
except UsageError as problem:
    sys.exit(f"{type(problem).__name__}: {problem}")
"""


def printed(browser: Path | str | None = None) -> "subprocess.CompletedProcess[bytes]":
    """The PDF of a run on standard output, made in a process of its own."""
    chosen = {BROWSER_VARIABLE: str(browser)} if browser else {}
    return subprocess.run([sys.executable, "-c", _PRINT], env={**os.environ, **chosen}, capture_output=True,
                          timeout=90, check=False)


def script(folder: Path, text: str) -> Path:
    """Something that is called like a browser."""
    path = folder / "browser"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, NAMES)), reason="there is no Chromium here")
def test_the_page_is_printed_by_chromium_and_nothing_of_it_is_left() -> None:
    done = printed()
    assert done.stdout.startswith(b"%PDF"), done.stderr.decode()
    assert done.stdout.rstrip().endswith(b"%%EOF")


def test_without_a_browser_it_is_said_what_to_do() -> None:
    said = printed("/no/browser").stderr.decode()
    assert said.startswith(f"NotPrinted: a PDF is printed by Chromium, and there is none: ${BROWSER_VARIABLE} (/no/")
    assert "print report.html from any browser" in said


def test_what_a_browser_said_that_did_not_print_is_told(tmp_path: Path) -> None:
    said = printed(script(tmp_path, "echo no room; exit 1")).stderr.decode()
    assert said.strip().endswith("did not print the page: no room")


def test_a_helper_of_the_browser_is_ended_with_it(tmp_path: Path) -> None:
    printed(script(tmp_path, f"sleep 63.5 & echo $! > {tmp_path}/pid"))
    assert not Path("/proc", (tmp_path / "pid").read_text().strip(), "cmdline").exists() or \
        b"sleep" not in Path("/proc", (tmp_path / "pid").read_text().strip(), "cmdline").read_bytes()
