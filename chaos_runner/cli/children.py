"""One run, one process: chaoslib keeps state in its process, so whoever runs several experiments starts children."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import msgspec

from chaos_runner.cli.ears import Ears, Signalled, Spoke, listening
from chaos_runner.run.events import Verdict

if TYPE_CHECKING:
    from chaos_runner.report.notices import NoRun

_BUG_EXIT: Final = 70
_NO_ANSWER: Final = (0, 1)
"""Exit codes that say "passed" and "deviated", which nobody may say who leaves no outcome; 1 is also a crash's."""
_CHUNK: Final = 65536


class Child:
    """One experiment in a process of its own, with a process group of its own: a terminal's Ctrl-C reaches it once,
    through us. What it prints is its outcome; its talk goes to `talk`, else to our standard error. Where its name is
    `secret` no list of processes has it.
    """

    def __init__(self, file: str, options: Sequence[str] = (), talk: IO[bytes] | None = None, *,
                 secret: bool = False) -> None:
        self.file = file
        self._printed = b""
        words = ["--named-aside"] if secret else [file]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chaos_runner", "run", *words, "--json", *options],
            stdin=subprocess.PIPE if secret else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=talk,
            process_group=0)
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError), self._process.stdin as there:
                there.write(f"{file}\n".encode())

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def fileno(self) -> int:
        """For `select`: readable when it has printed something, or will print nothing more."""
        assert self._process.stdout  # noqa: S101 -- it is a pipe, see above
        return self._process.stdout.fileno()

    def hear(self) -> bool:
        """Takes what it has printed. False when there will be nothing more."""
        chunk = os.read(self.fileno(), _CHUNK)
        self._printed += chunk
        return bool(chunk)

    def send(self, number: int) -> None:
        """Passes a signal on."""
        self._process.send_signal(number)

    def outcome(self) -> dict[str, Any]:
        """Its outcome, once it has ended: it is waited for.

        A child that was refused before it had a folder left no outcome: then only file, verdict and exit are known. One
        that left without an outcome and with exit code 0 did not pass, with 1 it found no weakness.
        """
        while self.hear():
            pass
        exit_code = self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        try:
            outcome: dict[str, Any] = msgspec.json.decode(self._printed)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _without_outcome(self.file, exit_code)
        return outcome


def run_in_a_child(file: str, options: Sequence[str] = ()) -> dict[str, Any]:
    """Runs one experiment and gives its outcome. While it lasts stopping signals go to the child."""
    with listening(attended=False) as ears:  # before it begins: no signal may end us and leave it alone
        child = Child(file, options)
        return outcome_of(child, ears, child.send)


def outcome_of(child: Child, ears: Ears, signalled: Callable[[int], object]) -> dict[str, Any]:
    """Its outcome, once it has ended. Until then the signals that are heard are given to `signalled`."""
    while True:
        heard = ears.listen(child=child)
        if isinstance(heard, Signalled):
            signalled(heard.number)
        elif isinstance(heard, Spoke) and not child.hear():
            return child.outcome()


def _without_outcome(file: str, exit_code: int) -> dict[str, Any]:
    if exit_code == 3:
        return {"file": file, "verdict": Verdict.NOT_STARTED, "exit": exit_code}
    if exit_code < 0:
        return {"file": file, "verdict": Verdict.INTERRUPTED, "exit": 128 - exit_code}
    return {"file": file, "verdict": Verdict.ERROR, "exit": _BUG_EXIT if exit_code in _NO_ANSWER else exit_code}


def told_of(outcome: Mapping[str, Any], reports: Path | None, environment: str) -> "Path | NoRun":
    """The folder of a child's run, or what is known of one that has none. Raises as `surroundings_or_leave` does."""
    from chaos_runner.cli.files import surroundings_or_leave
    from chaos_runner.report.folders import reports_folder
    from chaos_runner.report.notices import NoRun

    if "run" not in outcome:
        said = outcome.get("sentence") or "it left no outcome: the log says why"
        return NoRun(file=outcome["file"], exit=outcome["exit"], text=said)
    project = surroundings_or_leave(outcome["file"], environment).project
    return reports_folder(reports, project) / "runs" / str(outcome["run"])
