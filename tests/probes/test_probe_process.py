"""process.running, on processes that sleep."""

import os
import signal
import sys
import uuid
from subprocess import PIPE, Popen

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import NoData
from chaos_runner.targets.host import ProcessFilter, matching
from chaos_runner.units import Unit

running = shelf.probe("process.running")


def test_running_counts_what_can_run_from_nothing_to_some_and_back() -> None:
    word = f"only-{uuid.uuid4().hex}"
    wanted = ProcessFilter(command=word)
    assert running.read(wanted).value == 0
    code = "import time; print('up', flush=True); time.sleep(60)"
    with Popen([sys.executable, "-c", code, word], stdout=PIPE) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            assert running.read(wanted).value == 1
            process.send_signal(signal.SIGSTOP)
            [seen] = matching(wanted)
            seen.wait_for_state("stopped")
            paused = running.read(wanted)
            assert paused.value == 0
            assert f"(pid {process.pid})" in paused.note
        finally:
            process.kill()
        seen.wait_for_end(2.0)
        assert running.read(wanted).value == 0
    assert running.unit is Unit.COUNT


@pytest.mark.parametrize(("wanted", "words"), [
    (ProcessFilter(), "exactly one of"), (ProcessFilter(command="["), "no regular expression"),
    (ProcessFilter(pid=os.getpid()), "never touched"),
])
def test_a_question_without_sense_is_no_data_and_no_outage(wanted: ProcessFilter, words: str) -> None:
    with pytest.raises(NoData, match=words):
        running.read(wanted)
