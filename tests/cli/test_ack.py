"""The latch of production: what failed there does not run again on its own, until somebody has said why it may."""

import json
from pathlib import Path
from typing import Any

import pytest

from chaos_runner.history.latch import NAME, acks
from tests.cli.runner import Ran, chaos_runner, write
from tests.run.samples import action, experiment, failing, single

pytestmark = pytest.mark.slow
WELL = experiment(action(), probes=[single()])
FAILS = experiment(failing(), probes=[single()])
ENVIRONMENTS = "environments: {live: {production: true}, staging: {}}\n"


def run(data: dict[str, Any], folder: Path, *words: str) -> Ran:
    """A run in production, on its own: nobody is at a terminal."""
    (folder / "chaos.yaml").write_text(ENVIRONMENTS)
    return chaos_runner("run", str(write(data, folder)), "--json", "--reports", str(folder / "reports"), "--yes",
                        *(words or ("--env", "live")), text="")


def ack(folder: Path, *words: str) -> Ran:
    return chaos_runner("ack", *words, "--reports", str(folder / "reports"), "--json")


def planned(folder: Path, environment: str) -> str:
    """What `plan` shows of the experiment."""
    ran = chaos_runner("plan", str(folder / "experiment.json"), "--env", environment,
                       CHAOS_RUNNER_REPORTS=str(folder / "reports"))
    return ran.out


def test_what_failed_in_production_is_held_back_until_it_is_acknowledged(tmp_path: Path) -> None:
    failed = run(FAILS, tmp_path)
    assert failed.outcome["verdict"] == "error"
    held = run(WELL, tmp_path)
    assert held.exit == 3
    assert f"run {failed.outcome['run']} of it in live was error" in held.err
    assert "chaos-runner ack" in held.err
    assert f"  latched     run {failed.outcome['run']} of it in live was error" in planned(tmp_path, "live")
    said = ack(tmp_path, "experiment.json", "--why", "the disk was full; it is larger now")
    assert [one["run"] for one in said.outcome["acknowledged"]] == [failed.outcome["run"]]
    assert [(one.why, one.environment) for one in acks(tmp_path / "reports")] == [
        ("the disk was full; it is larger now", "live")]
    assert "latched" not in planned(tmp_path, "live")
    assert run(WELL, tmp_path).exit == 0
    assert ack(tmp_path, "experiment.json", "--why", "again").outcome == {"acknowledged": []}


def test_elsewhere_and_for_the_steady_state_alone_nothing_is_held_back(tmp_path: Path) -> None:
    run(FAILS, tmp_path)
    assert "latched" not in planned(tmp_path, "staging")
    assert run(WELL, tmp_path, "--env", "staging").exit == 0
    assert run(WELL, tmp_path, "--env", "live", "--hypothesis-only").exit == 0
    assert run(WELL, tmp_path).exit == 3  # that has not acknowledged anything
    assert run(FAILS, tmp_path, "--env", "staging").outcome["verdict"] == "error"
    assert run(WELL, tmp_path, "--env", "staging").exit == 0


def test_a_reason_is_wanted_and_a_line_that_is_none_acknowledges_nothing(tmp_path: Path) -> None:
    run(FAILS, tmp_path)
    assert ack(tmp_path, "experiment.json", "--why", " ").exit == 2
    assert ack(tmp_path, "never", "--why", "x").exit == 2
    (tmp_path / "reports" / NAME).write_bytes(b"{}\n\xff\n" + json.dumps({"run": "x"}).encode() + b"\n")
    assert run(WELL, tmp_path).exit == 3
