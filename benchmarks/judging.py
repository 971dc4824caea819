"""Figures of judging: what a million samples cost, and whether a hundred probes keep to their grid."""

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any, Final, NamedTuple

import psutil

from benchmarks.figures import OURS, Figure
from chaos_runner.journal.reader import read
from chaos_runner.run.events import Phase, RunStarted, Sampled, Stage, StageBegan

SAMPLES: Final = 1_000_000
PROBES: Final = 100
EVERY_S: Final = 0.1
OUTAGE: Final = 10
"""Samples of an outage; there is one in every thousand, and of the rest one in two hundred is bad alone."""
_CALM_S: Final = 3.0
"""From the start of the process: its imports and the first reads are over by then."""


def judging(quick: bool) -> Figure:  # noqa: FBT001 -- one switch of one command
    """A million values judged by a limit, and a million samples folded to a verdict, the best of a few times."""
    count = SAMPLES // 10 if quick else SAMPLES
    took_s = min(_judged_and_folded(count) for _ in range(3)) * SAMPLES / count
    return Figure(what=f"{SAMPLES:,} samples judged by their limit and folded to a verdict",
                  ours=f"{took_s:.2f} s", theirs="does not sample", found=f"{took_s:.2f} s", limit="≤ 1 s",
                  held=took_s <= 1, bounded_by="the interpreter: half is asking the limit, half is the fold; a sample "
                  "costs most where good and bad change all the time")


def _judged_and_folded(count: int) -> float:
    """In pieces, as they come from a journal; making the samples is not counted."""
    from chaos_runner.engine.judging import asking
    from chaos_runner.experiment.values import Values
    from chaos_runner.run.run import AT_ONCE, Run
    from chaos_runner.run.verdict import judge
    from chaos_runner.testing import readings, run_in_memory

    run = Run.of(_started(run_in_memory(_experiment(), probes={"fake.latency": readings(0.2)}).events))
    holds, nothing = asking(run.plan.probes[0].judge), Values()
    took_s, samples = 0.0, _samples(count)
    while piece := list(islice(samples, AT_ONCE)):
        began_s = time.perf_counter()
        for sample in piece:
            holds(sample.value, nothing)
        run = run.after_samples(piece)
        took_s += time.perf_counter() - began_s
    assert run.tally(0, Phase.DURING).samples == count
    judge(run)
    return took_s


def _started(events: Sequence[object]) -> RunStarted:
    return next(event for event in events if isinstance(event, RunStarted))


def _experiment() -> dict[str, Any]:
    probe = {"name": "latency", "probe": "fake.latency", "below": 0.4, "every": "100ms"}
    return {"title": "judging", "description": "a benchmark", "method": [],
            "steady-state-hypothesis": {"title": "quick", "probes": [probe], "baseline": "1s"}}


def _samples(count: int) -> Iterator[Sampled]:
    chance = random.Random(7)  # noqa: S311 -- the same each time, no secret
    for number in range(count):
        bad = number % 1000 < OUTAGE or chance.random() < 0.005
        yield Sampled(t=number * EVERY_S, probe=0, phase=Phase.DURING, good=not bad, took_s=0.002,
                      value=chance.uniform(0.4, 0.9) if bad else chance.uniform(0.1, 0.4))


def hundred_probes(folder: Path, quick: bool) -> Figure:  # noqa: FBT001 -- one switch of one command
    """100 native probes at 10 Hz on a server in another process, journal included."""
    for_s = 5.0 if quick else 30.0
    with _server() as port, Popen(["sleep", "1000"]) as victim:
        try:
            found = _watched(folder, _hundred(port, victim.pid, for_s), for_s)
        finally:
            victim.kill()
    wanted = round(for_s / EVERY_S)
    held = wanted - 1 <= found.fewest and found.most <= wanted + 1 and found.cores <= 0.5 and found.late_s < EVERY_S
    return Figure(
        what=f"{PROBES} native probes (`tcp.connect`) at 10 Hz for {for_s:g} s: {wanted} ± 1 readings of each",
        ours=f"{found.fewest} to {found.most} readings, the last {found.late_s * 1000:.0f} ms after its time; "
             f"{found.cores:.2f} cores", theirs="does not sample", found=f"{found.cores:.2f} cores",
        limit="≤ 0.5 cores, no drift", held=held,
        bounded_by="two breaths of the loop a sample, and two changes of thread; with `http.status` it is half as much "
                   "again")


class _Found(NamedTuple):
    """The readings of the probes with fewest and most, how late the latest of the last was begun, and cores used."""

    fewest: int
    most: int
    late_s: float
    cores: float


@contextmanager
def _server() -> Iterator[int]:
    with Popen([sys.executable, "-m", "benchmarks.server"], stdout=PIPE) as server:
        try:
            assert server.stdout
            yield int(server.stdout.readline())
        finally:
            server.kill()


def _hundred(port: int, pid: int, for_s: float) -> dict[str, Any]:
    probes = [{"name": f"port {number}", "probe": "tcp.connect", "below": "1s", "every": f"{EVERY_S * 1000:g}ms",
               "arguments": {"host": "127.0.0.1", "port": port}} for number in range(PROBES)]
    pause = {"name": "pause", "fault": "host.process_pause", "target": {"pid": pid}, "duration": f"{for_s:g}s"}
    return {"title": "a hundred probes", "description": "a benchmark", "method": [pause],
            "steady-state-hypothesis": {"title": "it answers", "probes": probes, "baseline": f"{_CALM_S:g}s"}}


def _watched(folder: Path, experiment: dict[str, Any], for_s: float) -> _Found:
    file, reports = folder / "hundred.json", folder / "hundred"
    file.write_text(json.dumps(experiment))
    command = [OURS, "run", str(file), "--quiet", "--reports", str(reports)]
    with psutil.Popen(command, stdout=DEVNULL, stderr=DEVNULL) as run:
        time.sleep(_CALM_S)
        before, began_s = run.cpu_times(), time.perf_counter()
        time.sleep(for_s)
        after, lasted_s = run.cpu_times(), time.perf_counter() - began_s
        run.wait(60)
    busy_s = after.user + after.system - before.user - before.system
    _, records = read(reports / "latest" / "journal.ndjson")
    return _kept_to_the_grid([record.event for record in records], for_s, busy_s / lasted_s)


def _kept_to_the_grid(events: Sequence[object], for_s: float, cores: float) -> _Found:
    """Readings within `for_s` of the first apply, and how far the last of them is from a grid of `EVERY_S`."""
    began_t = next(event.t for event in events if isinstance(event, StageBegan) and event.stage is Stage.METHOD)
    samples = [event for event in events if isinstance(event, Sampled)
               and began_t <= event.t - event.took_s < began_t + for_s]
    counts = Counter(sample.probe for sample in samples)
    late_s = max(_late_s([one.t - one.took_s for one in samples if one.probe == probe]) for probe in counts)
    return _Found(min(counts.values()), max(counts.values()), late_s, cores)


def _late_s(moments: Sequence[float]) -> float:
    """How much later the last reading was begun than the first one says, one every `EVERY_S`."""
    return abs(moments[-1] - moments[0] - (len(moments) - 1) * EVERY_S)
