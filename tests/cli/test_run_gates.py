"""Gates as a user meets them: those of an experiment, of an environment, and of the schedule that starts a run."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chaos_runner.targets.host import Process
from tests.cli.runner import chaos_runner, journal, run, running, wait_for, write
from tests.run.samples import action, experiment, single

pytestmark = pytest.mark.slow
NOW = datetime.now(UTC)
FROZEN = f"- {{from: {NOW - timedelta(days=2):%Y-%m-%d}, to: {NOW + timedelta(days=2):%Y-%m-%d}, why: the launch}}\n"
OPEN = "[]\n"


@contextmanager
def sleeping() -> Iterator[Process]:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    try:
        yield Process.of(child.pid)
    finally:
        child.kill()
        child.wait()


@pytest.fixture
def victim() -> Iterator[Process]:
    with sleeping() as process:
        yield process


def pause(victim: Process, **keys: Any) -> dict[str, Any]:
    return {"name": "pause it", "fault": "host.process_pause", "target": {"pid": victim.pid}, "duration": "30s", **keys}


def no_freeze(folder: Path, **keys: Any) -> dict[str, Any]:
    """A gate on a file of freezes that stands in the folder."""
    return {"name": "no freeze", "probe": "freeze.state", "equals": "open",
            "arguments": {"file": str(folder / "freezes.yaml"), "timezone": "UTC"}, **keys}


def schedule(folder: Path, *gates: dict[str, Any]) -> Path:
    file = folder / "nightly.yaml"
    file.write_text("experiment: experiment.json\ntimezone: UTC\ncron: '0 3 * * *'\n"
                    f"gates: {json.dumps(list(gates))}\n")
    return file


def write_freezes(folder: Path, text: str) -> None:
    (folder / "freezes.yaml").write_text(text)


def test_a_closed_gate_of_the_schedule_puts_the_run_off_and_says_until_when(tmp_path: Path) -> None:
    write_freezes(tmp_path, FROZEN)
    ran = run(experiment(action(), probes=[single()]), tmp_path,
              "--gates", str(schedule(tmp_path, no_freeze(tmp_path, defer="1h"))))
    [gate] = ran.outcome["gates"]
    assert (ran.exit, ran.outcome["verdict"], ran.outcome["reasons"][0]["code"]) == (3, "not-started", "V110")
    assert (gate["name"], gate["result"]) == ("no freeze", "defer")
    assert gate["read"].startswith("frozen, the launch, until ")
    assert gate["again_at"] == ran.outcome["again_at"]
    wait = datetime.fromisoformat(gate["again_at"]) - datetime.fromisoformat(ran.outcome["started"])
    assert timedelta(hours=1) <= wait <= timedelta(hours=1, minutes=1)
    assert f"again     not before {gate['again_at']}" in ran.err
    assert "no freeze: closed for now (frozen, the launch, until " in ran.err
    told = json.loads((tmp_path / "reports" / "latest" / "outcome.json").read_text())
    assert told["gates"] == [gate]
    assert "StepBegan" not in [event["type"] for event in journal(tmp_path)]


def test_open_gates_let_the_run_through_and_are_told(tmp_path: Path) -> None:
    write_freezes(tmp_path, OPEN)
    own = {"name": "nobody else", "probe": "runs.beside", "at-most": 0}
    ran = run(experiment(action(), probes=[single()], gates=[own]), tmp_path,
              "--gates", str(schedule(tmp_path, no_freeze(tmp_path))))
    assert (ran.exit, ran.outcome["verdict"]) == (0, "passed")
    assert [(gate["name"], gate["result"], gate["read"]) for gate in ran.outcome["gates"]] == [
        ("nobody else", "pass", "0"), ("no freeze", "pass", "open")]


def test_a_freeze_file_that_is_not_understood_denies_and_says_where(tmp_path: Path) -> None:
    write_freezes(tmp_path, "- 2026-12-24\n- soon\n")
    ran = run(experiment(action(), probes=[single()], gates=[no_freeze(tmp_path, defer="1h")]), tmp_path)
    assert (ran.exit, ran.outcome["reasons"][0]["code"]) == (3, "V109")
    assert f"{tmp_path / 'freezes.yaml'}:2:3: wanted a day" in ran.outcome["sentence"]
    assert ran.outcome["gates"][0]["result"] == "deny"


def test_gates_of_an_environment_hold_and_find_their_file_above(tmp_path: Path) -> None:
    write_freezes(tmp_path, FROZEN)
    (tmp_path / "chaos.yaml").write_text(
        "environments:\n  staging:\n    gates:\n      - {name: no freeze, probe: freeze.state, equals: open,\n"
        f"         arguments: {{file: {tmp_path / 'freezes.yaml'}, timezone: UTC}}}}\n")
    data = experiment(action(), probes=[single()])
    denied = run(data, tmp_path, "--env", "staging")
    assert (denied.exit, denied.outcome["gates"][0]["result"]) == (3, "deny")
    assert run(data, tmp_path).exit == 0


@pytest.mark.parametrize(("text", "said"), [
    ("experiment: e.json\ntimezone: UTC\ncron: '0 3 * * *'\ngates: [{probe: freeze.state, equals: shut}]\n", ":4:"),
    ("experiment: e.json\ntimezone: UTC\ncron: '0 3 * * *'\ngates: [{use: no-such}]\n", ":4:15"),
    ("experiment: e.json\ntimezone: UTC\ncron: '0 3 * * *'\ngate: []\n", ":4:1"), ("cron: [\n", ":")])
def test_a_schedule_that_cannot_be_followed_is_told_with_its_place_and_nothing_runs(
        tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "nightly.yaml"
    file.write_text(text)
    ran = chaos_runner("run", str(write(experiment(action(), probes=[single()]), tmp_path)), "--gates", str(file))
    assert ran.exit == 2
    assert f"{file}{said}" in ran.err
    assert "Traceback" not in ran.err
    assert not (tmp_path / "reports").exists()


def test_a_schedule_that_is_not_there_is_told(tmp_path: Path) -> None:
    ran = chaos_runner("run", str(write(experiment(action(), probes=[single()]), tmp_path)), "--gates", "nowhere.yaml")
    assert ran.exit == 2
    assert "nowhere.yaml: No such file" in ran.err


def test_a_plan_shows_the_gates_of_the_schedule_and_a_run_may_be_bound_to_it(tmp_path: Path) -> None:
    write_freezes(tmp_path, OPEN)
    file, gates = write(experiment(action(), probes=[single()]), tmp_path), str(schedule(tmp_path, no_freeze(tmp_path)))
    plan, reports = str(tmp_path / "plan.json"), ("--reports", str(tmp_path / "reports"))
    shown = chaos_runner("plan", str(file), "--gates", gates, "--out", plan)
    assert 'no freeze: open (the schedule "nightly")' in shown.out
    assert chaos_runner("run", "--plan", plan, "--gates", gates, *reports).exit == 0
    without = chaos_runner("run", "--plan", plan, *reports)
    assert without.exit == 3
    assert 'the gate "no freeze" is gone' in without.err


def test_several_files_are_all_held_by_the_gates(tmp_path: Path) -> None:
    write_freezes(tmp_path, FROZEN)
    file, gates = str(write(experiment(action(), probes=[single()]), tmp_path)), schedule(tmp_path, no_freeze(tmp_path))
    ran = chaos_runner("run", file, file, "--gates", str(gates), "--json", "--reports", str(tmp_path / "reports"))
    assert [found["gates"][0]["result"] for found in ran.outcome["runs"]] == ["deny", "deny"]
    assert ran.exit == 3


def test_a_run_on_the_same_target_is_seen_and_one_on_another_is_not(victim: Process, tmp_path: Path) -> None:
    gate = {"name": "nobody else here", "probe": "runs.beside", "at-most": 0, "defer": "5m"}
    with running(experiment(pause(victim), probes=[single()]), tmp_path) as first, sleeping() as other:
        wait_for(tmp_path, "Applied")
        killing = {"name": "kill it", "fault": "host.process_kill", "target": {"pid": victim.pid}}
        same = run(experiment(killing, probes=[single()], gates=[gate]), tmp_path)
        elsewhere = run(experiment(pause(other, duration="1s"), probes=[single()], gates=[gate]), tmp_path)
        near = {**gate, "arguments": {"same": "family"}}
        family = run(experiment(pause(other, duration="1s"), probes=[single()], gates=[near]), tmp_path)
        first.terminate()
        first.wait(20)
    assert (same.exit, same.outcome["gates"][0]["result"]) == (3, "defer")
    assert f"(pid {victim.pid})" in same.outcome["gates"][0]["read"]
    assert (elsewhere.exit, elsewhere.outcome["gates"][0]["read"]) == (0, "0")
    assert (family.exit, family.outcome["gates"][0]["result"]) == (3, "defer")
    assert victim.state != "stopped"


def test_a_watched_gate_that_closes_meanwhile_ends_the_run_and_everything_is_undone(
        victim: Process, tmp_path: Path) -> None:
    write_freezes(tmp_path, OPEN)
    gate = no_freeze(tmp_path, watch=True, every="200ms")
    with running(experiment(pause(victim), probes=[single()], gates=[gate]), tmp_path) as process:
        wait_for(tmp_path, "Applied")
        write_freezes(tmp_path, FROZEN)
        out, _ = process.communicate(timeout=20)
    told = json.loads(out)
    assert (told["exit"], told["verdict"], told["restored"]) == (4, "aborted", "restored")
    assert told["reasons"][0]["code"] == "V317"
    assert told["gates"][0]["result"] == "deny"
    assert victim.state != "stopped"
