"""host.process_kill, on processes that sleep."""

import time
from collections.abc import Callable
from subprocess import Popen
from typing import Any

import pytest
from msgspec import structs

from chaos_runner import shelf
from chaos_runner.contracts import Act, Answer, Grade, Setting
from chaos_runner.errors import ActFailed, Gone, Refused
from chaos_runner.faults.host.process_kill import KillArguments
from chaos_runner.targets.host import ProcessTarget

Start = Callable[..., "Popen[bytes]"]
kill = shelf.fault("host.process_kill")
_DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def prepared(setting: Setting, process: "Popen[bytes]", **arguments: Any) -> Act:
    acts: list[Act] = kill.prepare(ProcessTarget(pid=process.pid), KillArguments(**arguments), setting)
    return acts[0]


def test_a_killed_process_is_gone_for_good(start: Start, setting: Setting) -> None:
    process = start()
    act = prepared(setting, process)
    assert process.poll() is None
    assert kill.verify(act).answer is Answer.RESTORED
    evidence = kill.apply(act)
    assert evidence.grade is Grade.PROVEN
    assert evidence.after.endswith("after SIGKILL")
    assert process.wait(1) == -9
    kill.undo(act)
    assert kill.verify(act).answer is Answer.GONE
    assert "systemd" in kill.healed_by


def test_the_end_is_seen_although_the_parent_has_not_looked(start: Start, setting: Setting) -> None:
    process = start()
    act = prepared(setting, process, signal="sigterm", within=5.0)
    began = time.monotonic()
    kill.apply(act)
    assert time.monotonic() - began < 2
    assert kill.verify(act).answer is Answer.GONE
    assert process.wait(1) == -15


def test_a_signal_that_is_ignored_is_an_error_and_no_proof(start: Start, setting: Setting) -> None:
    process = start(code=_DEAF)
    act = prepared(setting, process, signal="TERM", within=0.2)
    with pytest.raises(ActFailed, match=rf"python.* \(pid {process.pid}\) is still running after 200 ms"):
        kill.apply(act)
    assert process.poll() is None
    assert kill.verify(act).answer is Answer.RESTORED


def test_another_process_with_the_same_pid_is_not_killed(start: Start, setting: Setting) -> None:
    process = start()
    act = prepared(setting, process)
    with pytest.raises(Gone):
        kill.apply(structs.replace(act, target=act.target | {"started": 1.0}))
    assert process.poll() is None


def test_a_signal_that_is_not_known_is_refused_before_anything(start: Start, setting: Setting) -> None:
    with pytest.raises(Refused, match="`signal` is one of KILL, TERM, INT, HUP, QUIT, ABRT, not 'STOP'"):
        prepared(setting, start(), signal="STOP")
