"""Those who look on can neither break nor hold up the run, nor one another."""

import io
import threading
import time
from collections.abc import Callable, Sequence

import pytest

from chaos_runner.cli.console import Console
from chaos_runner.cli.ink import Ink
from chaos_runner.engine.watching import Watchers
from chaos_runner.run import events as ev
from chaos_runner.run.events import Event, Stage
from chaos_runner.run.run import Run
from chaos_runner.testing import MemoryRun, run_in_memory
from tests.run.samples import action, experiment, single

_NEWS = (ev.StageBegan(t=1.0, stage=Stage.BEFORE),)


class Beaten:
    """A watcher that keeps count."""

    def __init__(self, beat: Callable[[], None] = lambda: None) -> None:
        self.told, self.beats, self.closed = 0, 0, 0
        self._beat = beat

    def __call__(self, _: Run, events: Sequence[Event]) -> None:
        self.told += len(events)

    def beat(self) -> None:
        self.beats += 1
        self._beat()

    def close(self) -> None:
        self.closed += 1


def done() -> MemoryRun:
    return run_in_memory(experiment(action(), probes=[single()]))


@pytest.mark.slow
def test_one_who_does_not_read_holds_up_neither_the_others_nor_the_end() -> None:
    watchers, stuck, run, seen = Watchers(), threading.Event(), done().run, Beaten()

    def never_reads(_: Run, __: Sequence[Event]) -> None:
        stuck.wait(30)

    watchers.add(never_reads)
    watchers.add(seen)
    for _ in range(50):
        watchers.tell(run, _NEWS)
    began_s = time.monotonic()
    watchers.drain()
    assert time.monotonic() - began_s < 2
    assert (seen.told, seen.closed) == (50, 1)
    stuck.set()


def test_one_who_raises_is_dropped_and_closed() -> None:
    def broken() -> None:
        raise RuntimeError("the terminal is gone")

    watchers, one = Watchers(), Beaten(broken)
    watchers.add(one)
    watchers.tell(done().run, _NEWS)
    until_s = time.monotonic() + 5
    while not one.closed and time.monotonic() < until_s:
        time.sleep(0.02)
    watchers.tell(done().run, _NEWS)
    watchers.drain()
    assert (one.beats, one.closed, one.told) == (1, 1, 1)


def test_the_console_says_that_a_run_is_alive_where_nothing_happens() -> None:
    stream, run = io.StringIO(), Run.of(next(event for event in done().events if isinstance(event, ev.RunStarted)))
    console = Console(Ink(on=False), stream)
    console(run, [])
    console.beat()
    assert not stream.getvalue()
    console._heard = run, time.monotonic() - 31
    console.beat()
    console.beat()
    assert stream.getvalue().count("alive") == 1
