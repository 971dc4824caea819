"""The daemon as its users have it: a process that starts processes, and what is left when either of them is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from chaos_runner.journal.lock import holder
from tests.cli.runner import COMMAND, Ran, chaos_runner
from tests.run.samples import experiment, single, wait

pytestmark = pytest.mark.slow
WITHIN_S = 40.0
"""A dead daemon's lease is 15 s, and the machine may be busy."""


class Project:
    """A folder with one experiment and its schedule, which is due once a year."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "schedules" / "yearly.yaml"
        self.file.parent.mkdir()

    def holds(self, data: dict[str, Any], **schedule: Any) -> None:
        (self.folder / "experiment.json").write_text(json.dumps(data))
        told = {"experiment": "experiment.json", "cron": "0 0 29 2 *", "timezone": "UTC", "enabled": True, **schedule}
        self.file.write_text(yaml.safe_dump(told))

    def ask(self, *words: str) -> Ran:
        return chaos_runner("schedule", *words, "--reports", str(self.folder / "reports"))

    def asked_to_run(self) -> None:
        ran = self.ask("run-now", str(self.file))
        assert ran.exit == 0, ran.err

    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("log", "--json").outcome["occurrences"]
        return found

    def row(self, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The newest row, once it is so."""
        deadline_s = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline_s:
            rows = self.rows()
            if rows and until(rows[-1]):
                return rows[-1]
            time.sleep(0.2)
        raise TimeoutError(f"{self.rows()}")

    def running(self) -> dict[str, Any]:
        """The newest row, once its run has a journal."""
        row = self.row(lambda row: row["state"] == "running")
        journal = self.folder / "reports" / "runs" / row["run"] / "journal.ndjson"
        deadline_s = time.monotonic() + WITHIN_S
        while not journal.exists():
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        return row

    def ended(self) -> dict[str, Any]:
        return self.row(lambda row: row["state"] in ("ran", "skipped", "missed"))

    @contextmanager
    def daemon(self, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
        """A daemon at work. Killed at the end if it still is."""
        with (self.folder / "daemon.log").open("a") as said:
            process = subprocess.Popen([*COMMAND, "daemon", str(self.file.parent), "--reports",
                                        str(self.folder / "reports"), *words], stdin=subprocess.DEVNULL, stderr=said)
        try:
            self._await_it()
            yield process
        finally:
            process.kill()
            process.wait()

    def _await_it(self) -> None:
        deadline_s = time.monotonic() + WITHIN_S
        while self.ask("check", "--alive", "--json").outcome["troubles"][:1] == ["no daemon has been heard for 15 s"]:
            assert time.monotonic() < deadline_s, self.said
            time.sleep(0.1)

    @property
    def said(self) -> str:
        return (self.folder / "daemon.log").read_text()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_it_runs_what_is_asked_for_and_leaves_when_it_is_told_to(project: Project) -> None:
    project.holds(experiment(wait(0.2), probes=[single()]))
    with project.daemon() as daemon:
        project.asked_to_run()
        row = project.ended()
        assert (row["state"], row["verdict"], row["restored"]) == ("ran", "passed", "nothing-to-restore")
        assert row["asked_by"]
        assert (project.folder / "reports" / "runs" / row["run"] / "report.html").exists()
        assert project.ask("check", "--alive").exit == 0
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(WITHIN_S) == 0
    troubles = project.ask("check", "--alive", "--json")
    assert (troubles.exit, troubles.outcome["alive"]) == (5, False)
    assert "started" in project.said


def test_a_killed_daemons_run_goes_on_and_the_next_daemon_tells_its_end(project: Project) -> None:
    project.holds(experiment(wait(8), probes=[single()]))
    with project.daemon() as first:
        project.asked_to_run()
        row = project.running()
        first.kill()
        first.wait()
    assert holder(project.folder / "reports" / "runs" / row["run"]) is not None
    with project.daemon():
        ended = project.ended()
    assert (ended["run"], ended["verdict"]) == (row["run"], "passed")
    assert ended["daemon"] != row["daemon"]
    assert len(project.rows()) == 1


def test_a_daemon_and_its_run_are_killed_and_nothing_is_left_or_injected_twice(project: Project) -> None:
    with victim() as process:
        project.holds(experiment(paused(process.pid), probes=[single()]))
        with project.daemon() as first:
            project.asked_to_run()
            row = project.running()
            until(lambda: state_of(process.pid) == "T")
            runner = holder(project.folder / "reports" / "runs" / row["run"])
            assert runner
            first.kill()
            os.kill(runner, signal.SIGKILL)
        with project.daemon():
            ended = project.ended()
        assert (ended["run"], ended["verdict"], ended["restored"]) == (row["run"], "interrupted", "restored")
        assert state_of(process.pid) != "T"
        assert len(project.rows()) == 1


def test_a_daemon_that_has_to_leave_stops_and_undoes_what_does_not_end_in_time(project: Project) -> None:
    with victim() as process:
        project.holds(experiment(paused(process.pid), probes=[single()]))
        with project.daemon("--drain", "1s") as daemon:
            project.asked_to_run()
            project.running()
            until(lambda: state_of(process.pid) == "T")
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(WITHIN_S) == 0
        [row] = project.rows()
        assert (row["verdict"], row["restored"]) == ("interrupted", "restored")
        assert row["reason"] == "the daemon is told to leave"
        assert state_of(process.pid) != "T"


def test_what_is_paused_does_not_run_even_when_asked_for(project: Project) -> None:
    project.holds(experiment(wait(0.1), probes=[single()]))
    assert project.ask("pause", str(project.file), "--why", "a sale").exit == 0
    with project.daemon():
        project.asked_to_run()
        row = project.ended()
        assert (row["state"], row["why"]) == ("skipped", "paused")
        assert row["reason"].endswith(": a sale")
        assert project.ask("resume", "yearly").exit == 0
        assert project.ask("resume", "yearly").exit == 2
        project.asked_to_run()
        assert project.row(lambda row: row["state"] == "ran")["verdict"] == "passed"


def test_the_gates_of_a_schedule_are_asked(project: Project) -> None:
    (project.folder / "freeze.yaml").write_text("- {from: 2020-01-01, to: 2099-12-31, why: for ever}\n")
    gate = {"name": "no freeze", "probe": "freeze.state", "equals": "open",
            "arguments": {"file": str(project.folder / "freeze.yaml"), "timezone": "UTC"}}
    project.holds(experiment(probes=[single()]), gates=[gate])
    with project.daemon():
        project.asked_to_run()
        row = project.ended()
    assert (row["state"], row["verdict"]) == ("skipped", "not-started")
    assert "no freeze" in row["reason"]


def test_files_are_read_again_when_they_change(project: Project) -> None:
    project.holds(experiment(probes=[single()]))
    with project.daemon():
        project.file.write_text("nonsense: true\n")
        until(lambda: "broken" in project.said)
        project.holds(experiment(probes=[single()]))
        until(lambda: project.said.count(" read ") == 3)
        (project.folder / "experiment.json").write_text("{}")
        until(lambda: project.said.count("broken") == 2)


@pytest.mark.parametrize(("words", "said"), [
    (["--database", "nonsense"], "--database nonsense: sqlite:///FILE, or postgresql://USER@HOST/NAME"),
    (["--database", "mysql://x/y"], "sqlite:///FILE, or postgresql://USER@HOST/NAME"),
    (["--drain", "soon"], "--drain"),
    (["/nowhere"], "/nowhere: No such file or directory"),
])
def test_what_cannot_be_followed_is_said(tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "schedules").mkdir()
    ran = chaos_runner("daemon", *([] if words[0].startswith("/") else [str(tmp_path / "schedules")]), *words,
                       "--reports", str(tmp_path))
    assert ran.exit == 2
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_a_database_without_an_answer_is_said_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "schedules").mkdir()
    ran = chaos_runner("daemon", str(tmp_path / "schedules"), "--database", "postgresql://me:hunter2@127.0.0.1:1/x",
                       "--reports", str(tmp_path))
    assert ran.exit == 5
    assert "the database: no answer" in ran.err
    assert "hunter2" not in ran.err


def test_without_a_daemon_nothing_is_asked_for(project: Project) -> None:
    project.holds(experiment(probes=[single()]))
    ran = project.ask("run-now", str(project.file))
    assert ran.exit == 3
    assert "no daemon is at work: chaos-runner run" in ran.err
    assert project.rows() == []


@pytest.mark.parametrize("words", [[], ["yearly", "--all"], ["--tag", "x", "--all"]])
def test_a_pause_is_for_one_thing(project: Project, words: list[str]) -> None:
    named = [str(project.file) if word == "yearly" else word for word in words]
    project.holds(experiment(wait(0.1), probes=[single()]))
    assert project.ask("pause", *named, "--why", "x").exit == 2


def paused(pid: int) -> dict[str, Any]:
    return {"name": "pause it", "fault": "host.process_pause", "target": {"pid": pid}, "duration": "30s"}


@contextmanager
def victim() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def state_of(pid: int) -> str:
    """What the kernel calls the state of a process: T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def until(holds: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def test_whoever_only_looks_at_the_calendar_loads_no_database(project: Project) -> None:
    project.holds(experiment(probes=[single()]))
    words = [sys.executable, "-X", "importtime", "-m", "chaos_runner", "schedule", "preview", str(project.file)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "yearly" in done.stdout
    assert "chaos_runner.schedule.occurrences" in done.stderr
    assert "sqlalchemy" not in done.stderr
