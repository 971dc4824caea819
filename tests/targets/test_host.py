"""Processes as targets, on processes that sleep."""

import os
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

import pytest

from chaos_runner.errors import ActFailed, Gone, NoTarget, Refused
from chaos_runner.experiment.arguments import convert
from chaos_runner.targets import host
from chaos_runner.targets.host import Process, ProcessFilter, ProcessTarget, find, matching

Start = Callable[..., "Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts processes that sleep, with these words on their command line."""
    started: list[Popen[bytes]] = []

    def starting(*words: str, executable: str = sys.executable) -> "Popen[bytes]":
        code = "import time; print('up', flush=True); time.sleep(60)"
        process = Popen([executable, "-c", code, *words], stdout=PIPE, stderr=DEVNULL)
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == b"up\n"
        return process

    yield starting
    for process in started:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


@pytest.fixture
def word() -> str:
    """What only the processes of one test have on their command line."""
    return f"only-{uuid.uuid4().hex}"


def looked_at(process: "Popen[bytes]") -> Process:
    [found] = matching(ProcessFilter(pid=process.pid))
    return found


# ── which processes ─────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_command_is_searched_in_the_whole_command_line(start: Start, word: str) -> None:
    ours = [start("--for", word), start("--for", word)]
    start("--for", "others")
    found, group = find(ProcessTarget(command=f"--for {word}$"), 1)
    assert [process.pid for process in found] == [each.pid for each in ours]
    assert group is not None
    assert group.size == 2


def test_a_name_is_the_whole_name_of_the_program_also_when_it_is_long(start: Start, tmp_path: Path, word: str) -> None:
    program = tmp_path / word
    program.symlink_to(sys.executable)
    process = start(executable=str(program))
    assert [found.pid for found in find(ProcessTarget(name=word), 1).processes] == [process.pid]
    with pytest.raises(NoTarget):
        find(ProcessTarget(name=word[:8]), 1)


def test_a_user_narrows_the_choice(start: Start, word: str) -> None:
    process = start(word)
    found = find(ProcessTarget(command=word, user=str(os.getuid())), 1).processes
    assert [each.pid for each in found] == [process.pid]
    with pytest.raises(NoTarget, match=r"no process matches command '.*', user '54321'"):
        find(ProcessTarget(command=word, user="54321"), 1)
    with pytest.raises(Refused, match="no user 'nobody-at-all'"):
        find(ProcessTarget(command=word, user="nobody-at-all"), 1)


def test_at_most_and_percent_choose_by_seed(start: Start, word: str) -> None:
    for _ in range(4):
        start(word)
    two = ProcessTarget(command=word, at_most=2)
    by_seed = {seed: [each.pid for each in find(two, seed).processes] for seed in range(20)}
    assert all(len(pids) == 2 and pids == sorted(pids) for pids in by_seed.values())
    assert len({tuple(pids) for pids in by_seed.values()}) > 1
    assert by_seed[3] == [each.pid for each in find(ProcessTarget(command=word, percent=0.5), 3).processes]
    assert len(find(ProcessTarget(command=word, percent=0.74, at_most=3), 1).processes) == 2
    assert len(find(ProcessTarget(command=word, percent=1.0, at_most=9), 1).processes) == 4


def test_a_share_that_rounds_to_nothing_is_refused_with_the_numbers(start: Start, word: str) -> None:
    start(word)
    with pytest.raises(Refused, match=r"99% of 1 process is none"):
        find(ProcessTarget(command=word, percent=0.99), 1)
    start(word)
    with pytest.raises(Refused, match=r"34% of 2 processes is none"):
        find(ProcessTarget(command=word, percent=0.34), 1)
    with pytest.raises(Refused, match="`at-most` is 1 or more, not 0"):
        find(ProcessTarget(command=word, at_most=0), 1)


def test_a_share_is_not_cheated_by_binary_fractions() -> None:
    assert host._how_many(ProcessTarget(percent=0.29), 100) == 29


@pytest.mark.parametrize(("target", "words"), [
    ({}, "not none of them"), ({"user": "root"}, "not none of them"),
    ({"pid": 1234567, "name": "nginx"}, "not `pid` and `name`"),
    ({"command": "("}, r"no regular expression: .*'\('"), ({"command": ""}, "would match every process"),
])
def test_a_target_that_says_too_little_or_too_much_is_refused(target: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        find(ProcessTarget(**target), 1)


def test_we_and_what_started_us_are_never_found(word: str) -> None:
    for pid in (1, os.getpid(), os.getppid()):
        with pytest.raises(Refused, match=f"pid {pid} is never touched"):
            find(ProcessTarget(pid=pid), 1)
    everything = {found.pid for found in matching(ProcessFilter(command="."))}
    assert not everything & {1, os.getpid(), os.getppid()}


@pytest.mark.skipif(not Path("/proc/2/comm").exists(), reason="no threads of the kernel to be seen here")
def test_threads_of_the_kernel_are_never_found() -> None:
    if Path("/proc/2/comm").read_text() != "kthreadd\n":
        pytest.skip("no threads of the kernel to be seen here")
    with pytest.raises(NoTarget):
        find(ProcessTarget(pid=2), 1)
    assert host._read(2) is None


def test_the_words_of_a_file_become_a_target() -> None:
    given = {"name": "nginx", "at-most": 2, "percent": "34%"}
    assert convert(ProcessTarget, given) == ProcessTarget(name="nginx", at_most=2, percent=0.34)


# ── one process ─────────────────────────────────────────────────────────────────────────────────────────────────────

def test_two_looks_at_a_process_tell_the_same_key(start: Start) -> None:
    process = start()
    first = looked_at(process)
    assert looked_at(process).key == first.key == {"pid": process.pid, "started": first.started}
    assert Process.at(first.key) == first


def test_an_ended_process_is_gone_before_and_after_its_parent_looks(start: Start) -> None:
    process = start()
    found = looked_at(process)
    process.kill()
    found.wait_for_end(2.0)
    for _ in range(2):
        with pytest.raises(Gone):
            Process.at(found.key)
        with pytest.raises(Gone):
            found.signal(signal.SIGTERM)
        with pytest.raises(NoTarget):
            find(ProcessTarget(pid=found.pid), 1)
        process.wait()


def test_a_signal_meets_only_the_process_it_was_meant_for(start: Start) -> None:
    process = start()
    found = looked_at(process)
    with pytest.raises(Gone):
        Process(pid=found.pid, parent=0, started=found.started + 1, state="running", name="", command=()).signal(15)
    assert process.poll() is None
    found.signal(15)
    assert process.wait(2) == -15


def test_without_handles_of_the_kernel_signals_are_sent_all_the_same(
    start: Start, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    process = start()
    found = looked_at(process)
    found.signal(signal.SIGTERM)
    assert process.wait(2) == -15
    with pytest.raises(Gone):
        found.signal(signal.SIGTERM)


def test_stopping_and_going_on_are_seen(start: Start) -> None:
    process = start()
    found = looked_at(process)
    found.signal(signal.SIGSTOP)
    assert found.wait_for_state("stopped").state == "stopped"
    with pytest.raises(ActFailed, match=r"is still stopped after 50 ms, not running"):
        found.wait_for_state("running", within_s=0.05)
    found.signal(signal.SIGCONT)
    assert found.wait_for_state("running").state == "running"


def test_a_zombie_among_the_matches_is_skipped(start: Start, word: str) -> None:
    dead, alive = start(word), start(word)
    found = looked_at(dead)
    dead.kill()
    found.wait_for_end(2.0)
    assert [each.pid for each in find(ProcessTarget(command=word), 1).processes] == [alive.pid]


def test_both_ways_to_read_a_process_see_the_same(start: Start) -> None:
    if sys.platform != "linux":
        pytest.skip("only on Linux there are two")
    process = start("one", "two words", "")
    by_proc, by_psutil = host._read_proc(process.pid), host._read_psutil(process.pid)
    assert by_proc
    assert by_psutil
    assert [(each.pid, each.parent, each.name, each.command) for each in (by_proc, by_psutil)] == [
        (process.pid, os.getpid(), by_proc.name, (sys.executable, "-c", by_proc.command[2], "one", "two words", "")),
    ] * 2
    assert by_proc.state == by_psutil.state == "running"
    process.kill()
    by_proc.wait_for_end(2.0)
    assert host._read_proc(process.pid) is host._read_psutil(process.pid) is None
    process.wait()
    assert host._read_proc(process.pid) is host._read_psutil(process.pid) is None


@pytest.mark.parametrize(("name", "command", "label"), [
    ("nginx", ("nginx", "-g", "daemon off;"), "nginx (pid 4711)"),
    ("python3.11", ("python3.11", "-m", "shop.orders", "--name", "orders-1"), "orders-1 (pid 4711)"),
    ("python3", ("/usr/bin/python3", "-m", "shop.front"), "shop.front (pid 4711)"),
    ("python3", ("/usr/bin/python3", "worker.py", "--name", "x"), "python3 (pid 4711)"),
    ("a\x1b[31m\nb", (), "a?[31m?b (pid 4711)"),
    ("x" * 200, (), "x" * 60 + " (pid 4711)"),
])
def test_a_label_is_what_people_would_call_it(name: str, command: tuple[str, ...], label: str) -> None:
    assert Process(pid=4711, parent=1, started=1.0, state="running", name=name, command=command).label == label
