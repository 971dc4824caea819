"""The way back after the runner is gone: the watchdog, `recover`, `stop`."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos_runner.proxy.process import ProxyProcess
from chaos_runner.targets.host import Process
from chaos_runner.targets.proxy import ProxyApi
from tests.cli.runner import chaos_runner, journal, run, running, wait_for, write
from tests.run.samples import action, experiment, single

pytestmark = pytest.mark.slow


@pytest.fixture
def victim() -> Iterator[Process]:
    """A process to hurt."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    yield Process.of(child.pid)
    child.kill()
    child.wait()


def pausing(victim: Process, **more: Any) -> dict[str, Any]:
    pause = {"name": "pause it", "fault": "host.process_pause", "target": {"pid": victim.pid}, "duration": "30s"}
    return experiment(pause, probes=[single()], **more)


def recover(folder: Path, *arguments: str) -> Any:
    return chaos_runner("recover", *arguments, "--json", "--reports", str(folder / "reports"))


def eventually(what: Any, within_s: float = 5.0) -> bool:
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        if what():
            return True
        time.sleep(0.01)
    return False


def watchdog_of(folder: Path) -> Process:
    [found] = [Process.of(int(path.parent.name)) for path in Path("/proc").glob("[0-9]*/cmdline")
               if _is_watchdog(path, folder)]
    return found


def _is_watchdog(path: Path, folder: Path) -> bool:
    try:
        words = path.read_bytes().split(b"\0")
    except OSError:
        return False
    return b"chaos-runner-watchdog" in words and str(folder / "reports").encode() in words


def killed(folder: Path, victim: Process, *, with_watchdog: bool, **more: Any) -> None:
    """A run that is killed while its fault acts."""
    with running(pausing(victim, **more), folder) as process:
        wait_for(folder, "Applied")
        if with_watchdog:
            watchdog_of(folder).signal(signal.SIGKILL)
        process.send_signal(signal.SIGKILL)
        process.communicate()


def is_well(victim: Process) -> bool:
    return victim.at(victim.key).state == "running"


def outcome(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "reports" / "latest" / "outcome.json").read_text())
    return found


def test_the_watchdog_undoes_what_a_killed_runner_left_within_a_second(tmp_path: Path, victim: Process) -> None:
    killed(tmp_path, victim, with_watchdog=False)
    began_s = time.monotonic()
    assert eventually(lambda: is_well(victim))
    assert time.monotonic() - began_s < 2
    assert eventually((tmp_path / "reports" / "latest" / "outcome.json").exists)
    told = outcome(tmp_path)
    assert (told["verdict"], told["restored"], told["exit"]) == ("interrupted", "restored", 137)
    assert told["reasons"][0]["code"] == "V302"
    assert "the watchdog" in told["sentence"]
    assert eventually((tmp_path / "reports" / "latest" / "report.html").exists)


def test_with_the_watchdog_killed_too_recover_undoes(tmp_path: Path, victim: Process) -> None:
    killed(tmp_path, victim, with_watchdog=True)
    assert not is_well(victim)
    ran = recover(tmp_path, "--all")
    assert ran.exit == 0
    assert is_well(victim)
    [row] = ran.outcome["runs"]
    assert (row["restored"], len(row["undone"])) == ("restored", 1)
    assert outcome(tmp_path)["exit"] == 137


def test_recovering_twice_is_harmless(tmp_path: Path, victim: Process) -> None:
    killed(tmp_path, victim, with_watchdog=True)
    recover(tmp_path, "latest")
    before = (tmp_path / "reports" / "latest" / "journal.ndjson").read_bytes()
    assert recover(tmp_path, "latest").exit == 0
    assert (tmp_path / "reports" / "latest" / "journal.ndjson").read_bytes() == before
    assert recover(tmp_path, "--all").outcome == {"runs": []}


def test_two_recoverers_at_once_undo_once(tmp_path: Path, victim: Process) -> None:
    killed(tmp_path, victim, with_watchdog=True)
    command = [sys.executable, "-m", "chaos_runner", "recover", "latest", "--reports", str(tmp_path / "reports")]
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert [one.wait(20) for one in both] == [0, 0]
    assert is_well(victim)
    assert [event["type"] for event in journal(tmp_path)].count("Undone") == 1


def test_a_run_that_still_lives_is_left_alone(tmp_path: Path, victim: Process) -> None:
    with running(pausing(victim), tmp_path) as process:
        wait_for(tmp_path, "Applied")
        began = subprocess.Popen([sys.executable, "-m", "chaos_runner", "recover", "--all", "--json",
                                  "--reports", str(tmp_path / "reports")], stdout=subprocess.PIPE)
        time.sleep(0.5)
        assert not is_well(victim)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
        began.communicate(timeout=40)
    assert process.returncode == 143
    assert began.returncode == 0


def test_a_target_that_ended_meanwhile_counts_as_gone(tmp_path: Path, victim: Process) -> None:
    killed(tmp_path, victim, with_watchdog=True)
    os.kill(victim.pid, signal.SIGKILL)
    os.waitpid(victim.pid, 0)
    ran = recover(tmp_path, "latest")
    assert (ran.exit, ran.outcome["runs"][0]["restored"]) == (0, "restored")
    assert outcome(tmp_path)["faults"][0]["restored"] == "restored"


def test_the_author_s_rollbacks_run_at_recovery_too(tmp_path: Path, victim: Process) -> None:
    flag = tmp_path / "rolled-back"
    rollback = {"type": "action", "name": "touch", "provider": {"type": "process", "path": "touch",
                                                               "arguments": ["${flag}"]}}
    killed(tmp_path, victim, with_watchdog=True, rollbacks=[rollback], configuration={"flag": str(flag)})
    recover(tmp_path, "latest")
    assert flag.exists()


def test_a_process_that_a_killed_runner_s_step_started_is_ended(tmp_path: Path) -> None:
    step = {"type": "action", "name": "long", "provider": {"type": "process", "path": "sleep", "arguments": ["64"]}}
    with running(experiment(step, probes=[single()]), tmp_path) as process:
        wait_for(tmp_path, "StepBegan")
        time.sleep(0.3)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert eventually(lambda: not [path for path in Path("/proc").glob("[0-9]*/cmdline") if _sleeps(path)])


def _sleeps(path: Path) -> bool:
    try:
        return path.read_bytes() == b"/usr/bin/sleep\x0064\0"
    except OSError:
        return False


def test_a_step_left_behind_is_undone_once_more_by_the_watchdog(tmp_path: Path, victim: Process) -> None:
    busy = action("busy", module="tests.cli.steps", func="busy", arguments={"seconds": 60})
    data = experiment({"name": "pause it", "fault": "host.process_pause", "target": {"pid": victim.pid},
                       "duration": "90s", "background": True}, busy, probes=[single()])
    with running(data, tmp_path) as process:
        wait_for(tmp_path, "StepBegan")
        wait_for(tmp_path, "Applied")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert process.returncode == 143
    assert eventually(lambda: "RunnerDied" in [event["type"] for event in journal(tmp_path)])
    assert eventually(lambda: journal(tmp_path)[-1]["type"] == "RunEnded")
    assert outcome(tmp_path)["exit"] == 143


def test_the_watchdog_ends_with_a_finished_run(tmp_path: Path) -> None:
    assert run(experiment(action(), probes=[single()]), tmp_path).exit == 0
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if _is_watchdog(path, tmp_path)]


def test_a_run_can_be_stopped_from_another_terminal(tmp_path: Path, victim: Process) -> None:
    with running(pausing(victim), tmp_path) as process:
        wait_for(tmp_path, "Applied")
        asked = chaos_runner("stop", "latest", "--why", "lunch", "--reports", str(tmp_path / "reports"))
        process.communicate(timeout=10)
    assert (process.returncode, asked.exit) == (4, 4)
    assert is_well(victim)
    assert "lunch" in outcome(tmp_path)["sentence"]


def test_a_run_without_a_runner_cannot_be_stopped_and_says_what_to_do(tmp_path: Path, victim: Process) -> None:
    killed(tmp_path, victim, with_watchdog=True)
    ran = chaos_runner("stop", "latest", "--reports", str(tmp_path / "reports"))
    assert ran.exit == 2
    assert "chaos-runner recover" in ran.err


def test_what_could_not_be_undone_is_finished_by_a_later_recover(tmp_path: Path) -> None:
    with ProxyProcess() as proxy:
        address = proxy.address
        ProxyApi(address).create("db", "127.0.0.1:0", "127.0.0.1:9")
        fault = {"name": "slow", "fault": "proxy.latency", "target": {"proxy": "db", "api": address},
                 "arguments": {"latency": "100ms"}, "duration": "1s"}
        with running(experiment(fault, probes=[single()]), tmp_path) as process:
            wait_for(tmp_path, "Applied")
            os.kill(proxy.pid, signal.SIGSTOP)
            process.communicate(timeout=60)
        assert process.returncode == 6
        assert recover(tmp_path, "latest").exit == 6
        os.kill(proxy.pid, signal.SIGCONT)
        ran = recover(tmp_path, "--all")
        assert (ran.exit, ran.outcome["runs"][0]["restored"]) == (0, "restored")
        assert not ProxyApi(address).proxy("db").toxics
    assert outcome(tmp_path)["restored"] == "restored"
    assert recover(tmp_path, "--all").outcome == {"runs": []}


def test_a_journal_cut_in_its_last_line_is_recovered(tmp_path: Path, victim: Process) -> None:
    killed(tmp_path, victim, with_watchdog=True)
    path = tmp_path / "reports" / "latest" / "journal.ndjson"
    path.write_bytes(path.read_bytes() + b'{"v":1,"n":99,"at":"2026')
    assert recover(tmp_path, "latest").exit == 0
    assert is_well(victim)
    numbers = [json.loads(line)["n"] for line in path.read_text().splitlines()]
    assert numbers == list(range(len(numbers)))


def test_a_journal_of_a_newer_version_is_refused_with_what_to_do(tmp_path: Path, victim: Process) -> None:
    killed(tmp_path, victim, with_watchdog=True)
    path = tmp_path / "reports" / "latest" / "journal.ndjson"
    path.write_bytes(path.read_bytes().replace(b'{"v":1,', b'{"v":9,'))
    ran = recover(tmp_path, "latest")
    assert ran.exit == 6
    assert "use that version or a later one" in ran.err
    assert not is_well(victim)


BROKEN = """
import sys
from chaos_runner.engine.shell import Loop
from chaos_runner.run.events import Applied
breathe = Loop._breathe

def broken(self, before, decision):
    if any(isinstance(event, Applied) for event in decision.events):
        raise IndexError("a bug in the loop itself")
    return breathe(self, before, decision)

Loop._breathe = broken
from chaos_runner.cli.main import main
main()
"""


def test_a_bug_in_the_loop_itself_ends_in_70_and_the_watchdog_undoes(tmp_path: Path, victim: Process) -> None:
    words = ["run", str(write(pausing(victim), tmp_path)), "--reports", str(tmp_path / "reports")]
    command = [sys.executable, "-c", BROKEN, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 70
    assert "a bug in chaos-runner" in done.stderr
    assert eventually(lambda: is_well(victim))


def test_a_new_run_says_that_an_old_one_was_never_recovered(tmp_path: Path, victim: Process) -> None:
    killed(tmp_path, victim, with_watchdog=True)
    ran = run(experiment(action(), probes=[single()]), tmp_path)
    assert ran.exit == 0
    assert "chaos-runner recover --all" in ran.err
    recover(tmp_path, "--all")
    assert "recover --all" not in run(experiment(action(), probes=[single()]), tmp_path).err


def test_recover_wants_to_know_which(tmp_path: Path) -> None:
    assert recover(tmp_path).exit == 2
    assert recover(tmp_path, "--all").exit == 0
