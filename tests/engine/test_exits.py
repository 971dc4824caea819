"""Ways out of a process that foreign code finds shut."""

import os
import subprocess
import sys
import threading

import pytest

from chaos_runner.engine.exits import no_way_out


@pytest.mark.parametrize("way", [
    lambda: os._exit(0), lambda: os.execv("/bin/true", ["true"]), lambda: os.execvp("true", ["true"]),  # noqa: S606
    lambda: os.execle("/bin/true", "true", {})])  # noqa: S606
def test_foreign_code_cannot_leave(way: object) -> None:
    with pytest.raises(SystemExit, match=r"the step called os\._?ex"), no_way_out():
        way()  # type: ignore[operator]


def test_a_child_that_foreign_code_forks_leaves_as_it_likes() -> None:
    with no_way_out():
        child = os.fork()
        if child == 0:
            os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_it_stays_shut_for_one_thread_when_another_is_done() -> None:
    inside, done = threading.Event(), threading.Event()
    caught: list[str] = []

    def slow() -> None:
        with no_way_out():
            inside.set()
            done.wait(5)
            try:
                os._exit(0)
            except SystemExit as problem:
                caught.append(str(problem))

    with no_way_out():
        thread = threading.Thread(target=slow)
        thread.start()
        inside.wait(5)
    done.set()
    thread.join()
    assert caught == ["the step called os._exit(0)"]


def test_the_runner_itself_leaves_when_it_is_done() -> None:
    script = "import os\nfrom chaos_runner.engine.exits import no_way_out\nwith no_way_out(): pass\nos._exit(3)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 3
