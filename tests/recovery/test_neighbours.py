"""The runs beside one's own, in folders as the runner writes them; who lives holds the lock from another process."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from chaos_runner import shelf
from chaos_runner.clock import FAKE_EPOCH
from chaos_runner.contracts import Nearness, Neighbour, NoData
from chaos_runner.experiment.model import Native
from chaos_runner.journal.writer import Journal
from chaos_runner.plan.limits import Aim
from chaos_runner.probes.runs import OtherRuns
from chaos_runner.recovery.neighbours import neighbours
from chaos_runner.recovery.unfinished import JOURNAL
from chaos_runner.run import events as ev
from chaos_runner.run.events import Event, Stage
from chaos_runner.testing import FakeFault, run_in_memory
from tests.run.samples import action

HOLDER = ("import sys, time, pathlib; from chaos_runner.journal.lock import hold; "
          "hold(pathlib.Path(sys.argv[1])); print('held', flush=True); time.sleep(60)")
FAULT = "fake.fault"


def events(title: str, *steps: dict[str, Any], targets: tuple[str, ...] = ("web",), **wishes: Any) -> list[Event]:
    """Those of a whole run, in which these targets were found at first."""
    data = {"title": title, "description": "d", "method": list(steps)}
    told = run_in_memory(data, faults={FAULT: FakeFault()}, **wishes).events
    found = [Aim("fake", target) for target in targets]
    return [structs.replace(event, targets=found) if isinstance(event, ev.Checked) else event for event in told]


def of_another_family(told: list[Event]) -> list[Event]:
    """The same with a fault from elsewhere."""
    started = told[0]
    assert isinstance(started, ev.RunStarted)
    [step] = started.plan.experiment.method
    method = (structs.replace(step, call=Native("other.fault")),)
    experiment = structs.replace(started.plan.experiment, method=method)
    return [structs.replace(started, plan=structs.replace(started.plan, experiment=experiment)), *told[1:]]


def pause() -> dict[str, Any]:
    return {"name": "hurt", "fault": FAULT, "duration": "5s"}


def looked(told: list[Event]) -> list[Event]:
    """As far as everybody knows whom it hits, and nothing was touched."""
    return told[:next(number for number, event in enumerate(told)
                      if isinstance(event, ev.StageBegan) and event.stage is Stage.BEFORE)]


def hurting(told: list[Event]) -> list[Event]:
    return told[:1 + next(number for number, event in enumerate(told) if isinstance(event, ev.Applied))]


def folder(reports: Path, run: str, told: list[Event]) -> Path:
    made = reports / "runs" / run
    made.mkdir(parents=True)
    journal = Journal.create(made / JOURNAL, FAKE_EPOCH)
    journal.append(told)
    journal.close()
    return made


@contextmanager
def living(run: Path) -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(run)], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            yield
        finally:
            process.kill()


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return folder(tmp_path, "MINE", looked(events("mine", pause())))


def test_nobody_is_beside_a_run_that_is_alone(mine: Path, tmp_path: Path) -> None:
    folder(tmp_path, "OVER", events("over", pause()))
    assert neighbours(mine, []) == []


@pytest.mark.parametrize(("told", "nearness", "why"), [
    (looked(events("other", pause())), Nearness.TARGETS, "web"),
    (looked(events("other", pause(), targets=("db",))), Nearness.FAMILY, "fake, other targets"),
    (looked(events("other", pause(), targets=("db", "web"))), Nearness.TARGETS, "web"),
    (of_another_family(looked(events("other", pause()))), Nearness.NOTHING, ""),
    (events("other", pause())[:1], Nearness.TARGETS, "whom it hits is not known"),
    (looked(events("other", action())), Nearness.TARGETS, "whom it hits is not known"),
    (events("other", pause(), hypothesis_only=True)[:2], Nearness.NOTHING, ""),
    ([], Nearness.TARGETS, "whom it hits cannot be read"),
])
def test_a_living_run_is_as_near_as_what_both_hit(
        mine: Path, tmp_path: Path, told: list[Event], nearness: Nearness, why: str) -> None:
    with living(folder(tmp_path, "OTHER", told)):
        [found] = neighbours(mine, [])
    assert (found.run, found.nearness, found.why, found.left) == ("OTHER", nearness, why, False)


def test_a_run_that_died_counts_only_when_it_had_touched_something(mine: Path, tmp_path: Path) -> None:
    folder(tmp_path, "EARLY", looked(events("early", pause())))
    folder(tmp_path, "LATE", hurting(events("late", pause())))
    assert neighbours(mine, []) == [
        Neighbour(run="LATE", title="late", nearness=Nearness.TARGETS, why="web", left=True)]


def test_runs_of_other_reports_are_seen_where_they_are_named(mine: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    with living(folder(there, "OTHER", looked(events("other", pause())))):
        assert neighbours(mine, []) == []
        assert [found.run for found in neighbours(mine, [there, tmp_path])] == ["OTHER"]


def test_reports_that_are_not_there_are_no_data(mine: Path, tmp_path: Path) -> None:
    with pytest.raises(NoData, match="no such folder"):
        neighbours(mine, [tmp_path / "nowhere"])


def test_to_look_does_not_let_go_of_ones_own_lock(mine: Path) -> None:
    looking = ("import sys, pathlib, subprocess; from chaos_runner.journal.lock import hold; "
               "from chaos_runner.recovery.neighbours import neighbours; folder = pathlib.Path(sys.argv[1]); "
               "hold(folder); neighbours(folder, [folder.parent.parent]); "
               "ask = 'import sys, pathlib; from chaos_runner.journal.lock import holder; "
               "sys.exit(holder(pathlib.Path(sys.argv[1])) is None)'; "
               "sys.exit(subprocess.run([sys.executable, '-c', ask, str(folder)]).returncode)")
    assert subprocess.run([sys.executable, "-c", looking, str(mine)], check=False).returncode == 0


NEAR = [Neighbour(run=f"R{number}", title="t", nearness=nearness, why="web")
        for number, nearness in enumerate((Nearness.TARGETS, Nearness.FAMILY, Nearness.NOTHING))]


@pytest.mark.parametrize(("same", "count"), [("targets", 1), ("family", 2), ("anything", 3)])
def test_the_probe_counts_those_that_are_near_enough(same: Any, count: int) -> None:
    found = shelf.probe("runs.beside").read(OtherRuns(same=same), neighbours=lambda _: NEAR)
    assert found.value == count
    assert found.note.startswith('R0 "t" (web)')


def test_a_run_that_is_written_nowhere_knows_of_no_other() -> None:
    gate = {"probe": "runs.beside", "at-most": 0}
    data = {"title": "t", "description": "d", "method": [pause()], "gates": [gate]}
    found = run_in_memory(data, faults={FAULT: FakeFault()})
    assert found.codes == ["V109"]
    assert "no folder" in found.sentence
