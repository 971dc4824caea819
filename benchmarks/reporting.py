"""The page of a long run: 1,000 activities and 36,000 samples, from the journal to the file, as a whole process."""

import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.figures import OURS, THEIRS, Figure
from benchmarks.timing import Timed, timed

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
    theirs = _theirs(folder, run, ours)
    wall_s, peak_mib = median(one.wall_s for one in ours), max(one.peak_mib for one in ours)
    size_kib = (run / "report.html").stat().st_size / 1024
    told = f"{wall_s * 1000:.0f} ms ({median(one.cpu_s for one in ours) * 1000:.0f} ms of CPU), {peak_mib:.0f} MiB"
    yield Figure(what=_WHAT, ours=told, theirs=theirs, found=f"{wall_s * 1000:.0f} ms",
                 limit=f"≤ {_MOST_S * 1000:g} ms", held=wall_s <= _MOST_S,
                 bounded_by="10 MB of journal: hashed, decoded and folded; then the pictures")
    yield Figure(what=f"{_WHAT}: memory", ours=f"{peak_mib:.0f} MiB", theirs=theirs, found=f"{peak_mib:.0f} MiB",
                 limit=f"≤ {_MOST_MIB} MiB", held=peak_mib <= _MOST_MIB, bounded_by="the samples, all held at once")
    yield Figure(what=f"{_WHAT}: the file", ours=f"{size_kib:.0f} KiB", theirs="see above",
                 found=f"{size_kib:.0f} KiB", limit=f"≤ {_MOST_KIB} KiB", held=size_kib <= _MOST_KIB,
                 bounded_by="a line a step, 400 columns a picture")


def _recorded(folder: Path) -> Path:
    """The folder of a run of an hour, as it would stand there."""
    from chaos_runner.journal.record import encode
    from tests.report.stories import long

    _, records = long(steps=1000, probes=_PROBES, seconds=3600)
    run = folder / "runs" / "01LONG"
    run.mkdir(parents=True)
    digest = ""
    with (run / "journal.ndjson").open("wb") as journal:
        for record in records:
            line, digest = encode(record.n, record.at, record.event, digest)
            journal.write(line + b"\n")
    return run


def _theirs(folder: Path, run: Path, ours: list[Timed]) -> str:
    """What `chaos report` takes for it; why nothing is known where it cannot be run."""
    if shutil.which("pandoc") is None or find_spec("chaosreport") is None:
        return "not measured here: pandoc or chaostoolkit-reporting is not installed"
    timed([OURS, "report", run.name, "--format", "chaostoolkit", "--reports", str(folder)], folder)
    page = folder / "theirs.html"
    one = timed([*THEIRS, "report", "--export-format=html5", str(run / "journal.json"), str(page)], folder)
    share = median(mine.wall_s for mine in ours) / one.wall_s
    held = "held" if share <= _MOST_SHARE else "NOT held"
    return f"{one.wall_s * 1000:.0f} ms, {one.peak_mib:.0f} MiB: ours is {share:.3f}x (≤ {_MOST_SHARE}x {held})"
