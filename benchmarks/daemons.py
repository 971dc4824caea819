"""Ten thousand schedules: all due at once, or spread over a minute; one daemon, or four of which one is killed.

    python -m benchmarks.daemons

Nothing is launched: what is measured is ours. Each daemon is a process of its own, with the real loop, alarm and table.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from chaos_runner.launchers.local import Order

SCHEDULES: Final = 10_000
_BEGINS_IN_S: Final = 20.0
_ENDS_AFTER_S: Final = 5.0
_LATEST_S: Final = 40.0
_FAR: Final = 1_000_000_000


class _Nothing:
    """A run that is over as soon as it is started."""

    exit_code = 0

    def stop(self) -> None:
        """It is over."""


class _Launcher:
    """Writes down when each run would have been started, and starts none."""

    def __init__(self, folder: Path, name: str) -> None:
        self.reports = folder
        self._file = (folder / f"{name}.started").open("w", buffering=1)

    def start(self, order: Order) -> _Nothing:
        self._file.write(f"{order.file} {time.time():.6f}\n")
        return _Nothing()

    def recover(self, run: str, by: str) -> _Nothing:  # noqa: ARG002 -- the contract's
        return _Nothing()

    def adopt(self, run: str) -> _Nothing:  # noqa: ARG002 -- the contract's
        return _Nothing()

    def said(self, run: str) -> str:  # noqa: ARG002 -- the contract's
        return ""


def work(url: str, folder: str, name: str, begin_s: str, spread_s: str) -> None:
    """One daemon's process."""
    from chaos_runner.clock import SystemClock, rfc3339
    from chaos_runner.daemon.book import Book, Planned
    from chaos_runner.daemon.daemon import Daemon
    from chaos_runner.daemon.files import Read
    from chaos_runner.daemon.parts import Parts
    from chaos_runner.daemon.serving import Service
    from chaos_runner.ledger import daemons
    from chaos_runner.ledger.ledger import open_ledger
    from chaos_runner.schedule.model import ByInterval, Schedule

    first = datetime.fromtimestamp(float(begin_s), UTC)

    def planned(number: int) -> Planned:
        starting = (first + timedelta(seconds=float(spread_s) * number / SCHEDULES)).replace(tzinfo=None)
        return Planned(schedule=Schedule(
            name=f"s{number:05d}", file="", experiment=f"s{number:05d}", timezone="UTC", enabled=True,
            when=ByInterval(every_s=7 * 86_400, starting=starting)))

    class Files:
        def read(self) -> Read:
            return Read(planned=[planned(number) for number in range(SCHEDULES)], broken={})

        def changed(self) -> bool:
            return False

        def forget(self) -> None:
            """There are none."""

    clock = SystemClock()
    me = daemons.Daemon(daemon=name, host=name, pid=os.getpid(), started=rfc3339(clock.now()))
    ledger = open_ledger(url)
    claims = (Path(folder) / f"{name}.claimed").open("w", buffering=1)

    class Watched(Daemon):
        """Writes down what it has claimed: its commit has returned by then."""

        def _go_on(self, *what: Any) -> None:
            super()._go_on(*what)
            at = time.time()
            claims.writelines(f"{schedule} {at:.6f}\n" for schedule, _ in self._claimed)

    parts = Parts(ledger=ledger, clock=clock, launcher=_Launcher(Path(folder), name), me=me,
                  tell=lambda *_: None, places=_FAR)
    daemon = Watched(parts, Book())

    def say(word: object, text: str) -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        with (Path(folder) / f"{name}.said").open("a") as said:
            said.write(json.dumps([str(word), text, time.time(), used.ru_utime + used.ru_stime]) + "\n")

    service = Service(daemon, ledger, Files(), say)  # type: ignore[arg-type]
    service.run(clock, 1.0)
    say("left", "")


def at_once(url: str, many: int, *, killed: bool) -> dict[str, Any]:
    """What became of ten thousand due times in one moment."""
    with _daemons(url, many, spread_s=0.0) as (folder, _, processes):
        if killed:
            _kill_who_claims(folder, processes)
        _until_told(url, folder)
        return _told(url, folder)


def spread(url: str) -> dict[str, Any]:
    """Ten thousand due times in a minute, one daemon: how late each was started, and the daemon's CPU meanwhile."""
    with _daemons(url, 1, spread_s=60.0) as (folder, begin_s, processes):
        time.sleep(max(0.0, begin_s - time.time()))
        before_s = _cpu_s(processes[0].pid)
        time.sleep(60)
        used_s = _cpu_s(processes[0].pid) - before_s
        _until_told(url, folder)
        return {**_told(url, folder), "cpu": used_s / 60}


@contextmanager
def _daemons(url: str, many: int, *, spread_s: float) -> Iterator[tuple[Path, float, list["subprocess.Popen[bytes]"]]]:
    with tempfile.TemporaryDirectory() as name:
        folder, begin_s = Path(name), float(int(time.time() + _BEGINS_IN_S))
        where = url or f"sqlite:///{folder / 'schedules.db'}"
        os.environ["BENCHED_URL"] = where
        processes = [subprocess.Popen([sys.executable, "-m", "benchmarks.daemons", "work", where, name, f"d{number}",
                                       str(begin_s), str(spread_s)]) for number in range(many)]
        try:
            yield folder, begin_s, processes
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                process.wait()


def _kill_who_claims(folder: Path, processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    """The first that has claimed something, at once: it has rows, and has started some of them, or none."""
    while True:
        for number, process in enumerate(processes):
            if (folder / f"d{number}.claimed").exists() and (folder / f"d{number}.claimed").stat().st_size:
                process.kill()
                return
        time.sleep(0.001)


def _started(folder: Path) -> Iterator[tuple[str, float]]:
    yield from _said(folder, "started")


def _said(folder: Path, what: str) -> Iterator[tuple[str, float]]:
    for file in folder.glob(f"*.{what}"):
        for line in file.read_text().splitlines():
            schedule, _, at = line.partition(" ")
            if at:
                yield schedule, float(at)


def _rows(url: str) -> list[Any]:
    from chaos_runner.ledger import occurrences
    from chaos_runner.ledger.ledger import open_ledger

    ledger = open_ledger(url or os.environ["BENCHED_URL"])
    with ledger.transaction() as connection:
        found = occurrences.latest(connection, (), 10 * SCHEDULES)
    ledger.close()
    return found


def _until_told(url: str, folder: Path) -> None:
    """Until each due time has its end."""
    deadline_s = time.monotonic() + _BEGINS_IN_S + 60 + _LATEST_S
    while time.monotonic() < deadline_s:
        if len({schedule for schedule, _ in _started(folder)}) >= SCHEDULES * 0.99:
            rows = _rows(url)
            if len(rows) == SCHEDULES and all(row.state in ("ran", "missed", "skipped") for row in rows):
                return
        time.sleep(1)


def _told(url: str, folder: Path) -> dict[str, Any]:
    started = list(_started(folder))
    rows = _rows(url)
    starts = {row.schedule: datetime.fromisoformat(row.starts).timestamp() for row in rows}
    lags = sorted(at - starts[schedule] for schedule, at in started)
    times = Counter(schedule for schedule, _ in started)
    claimed = sorted(at - starts[schedule] for schedule, at in _said(folder, "claimed"))
    return {"claimed p50, p99, last (s)": (claimed[len(claimed) // 2], claimed[len(claimed) * 99 // 100], claimed[-1]),
            "rows": len(rows), "started": len(started), "twice": sum(1 for count in times.values() if count > 1),
            "states": dict(Counter(f"{row.state} {row.verdict}" for row in rows)),
            "started p50, p99, last (s)": (lags[len(lags) // 2], lags[len(lags) * 99 // 100], lags[-1])}


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """All of them, one after the other. PostgreSQL is one of its own, which waits for the disk as ever."""
    from tests.ledger.postgres import postgresql

    print(f"{SCHEDULES:,} due at once, one daemon, SQLite:", at_once("", 1, killed=False), flush=True)
    print(f"{SCHEDULES:,} spread over a minute, one daemon, SQLite:", spread(""), flush=True)
    with postgresql(durable=True) as server:
        for many, killed in ((1, False), (4, False), (4, True)):
            what = f"{many} daemon(s){', one of them killed half way' if killed else ''}, PostgreSQL:"
            print(f"{SCHEDULES:,} due at once, {what}", at_once(server.database(), many, killed=killed), flush=True)
        print(f"{SCHEDULES:,} spread over a minute, one daemon, PostgreSQL:", spread(server.database()), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        work(*sys.argv[2:])
    else:
        main()
