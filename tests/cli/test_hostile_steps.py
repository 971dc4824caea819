"""Steps that misbehave as foreign code may: the exit code is right, the outcome is there, nothing is left."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos_runner.targets.host import Process
from tests.cli.runner import COMMAND, chaos_runner, journal, run, running, wait_for, write
from tests.run.samples import action, experiment, single

pytestmark = pytest.mark.slow


@pytest.fixture
def victim() -> Iterator[Process]:
    """A process to hurt."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    yield Process.of(child.pid)
    child.kill()
    child.wait()


def hurting(victim: Process, func: str, **more: Any) -> dict[str, Any]:
    pause = {"name": "pause it", "fault": "host.process_pause", "target": {"pid": victim.pid}, "duration": "1s",
             "background": True}
    return experiment(pause, action(func=func, module="tests.cli.steps"), probes=[single()], **more)


@pytest.mark.parametrize(("func", "code"), [
    ("leave", 5), ("leave_at_once", 5), ("break_handlers", 0), ("chatter", 0), ("stay", 0), ("go_away", 0)])
def test_a_step_that_misbehaves_changes_neither_exit_code_nor_undo(
        tmp_path: Path, victim: Process, func: str, code: int) -> None:
    ran = run(hurting(victim, func), tmp_path)
    assert (ran.exit, ran.outcome["exit"]) == (code, code)
    assert victim.at(victim.key).state == "running"
    assert (tmp_path / "reports" / "latest" / "outcome.json").exists()


def test_a_step_that_closes_every_file_never_makes_it_green(tmp_path: Path, victim: Process) -> None:
    ran = run(hurting(victim, "close_everything"), tmp_path)
    assert ran.exit != 0
    assert victim.wait_for_state("running", 5).state == "running"


@pytest.mark.parametrize("ending", ["2>&-", ">&-", ">/dev/full", "2>/dev/full"])
def test_nobody_to_tell_does_not_change_the_exit_code(tmp_path: Path, ending: str) -> None:
    file = write(experiment(action(), probes=[single(tolerance=True)]), tmp_path)
    command = f"{' '.join(COMMAND)} run {file} --json --reports {tmp_path}/reports {ending}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    assert (tmp_path / "reports" / "latest" / "outcome.json").exists()


def test_a_reader_who_does_not_read_does_not_hold_up_the_run(tmp_path: Path, victim: Process) -> None:
    heard, said = os.pipe()
    os.set_blocking(said, False)
    try:
        while True:
            os.write(said, b"x" * 65536)
    except BlockingIOError:
        os.set_blocking(said, True)
    pause = {"name": "pause it", "fault": "host.process_pause", "target": {"pid": victim.pid}, "duration": "500ms"}
    file = write(experiment(pause, probes=[single()]), tmp_path)
    child = subprocess.Popen([*COMMAND, "run", str(file), "--events", "-", "--reports", str(tmp_path / "reports")],
                             stdout=said, stderr=subprocess.DEVNULL)
    os.close(said)
    assert child.wait(20) == 0
    os.close(heard)


def test_several_runs_of_which_one_leaves_without_an_outcome_are_not_green(tmp_path: Path) -> None:
    good = write(experiment(action(), probes=[single()]), tmp_path)
    chatty = tmp_path / "chatty.json"
    chatty.write_text(json.dumps(experiment(action(func="chatter", module="tests.cli.steps"), probes=[single()])))
    ran = chaos_runner("run", str(good), str(chatty), "--json", "--reports", str(tmp_path / "reports"))
    assert (ran.exit, [one["verdict"] for one in ran.outcome["runs"]]) == (0, ["passed", "passed"])


def test_a_signal_ends_the_list_of_runs(tmp_path: Path) -> None:
    slow = write(experiment(action(func="busy", module="tests.cli.steps", arguments={"seconds": 60}),
                            probes=[single()]), tmp_path)
    command = [*COMMAND, "run", str(slow), str(slow), "--json", "--reports", str(tmp_path / "reports")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        wait_for(tmp_path, "StepBegan")
        parent.terminate()
        out, _ = parent.communicate(timeout=20)
    assert parent.returncode == 143
    assert len(json.loads(out)["runs"]) == 1


def test_a_recorded_undo_keeps_its_secret_and_still_works(tmp_path: Path) -> None:
    flag, secret = tmp_path / "flag", tmp_path / "secret"
    secret.write_text("hunter2secret")
    script = f"test ${{word}} = $(cat {secret}) && touch {flag}"
    undo = {"provider": {"type": "process", "path": "sh", "arguments": ["-c", script]}}
    data = experiment(action(undo=undo), probes=[single()], secrets={"db": {"word": "hunter2secret"}})
    ran = run(data, tmp_path)
    assert (ran.exit, ran.outcome["restored"]) == (0, "reported")
    assert flag.exists()


def test_an_undo_with_a_secret_written_out_is_refused(tmp_path: Path) -> None:
    headers = {"Authorization": "Bearer abcdefghij"}
    undo = {"provider": {"type": "http", "url": "http://127.0.0.1:9", "headers": headers}}
    ran = run(experiment(action(undo=undo), probes=[single()]), tmp_path)
    assert ran.exit == 3
    assert "put it under `secrets`" in ran.err


def test_a_process_probe_that_is_under_way_at_the_end_is_ended(tmp_path: Path, victim: Process) -> None:
    slow = {"type": "probe", "name": "slow", "tolerance": 0, "every": "1s",
            "provider": {"type": "process", "path": "sleep", "arguments": ["66"]}}
    data = experiment(action(func="busy", module="tests.cli.steps", arguments={"seconds": 60}), probes=[single(), slow])
    with running(data, tmp_path) as process:
        wait_for(tmp_path, "StageBegan")
        import time

        time.sleep(1)
        process.terminate()
        process.communicate(timeout=15)
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if _reads(path) == b"/usr/bin/sleep\x0066\0"]
    assert journal(tmp_path)[-1]["type"] == "RunEnded"


def _reads(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
