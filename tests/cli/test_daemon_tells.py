"""The daemon telling people, as they hear it: a process, its runs, and a receiver that is down at first."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("chaos_runner.cli.daemon")

from tests.cli.test_daemon import Project, project  # noqa: F401 -- a fixture
from tests.notify.receiver import Receiver, receiving

pytestmark = pytest.mark.slow
EVERYTHING = ["started", "breach", "stopped", "ended", "skipped", "missed", "recovered", "not-restored", "paused"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as up:
        yield up


def breaking(folder: Path, for_s: float = 4.0) -> dict[str, Any]:
    """An experiment whose step takes away a file that should be there, and puts it back in the end."""
    here, away = folder / "here", folder / "away"
    here.touch()
    move = {"type": "python", "module": "os", "func": "rename"}
    there = {"type": "python", "module": "os.path", "func": "exists", "arguments": {"path": str(here)}}
    return {
        "title": "the file <!channel> stays", "description": "d",
        "steady-state-hypothesis": {"title": "h", "baseline": "1s", "recovers-within": "5s", "probes": [
            {"name": "it is there", "type": "probe", "every": "200ms", "tolerance": True, "provider": there}]},
        "method": [{"name": "take it away", "type": "action", "pauses": {"after": for_s},
                    "provider": {**move, "arguments": {"src": str(here), "dst": str(away)}}}],
        "rollbacks": [{"name": "put it back", "type": "action",
                       "provider": {**move, "arguments": {"src": str(away), "dst": str(here)}}}]}


def test_a_breach_is_told_while_the_run_is_under_way(project: Project, receiver: Receiver) -> None:  # noqa: F811
    project.holds(breaking(project.folder), notify=[{"webhook": receiver.url, "events": EVERYTHING}])
    with project.daemon() as daemon:
        project.asked_to_run()
        receiver.wait_for(2, within_s=40)
        assert project.rows()[-1]["state"] == "running"
        row = project.ended()
        receiver.wait_for(3, within_s=10)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(timeout=20) == 0
    assert [one.data["kind"] for one in receiver.heard] == ["started", "breach", "ended"]
    assert {one.data["run"] for one in receiver.heard} == {row["run"]}
    assert '"it is there" should be true, and is not' in receiver.heard[1].data["sentence"]
    assert receiver.heard[2].data["verdict"] == "deviated"


def test_what_happened_while_the_receiver_was_down_and_the_daemon_died_is_told_by_the_next(
        project: Project) -> None:  # noqa: F811
    receiver = Receiver()
    with receiving(receiver):
        url, port = receiver.url, receiver.port
    project.holds(breaking(project.folder, for_s=1), notify=[{"webhook": url}])
    with project.daemon() as daemon:
        project.asked_to_run()
        row = project.ended()
        daemon.kill()
        daemon.wait()
    assert "s3cr3t" not in project.said
    with receiving(receiver, port), project.daemon() as daemon:
        receiver.wait_for(2, within_s=90)
    assert sorted(one.data["kind"] for one in receiver.heard) == ["breach", "ended"]
    assert {one.data["run"] for one in receiver.heard} == {row["run"]}
