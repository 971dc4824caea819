import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.report.browser.looking import Looking

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SCREENSHOTS = "CHAOS_RUNNER_SCREENSHOTS"
"""The folder where the pictures are kept. Without it they go with the test's own folder."""


@pytest.fixture(scope="session")
def looking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Looking]:
    """A browser that looks at pages from files, and at nothing else."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium (tests/install installs Debian's)")
    kept = os.environ.get(SCREENSHOTS)
    folder = Path(kept) if kept else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    with Looking.through(CHROMIUM, tmp_path_factory.mktemp("pages"), folder) as opened:
        yield opened
