"""Makes the README's pictures, from a real run of the demo's second experiment on the embedded shop.

    python docs/pictures/make.py

Writes report.png (Chromium, headless) and console.svg, the live view while the fault acts, beside this file. Takes
half a minute. Looks for Chromium as `chromium`, `chromium-browser` or `google-chrome`.
"""

import codecs
import fcntl
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from contextlib import suppress
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
ROWS: Final = 40
_WRITTEN: Final = re.compile(r"\x1b\[(\d+)A|(\x1b\[J)|\x1b\[K|((?:[^\x1b\r\n]|\x1b\[[\d;]*m)+)|(\n)")
_COLOURS: Final = re.compile(r"\x1b\[[\d;]*m")
_TELLING: Final = ("● during", "bad")
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
    """What stands on the terminal of a run in that folder while its fault acts, with its colours."""
    file = example(EXPERIMENT)
    for inside in ("experiments", "probes"):
        (folder / inside).mkdir()
    shutil.copy(file, folder / "experiments")
    shutil.copy(file.parent.parent / "probes" / "shop.yaml", folder / "probes")
    with lab.running(folder / "shop") as shop:
        environment = {**os.environ, "SHOP_URL": shop.url, "TOXIPROXY_URL": shop.proxy_api, "TERM": "xterm-256color",
                       "CHAOS_RUNNER_REPORTS": "reports"}
        for variable in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
            environment.pop(variable, None)
        command = [sys.executable, "-m", "chaos_runner", "run", f"experiments/{EXPERIMENT}"]
        screen = Screen()
        exit_code = on_a_terminal(command, folder, environment, screen)
    if exit_code != _DEVIATED or not screen.kept:
        said = "\n".join(screen.lines)
        raise SystemExit(f"the run ended with {exit_code}, not {_DEVIATED}, or was never seen deviating:\n{said}")
    return "\n".join([f"$ chaos-runner run experiments/{EXPERIMENT}", *screen.kept])


def on_a_terminal(command: list[str], folder: Path, environment: dict[str, str], screen: "Screen") -> int:
    """Runs it with a terminal of its own, every writing of which is fed to the screen. Gives its exit code."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    child = subprocess.Popen(command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
                             start_new_session=True)
    os.close(theirs)
    decoder = codecs.getincrementaldecoder("utf-8")()
    with suppress(OSError):  # that is how the end of a terminal is read
        while data := os.read(ours, 65536):
            screen.feed(decoder.decode(data))
    os.close(ours)
    return child.wait()


class Screen:
    """Lines with their colours, as the live view writes them: always whole ones. `kept` is how it looked last while a
    probe was bad.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.kept: list[str] = []
        self._row = 0

    def feed(self, text: str) -> None:
        """What was written to it."""
        for up, erased, line, ended in _WRITTEN.findall(text):
            self._row -= int(up or 0)
            if erased:
                del self.lines[self._row:]
            if line:
                self.lines[self._row:self._row + 1] = [line]
            self._row += bool(ended)
        seen = _COLOURS.sub("", "\n".join(self.lines))
        if all(words in seen for words in _TELLING):
            self.kept = list(self.lines)


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
