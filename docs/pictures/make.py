"""Makes the README's pictures, from a real run of the demo's second experiment on the embedded shop.

    python docs/pictures/make.py

Writes report.png (Chromium, headless) and console.svg beside this file. Takes half a minute. Looks for Chromium as
`chromium`, `chromium-browser` or `google-chrome`.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from chaos_runner.lab.examples import example
from chaos_runner.lab.shop import shop as lab

HERE: Final = Path(__file__).parent
EXPERIMENT: Final = "02-one-orders-service-hangs.yaml"
COLUMNS: Final = 118
WINDOW: Final = "1280,800"
_DEVIATED: Final = 1
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
_FONTS: Final = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)
"""A picture loads nothing from elsewhere."""


def main() -> None:
    """Makes both."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        said = played(folder)
        (HERE / "console.svg").write_text(terminal(said), encoding="utf-8")
        photographed(folder / "reports" / "latest" / "report.html", HERE / "report.png")
    print("wrote console.svg and report.png")


def played(folder: Path) -> str:
    """What the console says of a run in that folder, with its colours."""
    file = example(EXPERIMENT)
    for inside in ("experiments", "probes"):
        (folder / inside).mkdir()
    shutil.copy(file, folder / "experiments")
    shutil.copy(file.parent.parent / "probes" / "shop.yaml", folder / "probes")
    with lab.running(folder / "shop") as shop:
        environment = {**os.environ, "SHOP_URL": shop.url, "TOXIPROXY_URL": shop.proxy_api, "FORCE_COLOR": "1",
                       "COLUMNS": str(COLUMNS), "CHAOS_RUNNER_REPORTS": "reports"}
        environment.pop("NO_COLOR", None)
        command = [sys.executable, "-m", "chaos_runner", "run", f"experiments/{EXPERIMENT}"]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != _DEVIATED:
        raise SystemExit(f"the run ended with {done.returncode}, not {_DEVIATED}:\n{done.stderr}")
    return f"$ chaos-runner run experiments/{EXPERIMENT}\n{done.stderr}{done.stdout}"


def terminal(said: str) -> str:
    """The text as a picture of a terminal."""
    from rich._export_format import CONSOLE_SVG_FORMAT

    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True, color_system="truecolor",
                      legacy_windows=False)
    console.print(Text.from_ansi(said.rstrip()), soft_wrap=False)
    return console.export_svg(title="chaos-runner", theme=DIMMED_MONOKAI, unique_id="console",
                              code_format=_FONTS.sub("", CONSOLE_SVG_FORMAT))


def photographed(page: Path, picture: Path) -> None:
    """The first screen of a page, as a desk sees it."""
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise SystemExit(f"there is none of {', '.join(_BROWSERS)} on this machine")
    subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                    f"--window-size={WINDOW}", f"--screenshot={picture}", page.resolve().as_uri()],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=True)


if __name__ == "__main__":
    main()
