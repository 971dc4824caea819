"""Chaos Toolkit's process provider: an end, a bound, and nobody left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from chaos_runner.contracts import Grade
from chaos_runner.engine import process
from chaos_runner.engine.activities import Called, Caller, call
from chaos_runner.experiment.model import Provider
from chaos_runner.experiment.values import Values

pytestmark = pytest.mark.slow


def called(**spec: Any) -> Called:
    return call(Provider({"type": "process", **spec}), Caller(Values()))


def python(code: str) -> dict[str, Any]:
    return {"path": sys.executable, "arguments": ["-c", code]}


def test_a_process_gives_what_chaoslib_gives() -> None:
    found = called(**python("import sys; print('out'); print('err', file=sys.stderr)"))
    assert found.output == {"status": 0, "stdout": "out\n", "stderr": "err\n"}
    assert (found.ok, found.grade) == (True, Grade.REPORTED)


def test_text_arguments_go_through_a_shell() -> None:
    assert called(path="echo", arguments="one $((1+1))").output["stdout"] == "one 2\n"


def test_a_mapping_of_arguments_is_flattened() -> None:
    assert called(path="echo", arguments={"--flag": 1, "-x": None}).output["stdout"] == "--flag 1 -x\n"


def test_a_bad_status_did_not_act() -> None:
    found = called(**python("import sys; sys.exit('no such pod')"))
    assert (found.grade, found.note) == (Grade.NONE, "exit status 1: no such pod")


def test_fifty_megabytes_are_cut_and_the_cut_is_said() -> None:
    found = called(**python("import sys; sys.stdout.write('x' * 50_000_000)"))
    assert len(found.output["stdout"]) == process.OUTPUT_MAX
    assert f"{50_000_000 - process.OUTPUT_MAX} bytes of output were cut" in found.note


def test_bytes_that_are_no_text_are_shown_as_bytes() -> None:
    found = called(**python("import sys; sys.stdout.buffer.write(b'caf\\xe9 \\xff')"))
    assert found.output["stdout"] == "caf\\xe9 \\xff"


def test_what_cannot_be_started_failed() -> None:
    found = called(path="/there/is/no/such/program")
    assert not found.ok
    assert "could not start" in found.note


def test_a_process_that_does_not_end_is_ended_with_all_its_children(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    found = called(path="sh", arguments=f"-c 'sleep 61 & echo $! > {pid_file}; sleep 62'", timeout=0.5)
    assert not found.ok
    assert "did not end within 0.5 s" in found.note
    assert gone_soon(int(pid_file.read_text()))


def test_a_child_that_keeps_the_pipe_open_does_not_hold_us(tmp_path: Path) -> None:
    began_s = time.monotonic()
    found = called(path="sh", arguments="-c 'sleep 60 & echo started'", timeout=1)
    assert time.monotonic() - began_s < 5
    assert not found.ok


def test_ending_a_group_ends_those_that_ignore_sigterm() -> None:
    started: list[subprocess.Popen[bytes]] = []
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
    thread = threading.Thread(target=lambda: process.run({**python(code)}, started.append, {}), daemon=True)
    thread.start()
    while not started:
        time.sleep(0.01)
    time.sleep(0.3)
    process.end_group(started[0])
    thread.join(5)
    assert not thread.is_alive()


def gone_soon(pid: int) -> bool:
    deadline_s = time.monotonic() + 3
    while time.monotonic() < deadline_s:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    return False
