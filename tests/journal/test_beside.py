"""A look by a copy of this process: its answer, and what may become of the copy."""

import subprocess
import sys
from textwrap import dedent
from typing import Final

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies are made on Linux only")
BEGIN: Final = """
import os, resource, signal, sys, threading
from chaos_runner.journal.beside import beside
here = os.getpid()
"""


def printed(code: str) -> str:
    """By a process of its own, that has one thread."""
    words = [sys.executable, "-c", BEGIN + dedent(code)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    assert ran.stderr == ""
    return ran.stdout.strip()


@pytest.mark.parametrize("found", ["True", "False"])
def test_the_answer_is_that_of_the_look(found: str) -> None:
    assert printed(f"print(beside(lambda: {found})())") == found


def test_a_copy_takes_the_look() -> None:
    assert printed("print(beside(lambda: os.getpid() != here)())") == "True"


def test_it_is_taken_here_where_there_are_threads() -> None:
    assert printed("""
        go_on = threading.Event()
        threading.Thread(target=go_on.wait).start()
        print(beside(lambda: os.getpid() == here)())
        go_on.set()""") == "True"


@pytest.mark.parametrize("fate", ["1 / 0", "os.kill(os.getpid(), signal.SIGKILL)", "os._exit(77)", "sys.exit(1)"])
def test_it_is_taken_here_when_the_copy_came_to_no_answer(fate: str) -> None:
    assert printed(f"print(beside(lambda: os.getpid() == here or {fate})())") == "True"


def test_what_goes_wrong_here_too_is_raised_here() -> None:
    assert printed("""
        try:
            beside(lambda: 1 / 0)()
        except ZeroDivisionError:
            print("raised")""") == "raised"


def test_it_is_taken_here_where_nobody_may_wait_for_a_copy() -> None:
    assert printed("""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        print(beside(lambda: True)())""") == "True"


def test_it_is_taken_here_where_there_is_no_room_for_one_more_process() -> None:
    assert printed("""
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        os.geteuid() or os.setuid(65534)  # root may have any number
        print(beside(lambda: os.getpid() == here)())""") == "True"


def test_what_was_not_yet_written_is_written_once() -> None:
    assert printed("""
        sys.stdout.write("once ")
        print(beside(lambda: True)())""") == "once True"
