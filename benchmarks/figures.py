"""The figures that are watched, each with its limit and what bounds it."""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from subprocess import DEVNULL, PIPE, Popen
from typing import Any, Final

import psutil
from msgspec import Struct

from benchmarks.timing import Pair, Timed, in_turn

BIN: Final = Path(sys.executable).parent
OURS: Final = str(BIN / "chaos-runner")
THEIRS: Final = (str(BIN / "chaos"), "--no-version-check")
NO_OP: Final[dict[str, Any]] = {
    "type": "action", "name": "nothing", "provider": {"type": "python", "module": "os", "func": "getcwd"}}
HOLDS: Final[dict[str, Any]] = {
    "type": "probe", "name": "root is there", "tolerance": True,
    "provider": {"type": "python", "module": "os.path", "func": "exists", "arguments": {"path": "/"}}}


class Figure(Struct, frozen=True, kw_only=True):
    """One row of the table."""

    what: str
    ours: str
    theirs: str
    found: str
    limit: str
    held: bool
    bounded_by: str


def all_figures(quick: bool) -> Iterator[Figure]:  # noqa: FBT001 -- one switch of one command
    """Every figure, measured now."""
    runs = 5 if quick else 21
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield _help(folder, runs)
        yield _no_op(folder, runs)
        yield _thousand(folder, max(3, runs // 3))
        yield _stop(folder, 10 if quick else 100)
        yield _append(folder)


def _help(folder: Path, runs: int) -> Figure:
    pair = in_turn([OURS, "--help"], [*THEIRS, "--help"], folder, runs)
    return _against("`--help`", pair, 0.5,
                    "the interpreter and click; nothing else of others' is imported (a test counts the modules)")


def _no_op(folder: Path, runs: int) -> Figure:
    file = _written(folder, "no-op.json", [NO_OP])
    pair = in_turn(_run(file, folder), [*THEIRS, "run", str(file)], folder, runs)
    return _against("one experiment with one no-op action: durable journal, HTML, Markdown and JUnit reports",
                    pair, 1.3, "imports: chaoslib's own, msgspec, click; some 10 ms for the reports")


def _thousand(folder: Path, runs: int) -> Figure:
    file = _written(folder, "thousand.json", [{**NO_OP, "name": f"nothing {number}"} for number in range(1000)])
    pair = in_turn(_run(file, folder), [*THEIRS, "run", str(file)], folder, runs)
    return _against("1,000 no-op actions, each intention on disk before the act", pair, 2.0,
                    "one fdatasync and two changes of thread per action; the reports of 1,000 steps")


def _against(what: str, pair: Pair, limit: float, bounded_by: str) -> Figure:
    return Figure(what=what, ours=_told(pair.ours), theirs=_told(pair.theirs), found=f"{pair.ratio:.2f}x",
                  limit=f"≤ {limit:g}x", held=pair.ratio <= limit, bounded_by=bounded_by)


def _told(runs: list[Timed]) -> str:
    wall_ms, peak_mib = median(run.wall_s for run in runs) * 1000, median(run.peak_mib for run in runs)
    return f"{wall_ms:.0f} ms, {peak_mib:.0f} MiB"


def _run(file: Path, folder: Path) -> list[str]:
    return [OURS, "run", str(file), "--quiet", "--reports", str(folder / "reports")]


def _written(folder: Path, name: str, method: list[dict[str, Any]], **more: Any) -> Path:
    hypothesis = {"title": "all is well", "probes": [HOLDS]}
    data = {"title": name, "description": "a benchmark", "steady-state-hypothesis": hypothesis, "method": method,
            **more}
    file = folder / name
    file.write_text(json.dumps(data))
    return file


def _stop(folder: Path, runs: int) -> Figure:
    """From the sample that trips a stop rule to the first undo, while a Python step sleeps on the main thread."""
    (folder / "naps.py").write_text("import time\n\n\ndef nap(seconds):\n    time.sleep(seconds)\n")
    delays_ms = sorted(_one_stop(folder, number) for number in range(runs))
    _wait_for_watchdogs(folder)
    p99_ms = quantiles(delays_ms, n=100, method="inclusive")[98]
    return Figure(what=f"stop rule: sample → first undo call, while a Python step sleeps 60 s ({runs} runs)",
                  ours=f"p50 {median(delays_ms):.1f} ms, p99 {p99_ms:.1f} ms", theirs="waits for the step to end",
                  found=f"{p99_ms:.1f} ms", limit="≤ 50 ms", held=p99_ms <= 50,
                  bounded_by="one fdatasync and the hand-over to a worker thread")


def _one_stop(folder: Path, number: int) -> float:
    """Pauses a process in the background, sleeps in the foreground, and trips the rule as soon as the fault acts."""
    flag = folder / f"flag-{number}"
    with Popen(["sleep", "100"]) as victim:
        try:
            return _tripped(folder, flag, victim.pid)
        finally:
            victim.kill()


def _tripped(folder: Path, flag: Path, pid: int) -> float:
    rule = {"name": "flag", "type": "probe", "tolerance": False, "every": "20ms",
            "provider": {"type": "python", "module": "os.path", "func": "exists", "arguments": {"path": str(flag)}}}
    pause = {"name": "pause", "fault": "host.process_pause", "target": {"pid": pid}, "duration": "90s",
             "background": True}
    raise_flag = {"type": "action", "name": "raise the flag",
                  "provider": {"type": "process", "path": "touch", "arguments": [str(flag)]}}
    sleep = {"type": "action", "name": "sleep",
             "provider": {"type": "python", "module": "naps", "func": "nap", "arguments": {"seconds": 60}}}
    file = _written(folder, f"{flag.name}.json", [pause, raise_flag, sleep], **{"stop-when": [rule]})
    with Popen([*_run(file, folder), "--json"], stdout=PIPE, stderr=DEVNULL, cwd=folder) as run:
        printed, _ = run.communicate(timeout=60)
    return float(json.loads(printed)["stop"]["sample_to_undo_ms"])


def _wait_for_watchdogs(folder: Path) -> None:
    """A step that was left behind may act as long as its process lives: after that the watchdog looks once more."""
    while any(str(folder) in " ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])):
        time.sleep(0.1)


def _append(folder: Path) -> Figure:
    """One intention, forced to the disk."""
    from chaos_runner.journal.writer import Journal
    from chaos_runner.run.events import StepBegan

    journal = Journal.create(folder / "journal.ndjson", datetime.now(UTC))
    took_ms = []
    for number in range(500):
        began_s = time.perf_counter()
        journal.append([StepBegan(t=0.0, step=f"m{number}")])
        took_ms.append((time.perf_counter() - began_s) * 1000)
    journal.close()
    p50_ms = median(took_ms)
    return Figure(what="one event appended and forced to the disk", ours=f"p50 {p50_ms:.2f} ms",
                  theirs="nothing until the end", found=f"{p50_ms:.2f} ms", limit="≤ 0.3 ms", held=p50_ms <= 0.3,
                  bounded_by="the disk's fdatasync")
