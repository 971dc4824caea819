"""host.process_pause, on processes that sleep."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from subprocess import Popen
from typing import Any

import msgspec
import psutil
import pytest
from msgspec import structs

from chaos_runner import shelf
from chaos_runner.contracts import Act, Answer, Grade, NoArguments, Setting
from chaos_runner.errors import Gone, NoEffect, NoTarget
from chaos_runner.targets.host import Process, ProcessFilter, ProcessTarget, matching

Start = Callable[..., "Popen[bytes]"]
pause = shelf.fault("host.process_pause")


def stopped(process: "Popen[bytes]") -> bool:
    return psutil.Process(process.pid).status() == psutil.STATUS_STOPPED


def prepared(setting: Setting, **target: Any) -> list[Act]:
    return pause.prepare(ProcessTarget(**target), NoArguments(), setting)


def ended(process: "Popen[bytes]") -> None:
    process.kill()
    process.wait()


def test_a_paused_process_stands_still_until_undone(start: Start, setting: Setting) -> None:
    process = start()
    [act] = prepared(setting, pid=process.pid)
    assert not stopped(process)
    evidence = pause.apply(act)
    assert (evidence.grade, evidence.before, evidence.after) == (Grade.PROVEN, "running", "stopped")
    assert stopped(process)
    assert pause.verify(act).answer is Answer.NOT_RESTORED
    pause.undo(act)
    assert not stopped(process)
    assert pause.verify(act).answer is Answer.RESTORED


def test_undone_twice_is_as_good_as_once(start: Start, setting: Setting) -> None:
    process = start()
    [act] = prepared(setting, pid=process.pid)
    pause.apply(act)
    pause.undo(act)
    pause.undo(act)
    assert pause.verify(act).answer is Answer.RESTORED


def test_an_undo_without_an_apply_changes_nothing(start: Start, setting: Setting) -> None:
    [act] = prepared(setting, pid=start().pid)
    pause.undo(act)
    assert pause.verify(act).answer is Answer.RESTORED


def test_a_process_that_is_already_paused_refuses_the_whole_step_and_stays_paused(
    start: Start, setting: Setting,
) -> None:
    running, paused = start("twins-4711"), start("twins-4711")
    paused.send_signal(signal.SIGSTOP)
    [seen] = matching(ProcessFilter(pid=paused.pid))
    seen.wait_for_state("stopped")
    with pytest.raises(NoEffect, match=rf"python.* \(pid {paused.pid}\) is already paused"):
        prepared(setting, command="twins-4711")
    assert not stopped(running)
    assert stopped(paused)


def test_a_process_that_somebody_paused_since_prepare_is_left_to_them(start: Start, setting: Setting) -> None:
    process = start()
    [act] = prepared(setting, pid=process.pid)
    process.send_signal(signal.SIGSTOP)
    Process.at(act.target).wait_for_state("stopped")
    with pytest.raises(NoEffect):
        pause.apply(act)


def test_a_process_that_died_while_paused_is_gone(start: Start, setting: Setting) -> None:
    process = start()
    [act] = prepared(setting, pid=process.pid)
    pause.apply(act)
    ended(process)
    pause.undo(act)
    assert pause.verify(act).answer is Answer.GONE
    with pytest.raises(Gone):
        pause.apply(act)


def test_another_process_with_the_same_pid_is_not_touched(start: Start, setting: Setting) -> None:
    process = start()
    [act] = prepared(setting, pid=process.pid)
    older = structs.replace(act, target=act.target | {"started": act.target["started"] - 1})
    with pytest.raises(Gone, match=f"the process that was pid {process.pid} is no longer there"):
        pause.apply(older)
    assert not stopped(process)
    pause.apply(act)
    pause.undo(older)
    assert stopped(process)
    assert pause.verify(older).answer is Answer.GONE


def test_an_act_that_went_through_json_undoes_in_another_process(start: Start, setting: Setting) -> None:
    process = start()
    [act] = prepared(setting, pid=process.pid)
    pause.apply(act)
    code = ("import msgspec, sys; from chaos_runner import shelf; from chaos_runner.contracts import Act;"
            "fault = shelf.fault('host.process_pause'); act = msgspec.json.decode(sys.argv[1], type=Act);"
            "fault.undo(act); print(fault.verify(act).answer, 'psutil' in sys.modules)")
    said = subprocess.run([sys.executable, "-c", code, msgspec.json.encode(act).decode()], capture_output=True,
                          text=True, check=True)
    assert said.stdout.split()[0] == "restored"
    assert said.stdout.split()[1] == str(sys.platform != "linux")
    assert not stopped(process)


def test_nothing_that_matches_is_no_target(setting: Setting) -> None:
    with pytest.raises(NoTarget, match="no process matches name 'no-such-thing'"):
        prepared(setting, name="no-such-thing")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_process_that_is_not_ours_to_signal_is_refused(start: Start) -> None:
    code = """if True:
        import os, sys
        from chaos_runner import shelf
        from chaos_runner.contracts import Mark, NoArguments, Setting
        from chaos_runner.errors import Refused
        from chaos_runner.targets.host import ProcessTarget
        pause = shelf.fault("host.process_pause")
        setting = Setting(mark=Mark(run="r", number=0, expires="e"), seed=0, configuration={})
        os.setuid(65534)  # after the imports: what root installed need not be readable for others
        try:
            pause.prepare(ProcessTarget(pid=int(sys.argv[1])), NoArguments(), setting)
        except Refused as error:
            print(error)
    """
    process = start()
    said = subprocess.run([sys.executable, "-c", code, str(process.pid)], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("no right to send signals to python")
    assert not stopped(process)


def test_a_person_can_finish_the_undo_with_one_command(start: Start, setting: Setting) -> None:
    process = start()
    [act] = prepared(setting, pid=process.pid)
    pause.apply(act)
    subprocess.run(pause.by_hand(act), shell=True, check=True)  # noqa: S602 (what a person would type)
    assert pause.verify(act).answer is Answer.RESTORED
