"""The page of a long run: 1,000 activities and 36,000 samples, from the journal to the file, as a whole process."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.figures import OURS, Figure
from benchmarks.timing import Timed, timed

CHAOS_VARIABLE: Final = "CHAOS_WITH_REPORTING"
"""A `chaos` that has the plugin: the one that all else is measured beside has not, because it slows that down."""
_PROBES: Final = 10
_MOST_S: Final = 0.3
_MOST_MIB: Final = 80
_MOST_KIB: Final = 300
_MOST_SHARE: Final = 0.035
_WHAT: Final = "`report RUN --format html` of 1,000 activities and 36,000 samples"


def reporting(folder: Path, quick: bool) -> Iterator[Figure]:  # noqa: FBT001 -- one switch of one command
    """Time, memory and size of the page; and `chaos report` on the same run, where all that it needs is installed."""
    run = _recorded(folder)
    command = [OURS, "report", run.name, "--format", "html", "--reports", str(folder)]
    timed(command, folder)
    ours = [timed(command, folder) for _ in range(5 if quick else 15)]
    theirs = _theirs(folder, run)
    wall_s, peak_mib = median(one.wall_s for one in ours), max(one.peak_mib for one in ours)
    size_kib = (run / "report.html").stat().st_size / 1024
    best_s, cpu_s = min(one.wall_s for one in ours), median(one.cpu_s for one in ours)
    told = f"{wall_s * 1000:.0f} ms, {best_s * 1000:.0f} at best ({cpu_s * 1000:.0f} ms of CPU), {peak_mib:.0f} MiB"
    yield Figure(what=_WHAT, ours=told, theirs="see below", found=f"{wall_s * 1000:.0f} ms",
                 limit=f"≤ {_MOST_S * 1000:g} ms", held=wall_s <= _MOST_S,
                 bounded_by="6.5 MB of journal: hashed, decoded and folded; then the pictures")
    yield Figure(what=f"{_WHAT}: memory", ours=f"{peak_mib:.0f} MiB", theirs="see below", found=f"{peak_mib:.0f} MiB",
                 limit=f"≤ {_MOST_MIB} MiB", held=peak_mib <= _MOST_MIB, bounded_by="the samples, all held at once")
    yield Figure(what=f"{_WHAT}: the file", ours=f"{size_kib:.0f} KiB", theirs="see below",
                 found=f"{size_kib:.0f} KiB", limit=f"≤ {_MOST_KIB} KiB", held=size_kib <= _MOST_KIB,
                 bounded_by="a line a step, 400 columns a picture")
    yield _beside(ours, theirs)


def _recorded(folder: Path) -> Path:
    """The folder of a run of an hour, as it would stand there."""
    from chaos_runner.journal.record import Chain, encode
    from tests.report.stories import long

    _, records = long(steps=1000, probes=_PROBES, seconds=3600)
    run = folder / "runs" / "01LONG"
    run.mkdir(parents=True)
    chain = Chain()
    with (run / "journal.ndjson").open("wb") as journal:
        for record in records:
            journal.write(encode(record.n, record.at, record.event, chain) + b"\n")
    return run


def _theirs(folder: Path, run: Path) -> Timed | None:
    """What `chaos report` takes for it. None where it cannot be run."""
    chaos = os.environ.get(CHAOS_VARIABLE, "")
    if not chaos or shutil.which("pandoc") is None:
        return None
    timed([OURS, "report", run.name, "--format", "chaostoolkit", "--reports", str(folder)], folder)
    page = folder / "theirs.html"
    one = timed([chaos, "--no-version-check", "report", "--export-format=html5", str(run / "journal.json"), str(page)],
                folder)
    return one if page.exists() else None


def _beside(ours: list[Timed], theirs: Timed | None) -> Figure:
    if theirs is None:
        return Figure(what=f"{_WHAT}: beside `chaos report`", ours="see above", theirs="not measured here: it needs "
                      f"pandoc, and a `chaos` with chaostoolkit-reporting in ${CHAOS_VARIABLE}", found="-",
                      limit=f"≤ {_MOST_SHARE}x", held=True, bounded_by="see above")
    share = median(one.cpu_s for one in ours) / theirs.cpu_s
    return Figure(what=f"{_WHAT}: CPU beside `chaos report`", ours=f"{median(one.cpu_s for one in ours):.2f} s",
                  theirs=f"{theirs.cpu_s:.1f} s of CPU, {theirs.wall_s:.1f} s in all, {theirs.peak_mib:.0f} MiB",
                  found=f"{share:.3f}x", limit=f"≤ {_MOST_SHARE}x", held=share <= _MOST_SHARE,
                  bounded_by="see above; theirs by pandoc")
