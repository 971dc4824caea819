"""`chaos-runner plan`, and runs that are bound to what somebody has seen: real processes, real files."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from chaos_runner.targets.host import Process
from tests.cli.runner import COMMAND, chaos_runner, write
from tests.run.samples import action, experiment, single

pytestmark = pytest.mark.slow
SLEEP = "import time; time.sleep(120)"


class Workers:
    """Processes of one name, to be hurt."""

    def __init__(self) -> None:
        self.name = f"worker-{uuid4().hex[:8]}"
        self.children = [self._start() for _ in range(4)]

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, "-c", SLEEP, self.name])

    def replace(self, number: int) -> None:
        """One of them ends, and another comes."""
        self.end(number)
        self.children[number] = self._start()

    def end(self, number: int) -> None:
        self.children[number].kill()
        self.children[number].wait()

    @property
    def states(self) -> list[str]:
        return [Process.of(child.pid).state for child in self.children]


@pytest.fixture
def workers() -> Iterator[Workers]:
    there = Workers()
    time.sleep(0.1)
    yield there
    for number in range(4):
        there.children[number].send_signal(signal.SIGCONT)
        there.end(number)


def pausing(workers: Workers, folder: Path, **keys: Any) -> Path:
    step = {"name": "pause half of them", "fault": "host.process_pause", "duration": "1s",
            "target": {"command": workers.name, "percent": "50%"}}
    file = folder / "experiment.json"
    file.write_text(json.dumps(experiment(step, probes=[single()], **keys)))
    return file


def plan(file: Path, *words: str, **environment: str) -> tuple[int, dict[str, Any]]:
    ran = chaos_runner("plan", str(file), "--json", *words, **environment)
    assert "Traceback" not in ran.err
    return ran.exit, json.loads(ran.out) if ran.out else {"err": ran.err}


def run(file: Path, folder: Path, *words: str, **environment: str) -> Any:
    return chaos_runner("run", str(file), "--json", "--reports", str(folder / "reports"), *words, **environment)


def test_a_plan_names_its_targets_and_their_share_and_touches_nothing(workers: Workers, tmp_path: Path) -> None:
    exit_code, found = plan(pausing(workers, tmp_path))
    [fault] = found["faults"]
    assert exit_code == 0
    assert len(fault["targets"]) == found["targets"] == 2
    assert [(share["hit"], share["of"], share["percent"]) for share in fault["shares"]] == [(2, 4, "50%")]
    assert (fault["does"], fault["undo"]) == ("stops processes with SIGSTOP", "undo lets them go on")
    assert {right["verb"] for right in fault["rights"]} == {"do", "undo"}
    assert workers.states == ["running"] * 4


def test_the_screen_says_the_same_in_words(workers: Workers, tmp_path: Path) -> None:
    said = chaos_runner("plan", str(pausing(workers, tmp_path))).out
    for words in ("2 of 4 processes", "= 50%", "stops processes with SIGSTOP", "✔ to do and to undo", "longest end",
                  "stop rule   none"):
        assert words in said


def test_a_run_hits_what_its_plan_says(workers: Workers, tmp_path: Path) -> None:
    file, kept = pausing(workers, tmp_path), tmp_path / "plan.json"
    _, found = plan(file, "--out", str(kept))
    ran = chaos_runner("run", "--plan", str(kept), "--json", "--reports", str(tmp_path / "reports"))
    assert (ran.exit, ran.outcome["seed"]) == (0, found["seed"])
    assert ran.outcome["faults"][0]["targets"] == [one["label"] for one in found["faults"][0]["targets"]]


def test_a_target_that_was_replaced_since_the_plan_is_not_hit(workers: Workers, tmp_path: Path) -> None:
    file, kept = pausing(workers, tmp_path), tmp_path / "plan.json"
    _, found = plan(file, "--out", str(kept), "--seed", "3")
    hit = [one["target"]["pid"] for one in found["faults"][0]["targets"]]
    workers.replace([child.pid for child in workers.children].index(hit[0]))
    ran = run(file, tmp_path, "--plan", str(kept))
    assert (ran.exit, ran.outcome["verdict"]) == (3, "not-started")
    assert "is in the plan and is not found now" in ran.outcome["sentence"]
    assert workers.states == ["running"] * 4


def test_an_experiment_that_was_changed_since_its_plan_is_refused_and_what_changed_is_said(
        workers: Workers, tmp_path: Path) -> None:
    file, kept = pausing(workers, tmp_path), tmp_path / "plan.json"
    plan(file, "--out", str(kept))
    file.write_text(file.read_text().replace('"1s"', '"50s"'))
    ran = run(file, tmp_path, "--plan", str(kept))
    assert ran.exit == 3
    assert 'the step "pause half of them" (m0) has changed' in ran.err
    assert not (tmp_path / "reports").exists()


def test_a_comment_changes_no_plan(workers: Workers, tmp_path: Path) -> None:
    file, kept = pausing(workers, tmp_path), tmp_path / "plan.json"
    plan(file, "--out", str(kept))
    file.write_text("\n\n" + file.read_text())
    assert run(file, tmp_path, "--plan", str(kept)).exit == 0


@pytest.mark.parametrize("change", [
    lambda text: text.replace('"pid": ', '"pid": 1'), lambda text: text[:40], lambda _: "[]", lambda _: "\x00",
    lambda text: text.replace('"schema": 1', '"schema": 99'), lambda _: "[" * 100_000,
])
def test_a_plan_that_was_tampered_with_is_refused(workers: Workers, tmp_path: Path, change: Any) -> None:
    file, kept = pausing(workers, tmp_path), tmp_path / "plan.json"
    plan(file, "--out", str(kept))
    kept.write_text(change(kept.read_text()))
    ran = run(file, tmp_path, "--plan", str(kept))
    assert ran.exit == 2
    assert "chaos-runner plan --out" in ran.err or "make it anew" in ran.err
    assert "Traceback" not in ran.err


def test_where_nobody_can_be_asked_yes_is_needed(workers: Workers, tmp_path: Path) -> None:
    file = pausing(workers, tmp_path, **{"confirm-above": {"targets": 1}})
    refused = run(file, tmp_path)
    assert refused.exit == 3
    assert "somebody has to say yes first (2 targets, more than 1)" in refused.err
    assert "2 of 4 processes" in refused.err
    assert run(file, tmp_path, "--yes").exit == 0


@pytest.mark.parametrize(("answer", "exit_code"), [("y", 0), ("n", 3), ("", 3)])
def test_on_a_terminal_somebody_is_asked(workers: Workers, tmp_path: Path, answer: str, exit_code: int) -> None:
    file = pausing(workers, tmp_path, **{"confirm-above": {"share": "49%"}})
    ours, theirs = pty.openpty()
    asked = subprocess.Popen([*COMMAND, "run", str(file), "--reports", str(tmp_path / "reports")], stdin=theirs,
                             stderr=theirs, stdout=subprocess.DEVNULL)
    os.close(theirs)
    said = b""
    while b"Go on?" not in said:
        said += os.read(ours, 4096)
    os.write(ours, f"{answer}\n".encode())
    try:
        while os.read(ours, 4096):
            pass
    except OSError:  # a terminal whose other end was closed
        pass
    assert asked.wait() == exit_code
    os.close(ours)


def test_in_production_every_run_is_asked_about(workers: Workers, tmp_path: Path) -> None:
    (tmp_path / "chaos.yaml").write_text("environments: {live: {production: true}}\n")
    file = pausing(workers, tmp_path)
    ran = run(file, tmp_path, "--env", "live")
    assert ran.exit == 3
    assert '"live" is production' in ran.err
    told = run(file, tmp_path, "--env", "live", "--yes")
    assert (told.exit, told.outcome["environment"]) == (0, "live")


def test_an_environment_brings_its_configuration_and_its_limits(workers: Workers, tmp_path: Path) -> None:
    (tmp_path / "chaos.yaml").write_text(
        "limits: {max-share: 50%}\nenvironments: {tiny: {limits: {max-targets: 1}, configuration: {path: /tmp}}}\n")
    file = pausing(workers, tmp_path, configuration={"path": "/nowhere"})
    assert run(file, tmp_path).exit == 0
    ran = run(file, tmp_path, "--env", "tiny")
    assert (ran.exit, ran.outcome["reasons"][0]["code"]) == (3, "V106")
    assert 'the environment "tiny" allows 1 (max-targets)' in ran.outcome["sentence"]


def test_a_policy_cannot_be_widened_by_anybody(workers: Workers, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("limits: {max-targets: 1}\n")
    file = pausing(workers, tmp_path, limits={"max-targets": 50})
    ran = run(file, tmp_path, "--yes", CHAOS_RUNNER_POLICY=str(policy))
    assert "the policy allows 1 (max-targets)" in ran.outcome["sentence"]
    exit_code, found = plan(file, CHAOS_RUNNER_POLICY=str(policy))
    assert exit_code == 3
    assert "the policy allows 1" in found["refusals"][0]


def test_a_chaos_yaml_with_a_mistake_runs_nothing_and_is_shown_with_its_place(workers: Workers, tmp_path: Path) -> None:
    (tmp_path / "chaos.yaml").write_text("limits: {max-targts: 1}\n")
    ran = run(pausing(workers, tmp_path), tmp_path)
    assert ran.exit == 2
    assert "chaos.yaml:1:10" in ran.err
    assert 'did you mean "max-targets"' in ran.err


def test_an_action_that_chaos_runner_cannot_see_into_is_shown_as_untracked(tmp_path: Path) -> None:
    file = tmp_path / "experiment.json"
    file.write_text(json.dumps(experiment(action("stop it"), probes=[single()])))
    assert plan(file)[1]["faults"][0]["way_back"] == "untracked"
    assert "untracked" in chaos_runner("plan", str(file)).out


def test_who_nobody_matches_is_told_before_any_run(tmp_path: Path) -> None:
    step = {"name": "pause", "fault": "host.process_pause", "target": {"name": "no-such-process"}, "duration": "1s"}
    file = tmp_path / "experiment.json"
    file.write_text(json.dumps(experiment(step, probes=[single()])))
    exit_code, found = plan(file)
    assert exit_code == 3
    assert "no process matches" in found["refusals"][0]


def test_a_plan_that_cannot_be_written_is_said(workers: Workers, tmp_path: Path) -> None:
    exit_code, found = plan(pausing(workers, tmp_path), "--out", str(tmp_path / "no" / "plan.json"))
    assert exit_code == 2
    assert "cannot be written" in found["err"]


def test_the_locks_that_a_run_will_hold_are_named(tmp_path: Path) -> None:
    file = write({**experiment(action(), probes=[single()]), "locks": ["s3://locks-of-the-shop/checkout"]}, tmp_path)
    assert "  lock        s3://locks-of-the-shop/checkout, held from before" in chaos_runner("plan", str(file)).out
