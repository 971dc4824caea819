"""host.cpu_load, with a fifth of a core."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from chaos_runner import shelf
from chaos_runner.contracts import Act, Answer, Grade, Setting
from chaos_runner.errors import ActFailed, Gone, NoEffect, NoTarget, Refused
from chaos_runner.targets.host import Process, with_words
from tests.cli.runner import run
from tests.faults.loads import (
    closed,
    eventually,
    helpers,
    killed,
    orphan,
    prepared,
    setting_for,
    undone_elsewhere,
)
from tests.run.samples import experiment, single

Start = Callable[..., "subprocess.Popen[bytes]"]
NAME = "host.cpu_load"
cpu = shelf.fault(NAME)
FIFTH: dict[str, Any] = {"load": 0.2, "cores": 1}


@pytest.fixture
def act() -> Iterator[Act]:
    made = prepared(cpu, {}, **FIFTH)
    yield made
    cpu.undo(made)


def test_a_fifth_of_a_core_is_measured_and_gone_after_undo(act: Act) -> None:
    assert helpers(act) == []
    evidence = cpu.apply(act)
    assert (evidence.grade, evidence.before) == (Grade.PROVEN, "0 cores busy with us")
    assert 0.05 < float(evidence.after.split()[0]) < 0.4
    assert evidence.after.endswith("cores busy with us, for 20% of 1 core")
    assert cpu.verify(act).answer is Answer.NOT_RESTORED
    cpu.undo(act)
    assert helpers(act) == []
    assert cpu.verify(act).answer is Answer.RESTORED


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one core only")
def test_every_core_has_a_worker_of_its_own_that_carries_the_mark() -> None:
    act = prepared(cpu, {}, load=0.05, cores=2)
    cpu.apply(act)
    assert eventually(lambda: {frozenset(os.sched_getaffinity(each.pid)) for each in helpers(act)}
                      == {frozenset({core}) for core in act.do["cores"]})
    cpu.undo(act)
    assert helpers(act) == []


def test_the_helpers_have_a_session_of_their_own(act: Act) -> None:
    cpu.apply(act)
    [helper] = helpers(act)
    assert os.getsid(helper.pid) == helper.pid


@pytest.mark.parametrize("times", [1, 2, 3])
def test_undo_may_run_any_number_of_times(act: Act, times: int) -> None:
    cpu.apply(act)
    for _ in range(times):
        cpu.undo(act)
    assert cpu.verify(act).answer is Answer.RESTORED


def test_two_undos_at_once_do_no_harm(act: Act) -> None:
    cpu.apply(act)
    failed: list[ActFailed] = []

    def undo() -> None:
        try:
            cpu.undo(act)
        except ActFailed as problem:
            failed.append(problem)

    both = [threading.Thread(target=undo) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert (failed, helpers(act)) == ([], [])


def test_an_undo_without_an_apply_changes_nothing(act: Act) -> None:
    cpu.undo(act)
    assert cpu.verify(act).answer is Answer.RESTORED


def test_an_undo_leaves_the_load_of_another_act_alone(act: Act) -> None:
    other = structs.replace(act, do=act.do | {"mark": act.do["mark"] + "1"})
    cpu.apply(act)
    cpu.undo(other)
    assert len(helpers(act)) == 1


def test_an_act_is_applied_once(act: Act) -> None:
    cpu.apply(act)
    with pytest.raises(ActFailed, match="already"):
        cpu.apply(act)
    assert len(helpers(act)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.08, 0.1, 0.15, 0.25])
def test_a_killed_process_leaves_no_load_wherever_it_was_in_apply(act: Act, after_s: float) -> None:
    killed(NAME, act, word="up", after_s=after_s)
    assert undone_elsewhere(NAME, act) == "restored"
    assert helpers(act) == []


@pytest.mark.slow
def test_the_load_ends_with_its_runner_without_anybodys_help(act: Act) -> None:
    killed(NAME, act)
    assert eventually(lambda: not helpers(act), within_s=2)


def test_a_load_that_outlived_its_runner_is_found_by_its_mark(act: Act) -> None:
    left = orphan(act, "cpu", "--share", "0.05", "--cores", "0,0")
    assert len(helpers(act)) == 2
    assert undone_elsewhere(NAME, act) == "restored"
    assert helpers(act) == []
    closed(left)


@pytest.mark.slow
def test_a_helper_whose_starter_dies_before_the_word_to_begin_does_nothing(act: Act, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "chaos_runner.targets.load", "disk", "--mark", act.do["mark"], "--until",
               str(act.do["until_s"]), "--size", "4096", "--floor", "0", "--file", str(tmp_path / "file")]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=10)
    assert (done.stdout, done.stderr, list(tmp_path.iterdir())) == (b"", b"", [])


def test_a_helper_that_waits_for_the_word_is_found_and_ended(act: Act) -> None:
    command = [sys.executable, "-m", "chaos_runner.targets.load", "cpu", "--mark", act.do["mark"]]
    waiting = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert eventually(lambda: helpers(act))
    cpu.undo(act)
    assert cpu.verify(act).answer is Answer.RESTORED
    closed(waiting)


def test_the_helper_needs_nothing_but_the_standard_library() -> None:
    code = ("import sys, chaos_runner.targets.load; print(*(name for name in sys.modules"
            " if name.partition('.')[0] in ('msgspec', 'psutil', 'click', 'subprocess', 'asyncio')))")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


def test_the_time_of_a_process_that_has_ended_is_gone(start: Start) -> None:
    child = start()
    process = Process.of(child.pid)
    assert 0 < process.cpu_time_s() < 5
    closed(child)
    with pytest.raises(Gone):
        process.cpu_time_s()


def test_words_of_a_command_line_are_whole_words(start: Start) -> None:
    child = start("--mark", "4711-x")
    assert [process.pid for process in with_words("4711-x", "--mark")] == [child.pid]
    assert with_words("4711-", "--mark") == []


def test_a_load_that_is_paused_is_ended_too(act: Act) -> None:
    cpu.apply(act)
    [helper] = helpers(act)
    helper.signal(signal.SIGSTOP)
    helper.wait_for_state("stopped")
    cpu.undo(act)
    assert cpu.verify(act).answer is Answer.RESTORED


@pytest.mark.slow
def test_a_load_ends_by_itself_when_its_mark_expires() -> None:
    act = prepared(cpu, {}, setting_for(2), **FIFTH)
    cpu.apply(act)
    assert eventually(lambda: not helpers(act), within_s=4)
    cpu.undo(act)


def test_helpers_that_somebody_else_ended_are_nothing_to_undo(act: Act) -> None:
    cpu.apply(act)
    [helper] = helpers(act)
    helper.signal(signal.SIGKILL)
    assert eventually(lambda: not helpers(act))
    cpu.undo(act)
    assert cpu.verify(act).answer is Answer.RESTORED


def test_a_helper_that_cannot_do_it_says_why() -> None:
    act = prepared(cpu, {}, setting_for(), **FIFTH)
    late = structs.replace(act, do=act.do | {"until_s": 1.0})
    with pytest.raises(ActFailed, match="the helper process failed"):
        cpu.apply(late)
    cpu.undo(late)


def test_a_load_of_nothing_has_no_effect() -> None:
    with pytest.raises(NoEffect):
        prepared(cpu, {}, load=0.0)


@pytest.mark.parametrize("cores", [0, -1, 100_000])
def test_cores_that_are_not_there_are_refused(cores: int) -> None:
    with pytest.raises(Refused, match="`cores` is from 1 to"):
        prepared(cpu, {}, cores=cores)


def test_all_cores_that_we_may_use_are_the_default() -> None:
    assert prepared(cpu, {}).do["cores"] == sorted(os.sched_getaffinity(0))


def test_a_machine_of_another_name_is_no_target() -> None:
    with pytest.raises(NoTarget, match="not some-other-host"):
        prepared(cpu, {"host": "some-other-host"}, **FIFTH)
    assert prepared(cpu, {"host": os.uname().nodename}, **FIFTH).target == {"host": os.uname().nodename}


def test_a_mark_that_has_expired_is_refused(setting: Setting) -> None:
    old = structs.replace(setting, mark=structs.replace(setting.mark, expires="20200101T000000Z"))
    with pytest.raises(Refused, match="has expired"):
        prepared(cpu, {}, old, **FIFTH)


@pytest.mark.skipif(not shutil.which("pkill"), reason="there is no pkill")
def test_a_person_can_finish_the_undo_with_one_command(act: Act) -> None:
    cpu.apply(act)
    subprocess.run(cpu.by_hand(act), shell=True, check=True)  # noqa: S602 (what a person would type)
    assert cpu.verify(act).answer is Answer.RESTORED


@pytest.mark.slow
def test_a_run_with_a_busy_core_is_proven_and_restored(tmp_path: Path) -> None:
    step = {"name": "busy", "fault": NAME, "target": {}, "arguments": {"load": "20%", "cores": 1}, "duration": "300ms"}
    ran = run(experiment(step, probes=[single()]), tmp_path)
    [fault] = ran.outcome["faults"]
    assert (ran.exit, fault["grade"], fault["restored"]) == (0, "proven", "restored")
