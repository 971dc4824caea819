"""Figures of the history: asking among many runs, and the page of all runs."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks.figures import Figure
from chaos_runner.history.asking import History, Wanted
from chaos_runner.history.comparing import compared
from chaos_runner.history.rows import RunRow
from chaos_runner.history.store import ask, rebuild
from chaos_runner.report.index import write_index

RUNS: Final = 100_000
INDEX: Final = 1000
_VERDICTS: Final = ("passed",) * 17 + ("deviated", "aborted", "error")


def asking(folder: Path, quick: bool) -> Figure:  # noqa: FBT001 -- one switch of one command
    """List, filter and compare over many folders of runs, after the imports; the slowest of these counts."""
    count = RUNS // 20 if quick else RUNS
    reports = folder / "many"
    _write_runs(reports, count)
    rebuild(reports)
    newest = [reports / "runs" / _run(count - 1 - back) for back in range(2)]
    asked: dict[str, Callable[[], object]] = {
        "list": lambda: ask(reports, _newest, _say_nothing),
        "worst first": lambda: ask(reports, lambda history: history.runs(Wanted(worst_first=True)), _say_nothing),
        "filter": lambda: ask(reports, lambda history: history.runs(Wanted(experiment="number 7", verdict="error")),
                              _say_nothing),
        "trend": lambda: ask(reports, _trend, _say_nothing),
        "diff": lambda: compared(*newest)}
    took_ms = {name: _best_ms(question) for name, question in asked.items()}
    slowest_ms = max(took_ms.values())
    shutil.rmtree(reports)
    return Figure(what=f"history over {count:,} runs: {', '.join(took_ms)}, after the start",
                  ours=", ".join(f"{name} {ms:.1f} ms" for name, ms in took_ms.items()), theirs="has no history",
                  found=f"{slowest_ms:.1f} ms", limit="≤ 50 ms", held=slowest_ms <= 50,
                  bounded_by="SQLite's indices; one stat of the folder tells whether the database is stale")


def index(folder: Path, quick: bool) -> Figure:  # noqa: FBT001, ARG001 -- as the others
    """The page of all runs, written anew as after each run."""
    reports = folder / "index"
    _write_runs(reports, INDEX)
    ask(reports, lambda history: write_index(history, reports), _say_nothing)
    took_ms = ask(reports, lambda history: _best_ms(lambda: write_index(history, reports)), _say_nothing)
    size_kib = (reports / "index.html").stat().st_size / 1024
    return Figure(what=f"reports/index.html of {INDEX:,} runs, written anew",
                  ours=f"{took_ms:.1f} ms, {size_kib:.0f} KiB", theirs="has no such page",
                  found=f"{took_ms:.1f} ms", limit="≤ 50 ms", held=took_ms <= 50,
                  bounded_by="the templates and the escaping of every word")


def figures(quick: bool) -> list[Figure]:  # noqa: FBT001 -- one switch of one command
    """Both."""
    with tempfile.TemporaryDirectory() as name:
        return [index(Path(name), quick), asking(Path(name), quick)]


def _newest(history: History) -> list[RunRow]:
    return history.runs(Wanted())


def _trend(history: History) -> object:
    rows = history.trend("Experiment number 7", 50)
    return history.probes([row.run for row in rows])


def _say_nothing(_: str) -> None:
    """The figures say it."""


def _best_ms(question: Callable[[], object], times: int = 7) -> float:
    """Of a few times the best: what else the machine does is not measured."""
    took_ms = []
    for _ in range(times):
        began_s = time.perf_counter()
        question()
        took_ms.append((time.perf_counter() - began_s) * 1000)
    return min(took_ms)


def _run(number: int) -> str:
    return f"01JD8ZK3T2QH5{number:013d}"


def _write_runs(reports: Path, count: int) -> None:
    """Folders with an outcome each, of fifty experiments."""
    for number in range(count):
        folder = reports / "runs" / _run(number)
        folder.mkdir(parents=True)
        (folder / "outcome.json").write_bytes(msgspec.json.encode(_outcome(number)))
    past_s = time.time() - 60
    os.utime(reports / "runs", (past_s, past_s))


def _outcome(number: int) -> dict[str, Any]:
    verdict = _VERDICTS[number % len(_VERDICTS)]
    probe = {"name": "p99 latency", "samples": 60, "bad": 0, "missing": 0, "worst": 0.2 + number % 100 / 1000,
             "unit": "s", "state": "held", "bad_s": 0.0, "area": 0.0, "area_unit": "s·s", "time_to_detect_s": None,
             "time_to_recover_s": None, "limit": "below 400 ms", "bound": 0.4, "margin": 0.2 - number % 100 / 1000}
    return {"schema": 1, "run": _run(number), "title": f"Experiment number {number % 50}",
            "file": f"experiments/{number % 50}.yaml", "verdict": verdict, "restored": "restored", "exit": 0,
            "sentence": "All 3 probes stayed inside the limits; closest: p99 latency, 352 ms (below 400 ms, 88%)",
            "started": f"2026-11-20T11:02:10.{number % 1000:03d}Z", "ended": "2026-11-20T11:05:11.123Z",
            "seed": 7, "faults": [], "probes": [{**probe, "phase": phase} for phase in ("before", "during", "after")],
            "detected": None, "time_to_recover_s": 1.2, "stop": None, "environment": "staging", "limits": [],
            "rehearsal": [], "reasons": [], "unrestored": [], "digest": "9f2c1ab04e77"}
