"""Daemons that die, sleep and lose the database at any moment, by chance; what must hold whatever happens.

A failure names its seed.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Connection

from chaos_runner.clock import rfc3339
from chaos_runner.daemon.book import Book, Planned
from chaos_runner.daemon.daemon import Daemon
from chaos_runner.daemon.parts import Parts
from chaos_runner.launchers.local import Order
from chaos_runner.ledger import daemons
from chaos_runner.ledger.ledger import Ledger, LedgerUnreachable, open_ledger
from chaos_runner.ledger.occurrences import OPEN, Row, State
from chaos_runner.notify.notice import Notice
from chaos_runner.recovery.unfinished import JOURNAL
from chaos_runner.schedule.model import Overlap
from chaos_runner.schedule.occurrences import occurrences
from tests.daemon.acting import BEGIN, FakeLauncher, FakeRun, House, act, planned
from tests.ledger.databases import postgres as postgres  # noqa: PLC0414 -- a fixture
from tests.ledger.postgres import Server

WORLDS = int(os.environ.get("CHAOS_RUNNER_FUZZ", "300")) // 5
STEPS = 40
_PATIENCE = 60
SCHEDULES = (
    planned("a", every_s=60, grounds=["proxy"], longest_s=30.0),
    planned("b", every_s=60, grounds=["proxy"], overlap=Overlap.QUEUE_ONE),
    planned("c", every_s=120, grounds=["host"], overlap=Overlap.REPLACE),
    planned("d", every_s=180, missed_within_s=120.0),
    planned("e", every_s=300, grounds=["host", "proxy"], overlap=Overlap.QUEUE_ONE),
)


class Died(BaseException):
    """What a daemon is in the middle of is never finished."""


class Fate:
    """Decides when one daemon dies, and when the database leaves it alone."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.calm = False

    def strike(self) -> None:
        if not self.calm and self._chance.random() < 0.03:
            raise Died

    def nods(self) -> bool:
        return not self.calm and self._chance.random() < 0.1

    def silence(self) -> None:
        if not self.calm and self._chance.random() < 0.05:
            raise LedgerUnreachable("the database: no answer")


class Mortal(Ledger):
    """A ledger in which its daemon may die before a transaction, in it, and after it; and whose answer may be lost."""

    def __init__(self, ledger: Ledger, fate: Fate) -> None:
        super().__init__(ledger.engine)
        self._fate = fate

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        self._fate.strike()
        self._fate.silence()
        with super().transaction() as connection:
            yield connection
            self._fate.strike()
        self._fate.strike()
        self._fate.silence()


class Hands(FakeLauncher):
    """What starts the runs of one daemon. A run has its folder, and is refused where there is one, as by the runner."""

    def __init__(self, world: "World", fate: Fate, name: str) -> None:
        super().__init__(world.house.launcher.reports)
        self._world = world
        self._fate = fate
        self._name = name

    def start(self, order: Order) -> FakeRun:
        self._fate.strike()
        if self._fate.nods():
            self._world.meanwhile(self._name)
        run = self._world.begin(order)
        self._fate.strike()
        return run

    def adopt(self, run: str) -> FakeRun:
        gone = FakeRun(Order(run=run, file=""), self.reports, exit_code=0)
        return self._world.runs.get(run, gone)


class World:
    """Schedules, time, daemons that come and go, and the runs that they have begun."""

    def __init__(self, house: House, seed: int) -> None:
        self.house = house
        self.runs: dict[str, FakeRun] = {}
        self._nodded = False
        self._chance = random.Random(seed)
        self._names = count(1)
        self._here = [self._daemon()]
        self._asleep: list[tuple[Daemon, Fate]] = []

    def live(self) -> None:
        for _ in range(STEPS):
            self.house.clock.advance(self._chance.choice([1, 5, 20, 40, 70]))
            self._some_runs_end()
            if not self._here or (len(self._here) < 3 and self._chance.random() < 0.2):
                self._here.append(self._daemon())
            self._somebody_sleeps_or_wakes()
            self._one_of_each_waits()
            for one in list(self._here):
                if one in self._here:  # it may have died while another slept
                    self._turn(one)

    def end(self) -> list[Row]:
        """Nothing goes wrong any more, and time passes: what the table says then."""
        self._here += self._asleep
        for _, fate in self._here:
            fate.calm = True
        for daemon, _ in self._here:
            act(daemon)
        self._here.append(self._daemon())
        self._here[-1][1].calm = True
        until = rfc3339(self.house.clock.now())
        for _ in range(_PATIENCE):
            self.house.clock.advance(5)
            self._end(list(self.runs.values()))
            for daemon, _ in self._here:
                act(daemon)
            rows = [row for row in self.house.rows() if row.due <= until]
            if not any(row.state in OPEN for row in rows):
                break
        return rows

    def begin(self, order: Order) -> FakeRun:
        """A runner's first act is to make its folder, and it is refused when there is one."""
        run = FakeRun(order, self.house.launcher.reports)
        folder = run.reports / "runs" / order.run
        if folder.exists():
            run.leave(3)
            return run
        [row] = [row for row in self.house.rows() if row.run == order.run]
        assert row.state is State.RUNNING, "it was begun before the table said so"
        self._is_alone(row)
        folder.mkdir(parents=True)
        (folder / JOURNAL).write_bytes(b"{}\n")
        self.runs[order.run] = run
        return run

    def _is_alone(self, row: Row) -> None:
        mine = {ground.family for ground in _named(row.schedule).grounds}
        for other in self.house.rows():
            run = self.runs.get(other.run)
            if run and run.exit_code is None:
                theirs = {ground.family for ground in _named(other.schedule).grounds}
                assert other.schedule != row.schedule, "two runs of one schedule"
                assert not mine & theirs, f"{row.schedule} is on the targets of {other.schedule}"

    def _one_of_each_waits(self) -> None:
        waiting = Counter(row.schedule for row in self.house.rows() if row.state is State.QUEUED)
        assert max(waiting.values(), default=0) <= 1

    def _daemon(self) -> tuple[Daemon, Fate]:
        fate = Fate(self._chance)
        me = daemons.Daemon(daemon=f"daemon-{next(self._names)}", host="here", pid=1,
                            started=rfc3339(self.house.clock.now()))
        parts = Parts(ledger=Mortal(self.house.ledger, fate), clock=self.house.clock, tell=_tell, me=me,
                      launcher=Hands(self, fate, me.daemon), places=self._chance.choice([1, 2, 8]))
        daemon = Daemon(parts, Book())
        fate.calm = True
        self.house.learn(daemon, *SCHEDULES)
        daemon.join()
        fate.calm = False
        return daemon, fate

    def _turn(self, one: tuple[Daemon, Fate]) -> None:
        try:
            act(one[0])
        except LedgerUnreachable:
            pass
        except Died:
            self._here.remove(one)
            self.house.forget(one[0])

    def _somebody_sleeps_or_wakes(self) -> None:
        if self._asleep and self._chance.random() < 0.3:
            self._here.append(self._asleep.pop())
        elif self._here and self._chance.random() < 0.15:
            self._asleep.append(self._here.pop(self._chance.randrange(len(self._here))))
            self.house.forget(self._asleep[-1][0])

    def meanwhile(self, name: str) -> None:
        """One of them sleeps in the middle of what it does, long enough to be taken for dead, and the others act."""
        self.house.clock.advance(20)
        for one in [one for one in self._here if one[0].name != name and not self._nodded]:
            self._nodded = True
            with self.house.ledger.transaction() as connection:
                daemons.leave(connection, name)
            self._turn(one)
        self._nodded = False

    def _some_runs_end(self) -> None:
        self._end([run for run in self.runs.values() if self._chance.random() < 0.3 or run.stops])

    @staticmethod
    def _end(runs: Sequence[FakeRun]) -> None:
        for run in runs:
            if run.exit_code is None:
                run.end()


def _tell(_: Connection, __: Sequence[Notice]) -> None:
    """Nobody is told."""


def _named(name: str) -> Planned:
    return next(one for one in SCHEDULES if one.schedule.name == name)


@pytest.mark.parametrize("seed", range(WORLDS))
def test_whatever_dies_each_due_time_has_one_row_and_one_run_at_most(tmp_path: Path, seed: int) -> None:
    _lives(f"sqlite:///{tmp_path / 'schedules.db'}", tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1000 + WORLDS // 6))
def test_on_postgresql_neither(postgres: Server, tmp_path: Path, seed: int) -> None:
    _lives(postgres.database(), tmp_path, seed)


def _lives(url: str, tmp_path: Path, seed: int) -> None:
    ledger = open_ledger(url)
    world = World(House(ledger, tmp_path), seed)
    world.live()
    rows = world.end()
    assert set(world.runs) <= {row.run for row in world.house.rows()}, "a run without a row"
    ledger.close()
    assert [row for row in rows if row.state in OPEN] == []
    assert {row.verdict for row in rows if row.run in world.runs} <= {"passed"}
    after_last = datetime.fromisoformat(max(row.due for row in rows)) + timedelta(seconds=1)
    for one in SCHEDULES:
        every = occurrences(one.schedule, BEGIN + timedelta(seconds=1), after_last)
        assert [row.due for row in rows if row.schedule == one.schedule.name] == [rfc3339(at.due) for at in every]
