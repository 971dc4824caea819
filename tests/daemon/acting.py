"""A daemon whose time and whose runs are in a test's hands. The ledger is a real one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import msgspec
from sqlalchemy import Connection, create_engine

from chaos_runner.clock import FakeClock, rfc3339
from chaos_runner.daemon.book import Book, Planned
from chaos_runner.daemon.daemon import Daemon
from chaos_runner.daemon.parts import Parts
from chaos_runner.launchers.local import Order
from chaos_runner.ledger import daemons, occurrences, schedules
from chaos_runner.ledger.ledger import Ledger
from chaos_runner.ledger.occurrences import Row
from chaos_runner.notify.notice import Notice
from chaos_runner.recovery.unfinished import JOURNAL
from chaos_runner.schedule.grounds import Ground
from chaos_runner.schedule.model import ByInterval, Schedule

MONDAY = datetime(2026, 1, 5)  # noqa: DTZ001 -- by the wall
BEGIN = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
_NUMBERS = count(1)


@dataclass
class FakeRun:
    """A run that ends when a test says so."""

    order: Order
    reports: Path
    exit_code: int | None = None
    stops: int = 0

    def stop(self) -> None:
        self.stops += 1

    def end(self, verdict: str = "passed", *, exit_code: int = 0, **more: object) -> None:
        """Leaves an outcome, as a runner does, and is gone."""
        folder = self.reports / "runs" / self.order.run
        folder.mkdir(parents=True, exist_ok=True)
        told = {"verdict": verdict, "exit": exit_code, "restored": "restored", "sentence": "it is said"} | more
        (folder / "outcome.json").write_bytes(msgspec.json.encode(told))
        with (folder / JOURNAL).open("ab") as journal:
            journal.write(b'{"event":{"type":"RunEnded"}}\n')
        self.exit_code = exit_code

    def leave(self, exit_code: int) -> None:
        """Is gone, and leaves nothing."""
        self.exit_code = exit_code


class FakeLauncher:
    """Starts runs that do nothing."""

    def __init__(self, reports: Path) -> None:
        self.reports = reports
        self.started: list[FakeRun] = []
        self.others: list[FakeRun] = []
        """Those that it did not start: adopted, or being recovered."""
        self.recovered: list[str] = []
        self.broken = ""

    def start(self, order: Order) -> FakeRun:
        if self.broken:
            raise OSError(12, self.broken)
        self.started.append(FakeRun(order, self.reports))
        return self.started[-1]

    def recover(self, run: str, by: str) -> FakeRun:
        self.recovered.append(f"{run} by {by}")
        return self._other(run)

    def adopt(self, run: str) -> FakeRun:
        return self._other(run)

    def _other(self, run: str) -> FakeRun:
        self.others.append(FakeRun(Order(run=run, file=""), self.reports))
        return self.others[-1]

    def said(self, run: str) -> str:
        return f"the last words of {run}" if self.started else ""


class House:
    """A ledger, a clock, and the daemons in it."""

    def __init__(self, ledger: Ledger, reports: Path) -> None:
        self.ledger = ledger
        self.clock = FakeClock(BEGIN)
        self.launcher = FakeLauncher(reports)
        self.told: list[Notice] = []

    def daemon(self, *planned: Planned, places: int = 8, host: str = "here", launcher: FakeLauncher | None = None) -> \
            Daemon:
        """A daemon at work with these schedules."""
        me = daemons.Daemon(daemon=f"daemon-{next(_NUMBERS)}", host=host, pid=1, started=rfc3339(self.clock.now()))
        daemon = Daemon(Parts(ledger=self.ledger, clock=self.clock, launcher=launcher or self.launcher, me=me,
                              tell=self._tell, places=places), Book())
        self.learn(daemon, *planned)
        daemon.join()
        return daemon

    def learn(self, daemon: Daemon, *planned: Planned) -> None:
        on = [one.schedule.name for one in planned if one.schedule.enabled]
        with self.ledger.transaction() as connection:
            since = schedules.keep(connection, on, rfc3339(self.clock.now()))
        daemon.learn(planned, {name: datetime.fromisoformat(at) for name, at in since.items()})

    def rows(self, *names: str) -> list[Row]:
        """What the table says, the oldest first."""
        with self.ledger.transaction() as connection:
            return occurrences.latest(connection, names, 100_000)[::-1]

    def put(self, *rows: Row) -> None:
        with self.ledger.transaction() as connection:
            occurrences.put(connection, rows)

    def forget(self, daemon: Daemon) -> None:
        """As if it had not been heard for too long: it is dead to the others."""
        with self.ledger.transaction() as connection:
            daemons.leave(connection, daemon.name)

    @property
    def kinds(self) -> list[str]:
        return [str(notice.kind) for notice in self.told]

    @contextmanager
    def without_an_answer(self) -> Iterator[None]:
        """While this lasts the database cannot be reached."""
        engine = self.ledger.engine
        self.ledger.engine = create_engine("sqlite:////nowhere/at/all.db")
        yield
        self.ledger.engine = engine

    def _tell(self, _: Connection, notices: Sequence[Notice]) -> None:
        self.told += notices


def planned(name: str = "often", *, every_s: int = 60, production: bool = False, invalid: str = "",
            grounds: Sequence[str] = (), **more: object) -> Planned:
    """A schedule that is due every minute, on the minute; `grounds` are families that it may hit."""
    fields = {"file": f"schedules/{name}.yaml", "experiment": f"experiments/{name}.yaml", "timezone": "Europe/Berlin",
              "longest_s": 30.0, "enabled": True, "when": ByInterval(every_s=every_s, starting=MONDAY)}
    schedule = msgspec.structs.replace(Schedule(name=name, **fields), **more)  # type: ignore[arg-type]
    return Planned(schedule=schedule, grounds=tuple(Ground(family) for family in grounds), production=production,
                   invalid=invalid)


def act(daemon: Daemon) -> None:
    """It takes turns while there is something to do."""
    daemon.turn()
    while daemon.at_hand:
        daemon.turn()


def later(house: House, daemon: Daemon, by_s: float) -> None:
    """Time passes, and the daemon acts."""
    house.clock.advance(by_s)
    act(daemon)


def after(seconds: float) -> str:
    """An instant so long after the beginning, as the table has it."""
    return rfc3339(BEGIN + timedelta(seconds=seconds))
