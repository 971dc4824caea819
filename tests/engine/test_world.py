"""The real world of a run: what others leave in its folder is hostile too."""

from pathlib import Path

import pytest

from chaos_runner import shelf
from chaos_runner.clock import SystemClock
from chaos_runner.engine.hands import Hands, Orders
from chaos_runner.engine.world import Elapsed, RealWorld
from chaos_runner.experiment.values import Values
from chaos_runner.run.events import StopRequested
from chaos_runner.testing import run_in_memory
from tests.run.samples import action, experiment, single


def world(request: Path) -> RealWorld:
    plan = run_in_memory(experiment(action(), probes=[single()])).run.plan
    elapsed_s = Elapsed(SystemClock())
    made = RealWorld(plan, Hands(Orders(plan, Values(), shelf, elapsed_s)), elapsed_s)
    made.request = request
    return made


@pytest.mark.parametrize(("word", "by"), [
    (b'{"by": "ada"}', "ada"), (b"", ""), (b"[]", ""), (b'{"\xff": "x"}', ""), (b'{"by": 5}', ""),
    (b"[" * 100_000, ""), (b'{"by": "\xff"}', "")])
def test_a_request_to_stop_is_heard_whatever_was_written_beside_it(word: bytes, by: str, tmp_path: Path) -> None:
    (tmp_path / "stop.json").write_bytes(word)
    asked = world(tmp_path / "stop.json")
    asked.tell_request()
    item = asked.next_item()
    assert isinstance(item, StopRequested)
    assert item.by == by
